from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from sonorant.errors import ParameterError, VoiceError
from sonorant.models import Purpose
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.nn.duration import DurationConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.latent import ItemNoise
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.models.batches import recorded, share_evenly
from tests.nn.random_weights import normal, randomized

SMALL = VitsConfig(
    d_hidden=16,
    d_latent=8,
    d_speaker=5,
    text_encoder=TextEncoderConfig(d_filter=24, n_layers=2),
    posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=2)),
    flow=FlowConfig(n_couplings=2, wavenet=WaveNetConfig(n_layers=2)),
    decoder=HifiGanConfig(d_initial=32, resblock_kernels=(3, 5), resblock_dilations=((1, 3), (1, 3))),
)
N_SYMBOLS = 12


def small(n_speakers: int = 3, cfg: VitsConfig = SMALL) -> Vits:
    torch.manual_seed(0)
    return randomized(Vits(cfg, N_SYMBOLS, n_speakers), scale=0.02)


def train_pass(model: Vits) -> torch.Tensor:
    tokens = torch.randint(0, N_SYMBOLS, (2, 6), generator=torch.Generator().manual_seed(0))
    out = model(
        tokens,
        torch.tensor([6, 4]),
        normal(2, 513, 40).abs(),
        torch.tensor([40, 33]),
        torch.tensor([0, 2]),
        align=share_evenly,
        segment_frames=8,
        noise=ItemNoise([1, 2], n_tokens=[6, 4], n_frames=[40, 33], device=torch.device("cpu")),
    )
    assert out.samples.shape == (2, 1, 8 * 256)
    assert out.z_p.shape == out.prior_mean.shape == out.prior_log_std.shape == out.posterior.mean.shape == (2, 8, 40)
    assert out.durations.sum(1).tolist() == [40, 33]
    assert out.duration_loss.shape == (2,)
    assert (out.slice_starts + 8 <= torch.tensor([40, 33])).all()
    assert not out.prior_mean[1, :, 33:].any()
    return (
        out.samples.pow(2).sum()
        + out.duration_loss.sum()
        + (out.z_p - out.prior_mean).pow(2).sum()
        + out.prior_log_std.pow(2).sum()
        + out.posterior.log_std.pow(2).sum()
    )


@pytest.mark.parametrize("cfg", [SMALL, replace(SMALL, duration=DurationConfig(d_filter=12))])
def test_every_parameter_gets_a_gradient(cfg: VitsConfig) -> None:
    model = small(cfg=cfg).train()
    train_pass(model).backward()
    assert [
        name for name, p in model.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ] == []


def test_the_training_pass_repeats_with_its_noise() -> None:
    model = small()
    assert torch.equal(train_pass(model), train_pass(model))


@pytest.mark.parametrize("cfg", [SMALL, replace(SMALL, duration=DurationConfig(d_filter=12))])
def test_a_padded_batch_speaks_like_its_items(cfg: VitsConfig) -> None:
    model = small(cfg=cfg)
    tokens = torch.randint(0, N_SYMBOLS, (3, 9), generator=torch.Generator().manual_seed(2))
    lengths, speakers = torch.tensor([9, 1, 5]), torch.tensor([0, 1, 2])
    draws = [normal(3, 2, 9), normal(3, 8, 500, seed=1)]
    if isinstance(cfg.duration, DurationConfig):
        draws = draws[1:]
    with torch.no_grad():
        batch = model.synthesize(tokens, lengths, speakers, noise=recorded(*draws))
        for i, n in enumerate(lengths.tolist()):
            item = slice(i, i + 1)
            one = model.synthesize(
                tokens[item, :n], lengths[item], speakers[item], noise=recorded(*(draw[item] for draw in draws))
            )
            n_samples = int(one.lengths)
            assert int(batch.lengths[i]) == n_samples == one.samples.shape[1]
            assert torch.equal(batch.frames_per_token[i, :n], one.frames_per_token[0])
            assert not batch.frames_per_token[i, n:].any()
            torch.testing.assert_close(batch.samples[i, :n_samples], one.samples[0], atol=1e-5, rtol=0)
            assert not batch.samples[i, n_samples:].any()


def test_one_speaker_has_no_table_and_needs_no_name() -> None:
    model = small(n_speakers=1)
    assert not [name for name in model.state_dict() if "condition" in name or name.startswith("speaker")]
    speech = model.synthesize(torch.ones(1, 3, dtype=torch.long), torch.tensor([3]), None, noise=torch.zeros)
    assert speech.samples.shape == (1, int(speech.lengths))


