from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import VitsConfig as TransformersConfig
from transformers import VitsModel

from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.vits.model import Vits
from sonorant.voice.interchange.weights_layout import build
from sonorant.voice.interchange.weights_transformers import (
    config_from_transformers,
    from_transformers,
    read_network,
)
from tests.nn.random_weights import normal, randomized

SMALL = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "ffn_dim": 24,
    "flow_size": 8,
    "spectrogram_bins": 33,
    "upsample_initial_channel": 32,
    "upsample_rates": [4, 4],
    "upsample_kernel_sizes": [8, 8],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3], [1, 3]],
    "prior_encoder_num_flows": 3,
    "prior_encoder_num_wavenet_layers": 2,
    "posterior_encoder_num_wavenet_layers": 3,
    "duration_predictor_filter_channels": 12,
    "window_size": 3,
}
KINDS: dict[str, dict[str, Any]] = {
    "one speaker": {},
    "speakers": {"num_speakers": 3, "speaker_embedding_size": 5},
    "deterministic": {"use_stochastic_duration_prediction": False},
    "deterministic speakers": {
        "use_stochastic_duration_prediction": False,
        "num_speakers": 3,
        "speaker_embedding_size": 5,
    },
}
TOLERANCE = 1e-4


@pytest.fixture(params=list(KINDS), scope="module")
def peer(request: pytest.FixtureRequest) -> VitsModel:
    torch.manual_seed(0)
    model = randomized(VitsModel(TransformersConfig(**SMALL, **KINDS[request.param])), scale=0.05)
    with torch.no_grad():
        model.decoder.conv_post.weight /= 50  # where tanh is flat, differences would hide
    return model


@pytest.fixture
def ours(peer: VitsModel) -> Vits:
    cfg = config_from_transformers(peer.config.to_dict())
    model = Vits(cfg, 20, peer.config.num_speakers).eval()
    model.load_state_dict(from_transformers(peer.state_dict(), model.state_dict()))
    return model


@pytest.fixture
def embedding(peer: VitsModel) -> Tensor | None:
    return peer.embed_speaker(torch.tensor([0, 2])).unsqueeze(2).detach() if peer.config.num_speakers > 1 else None


MASK = torch.tensor([[[1.0] * 12], [[1.0] * 8 + [0.0] * 4]])


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=TOLERANCE, rtol=TOLERANCE)


@torch.no_grad()
def test_text_encoder(peer: VitsModel, ours: Vits) -> None:
    tokens = torch.randint(0, 20, (2, 12), generator=torch.Generator().manual_seed(0))
    prior = ours.text_encoder(tokens, MASK)
    theirs = peer.text_encoder(tokens, MASK.transpose(1, 2), MASK[:, 0].long())
    close(prior.hidden, theirs.last_hidden_state.transpose(1, 2))
    close(prior.mean, theirs.prior_means.transpose(1, 2))
    close(prior.log_std, theirs.prior_log_variances.transpose(1, 2))


@torch.no_grad()
def test_flow(peer: VitsModel, ours: Vits, embedding: Tensor | None) -> None:
    z = normal(2, 8, 12) * MASK
    close(ours.flow(z, MASK, embedding), peer.flow(z, MASK, embedding))
    close(ours.flow.reverse(z, MASK, embedding), peer.flow(z, MASK, embedding, reverse=True))


@torch.no_grad()
def test_posterior(peer: VitsModel, ours: Vits, embedding: Tensor | None) -> None:
    spec = normal(2, 33, 12).abs()
    torch.manual_seed(5)
    z, mean, log_std = peer.posterior_encoder(spec, MASK, embedding)
    torch.manual_seed(5)
    assert ours.posterior is not None
    posterior = ours.posterior(spec, MASK, torch.randn(2, 8, 12), embedding)
    close(posterior.mean, mean)
    close(posterior.log_std, log_std)
    close(posterior.z, z)


@torch.no_grad()
def test_duration(peer: VitsModel, ours: Vits, embedding: Tensor | None) -> None:
    hidden = normal(2, 16, 12) * MASK
    if not peer.config.use_stochastic_duration_prediction:
        log_duration = ours.duration.log_duration(hidden, MASK, torch.zeros(2, 0, 12), embedding)
        return close(log_duration, peer.duration_predictor(hidden, MASK, embedding))
    torch.manual_seed(5)
    theirs = peer.duration_predictor(hidden, MASK, embedding, reverse=True, noise_scale=0.8)
    torch.manual_seed(5)
    return close(ours.duration.log_duration(hidden, MASK, 0.8 * torch.randn(2, 2, 12), embedding), theirs)


@torch.no_grad()
def test_decoder(peer: VitsModel, ours: Vits, embedding: Tensor | None) -> None:
    z = normal(2, 8, 12)
    theirs = peer.decoder(z, embedding)
    assert 0.01 < theirs.abs().max() < 0.9
    close(ours.decoder(z, embedding), theirs)


@torch.no_grad()
def test_end_to_end_without_noise(peer: VitsModel, ours: Vits) -> None:
    tokens = torch.randint(0, 20, (1, 12), generator=torch.Generator().manual_seed(1))
    speaker = 2 if peer.config.num_speakers > 1 else None
    peer.noise_scale = peer.noise_scale_duration = 0.0
    theirs = peer(input_ids=tokens, speaker_id=speaker)
    speech = ours.synthesize(
        tokens, torch.tensor([12]), None if speaker is None else torch.tensor([speaker]), noise=torch.zeros
    )
    assert speech.samples.shape == theirs.waveform.shape
    assert 0.01 < theirs.waveform.abs().max() < 0.9
    close(speech.samples, theirs.waveform)


@torch.no_grad()
def test_a_saved_folder_becomes_a_model(peer: VitsModel, ours: Vits, tmp_path: Path) -> None:
    peer.save_pretrained(tmp_path)
    foreign = read_network(tmp_path)
    assert (foreign.n_symbols, foreign.n_speakers) == (20, peer.config.num_speakers)
    lean = build(foreign, Purpose.SPEAKING, source=str(tmp_path))
    tokens, lengths, speaker = torch.arange(6).unsqueeze(0), torch.tensor([6]), torch.tensor([0])
    speech = lean.synthesize(tokens, lengths, speaker, noise=torch.zeros)
    close(speech.samples, ours.synthesize(tokens, lengths, speaker, noise=torch.zeros).samples)


def test_older_names_of_weight_norm_are_read(peer: VitsModel, ours: Vits) -> None:
    older = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in peer.state_dict().items()
    }
    state = from_transformers(older, ours.state_dict())
    assert all(torch.equal(state[name], value) for name, value in ours.state_dict().items())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([], "not the configuration of a VITS model"),
        ({"model_type": "bert"}, "not the configuration of a VITS model"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"use_bias": False}, "use_bias is False"),
        ({"num_speakers": 4}, "speaker_embedding_size is 0"),
        ({"upsample_rates": "many"}, "upsample_rates must be a list"),
        ({"hidden_size": 191}, "d_hidden is 191"),
    ],
)
def test_other_models_are_refused_in_one_line(said: object, message: str) -> None:
    with pytest.raises(ImportingError, match=message) as caught:
        config_from_transformers({"model_type": "vits", **said} if isinstance(said, dict) else said)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportingError, match=r"config\.json: cannot be read"):
        read_network(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vits"}))
    with pytest.raises(ImportingError, match=r"model\.safetensors: cannot be read"):
        read_network(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ImportingError, match="is not a safetensors file"):
        read_network(tmp_path)