def test_many_speakers_need_a_name() -> None:
    with pytest.raises(ParameterError, match="3 speakers"):
        small().synthesize(torch.ones(1, 3, dtype=torch.long), torch.tensor([3]), None, noise=torch.zeros)


def test_speech_is_never_empty() -> None:
    model = small(n_speakers=1, cfg=replace(SMALL, duration=DurationConfig(d_filter=12)))
    with torch.no_grad():
        model.duration.output.bias.fill_(-200.0)  # type: ignore[union-attr]
    speech = model.synthesize(torch.ones(2, 3, dtype=torch.long), torch.tensor([3, 1]), None, noise=torch.zeros)
    assert speech.frames_per_token.tolist() == [[1, 0, 0], [1, 0, 0]]
    assert speech.samples.shape == (2, 256)


def test_a_longer_scale_is_slower() -> None:
    model = small(n_speakers=1)
    tokens, lengths = torch.ones(1, 5, dtype=torch.long), torch.tensor([5])
    plain = model.synthesize(tokens, lengths, None, noise=torch.zeros)
    slow = model.synthesize(tokens, lengths, None, noise=torch.zeros, length_scale=10.0)
    assert int(slow.lengths) > 5 * int(plain.lengths)


@pytest.mark.parametrize("purpose", [Purpose.SPEAKING, Purpose.CONVERSION])
def test_a_copy_for_inference_says_the_same_with_less(purpose: Purpose) -> None:
    model = small()
    before = copy.deepcopy(model.state_dict())
    lean = model.for_inference(purpose)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not [name for name in lean.state_dict() if "parametrizations" in name or name.startswith("duration.post")]
    assert (lean.posterior is None) == (purpose is Purpose.SPEAKING)

    tokens, lengths, speaker = torch.arange(7).unsqueeze(0), torch.tensor([7]), torch.tensor([1])
    draws = normal(1, 2, 7), normal(1, 8, 500, seed=1)
    with torch.no_grad():
        one = model.synthesize(tokens, lengths, speaker, noise=recorded(*draws))
        other = lean.synthesize(tokens, lengths, speaker, noise=recorded(*draws))
    torch.testing.assert_close(other.samples, one.samples, atol=1e-5, rtol=0)

    made = Vits(SMALL, N_SYMBOLS, 3, purpose)
    made.load_state_dict(lean.state_dict())
    assert not made.training


def test_converting_to_the_same_speaker_is_decoding_the_posterior() -> None:
    model = small()
    spec, lengths = normal(2, 513, 20).abs(), torch.tensor([20, 13])
    speaker = torch.tensor([1, 2])
    noise = normal(2, 8, 20, seed=3)
    with torch.no_grad():
        same = model.convert(spec, lengths, speaker, speaker, noise=recorded(noise))
        other = model.convert(spec, lengths, speaker, torch.tensor([0, 0]), noise=recorded(noise))
        alone = model.convert(spec[1:, :, :13], lengths[1:], speaker[1:], speaker[1:], noise=recorded(noise[1:]))
        embedding = model.speaker(speaker).unsqueeze(2)  # type: ignore[misc]
        mask = torch.ones(2, 1, 20)
        mask[1, :, 13:] = 0
        z = model.posterior(spec, mask, noise, embedding).z  # type: ignore[misc]
        expected = model.decoder(z, embedding, mask).squeeze(1)
    torch.testing.assert_close(same, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(alone[0], same[1, : 13 * 256], atol=1e-5, rtol=0)
    assert not torch.allclose(other, same, atol=1e-4)


def test_conversion_needs_a_posterior_and_another_speaker() -> None:
    spec, lengths, speaker = torch.ones(1, 513, 5), torch.tensor([5]), torch.tensor([0])
    with pytest.raises(ParameterError, match="no posterior"):
        Vits(SMALL, N_SYMBOLS, 3, Purpose.SPEAKING).convert(spec, lengths, speaker, speaker, noise=torch.zeros)
    with pytest.raises(ParameterError, match="one speaker"):
        Vits(SMALL, N_SYMBOLS, 1, Purpose.CONVERSION).convert(spec, lengths, speaker, speaker, noise=torch.zeros)


@pytest.mark.parametrize("bias", [20.0, float("nan"), float("inf")])
def test_broken_weights_do_not_fill_the_memory(bias: float) -> None:
    model = small(1, replace(SMALL, duration=DurationConfig())).for_inference()
    with torch.no_grad():
        model.duration.output.bias.fill_(bias)
    tokens = torch.tensor([[1, 2, 3]])
    with pytest.raises(VoiceError, match="weights are broken"):
        model.synthesize(tokens, torch.tensor([3]), None, noise=torch.zeros)
