"""Checkpoints of p0p4k's VITS2 become voice folders that speak as the network in them does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sonorant import load_voice
from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.cli.main import main
from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import (
    CausalTransformerConfig,
    CouplingConfig,
    HiddenTransformerConfig,
    InputTransformerConfig,
    MonoInterConfig,
    MonoPostConfig,
    PlainCouplingConfig,
    TransformerFlowConfig,
)
from sonorant.voice import check
from sonorant.voice.interchange import import_voice
from sonorant.voice.interchange.config_p0p4k import is_p0p4k, read_p0p4k, refuse_descendants
from sonorant.voice.interchange.weights_layout import build
from sonorant.voice.interchange.weights_p0p4k import to_p0p4k
from tests.nn.random_weights import normal, randomized

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
N_SYMBOLS = 178
SMALL = Vits2Config(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=64, win=256),
    posterior_mel=MelConfig(n_mels=20, f_max_hz=7000.0),
    d_hidden=16,
    d_latent=8,
    d_speaker=4,
    text_encoder=TextEncoderConfig(d_filter=16, n_layers=3, speaker_layer=2),
    duration=StochasticDurationConfig(),
    decoder=HifiGanConfig(
        d_initial=16,
        upsample_rates=(8, 8),
        upsample_kernels=(16, 16),
        resblock="2",
        resblock_kernels=(3,),
        resblock_dilations=((1, 3),),
    ),
)
SAID: dict[str, Any] = {
    "train": {"learning_rate": 2e-4, "segment_size": 8192},
    "data": {
        "use_mel_posterior_encoder": True,
        "text_cleaners": ["english_cleaners3"],
        "sampling_rate": 16000,
        "filter_length": 256,
        "hop_length": 64,
        "win_length": 256,
        "n_mel_channels": 20,
        "mel_fmin": 0.0,
        "mel_fmax": 7000,
        "add_blank": False,
        "n_speakers": 2,
    },
    "model": {
        "use_mel_posterior_encoder": True,
        "use_transformer_flows": True,
        "transformer_flow_type": "pre_conv2",
        "use_spk_conditioned_encoder": True,
        "use_noise_scaled_mas": True,
        "use_duration_discriminator": True,
        "duration_discriminator_type": "dur_disc_2",
        "inter_channels": 8,
        "hidden_channels": 16,
        "filter_channels": 16,
        "n_heads": 2,
        "n_layers": 3,
        "kernel_size": 3,
        "p_dropout": 0.1,
        "resblock": "2",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
        "upsample_rates": [8, 8],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [16, 16],
        "n_layers_q": 3,
        "use_spectral_norm": False,
        "use_sdp": True,
        "gin_channels": 4,
    },
}
PUBLISHED_SIZES = {
    "data": {"sampling_rate": 22050, "filter_length": 1024, "hop_length": 256, "win_length": 1024}
    | {"n_mel_channels": 80, "mel_fmax": None},
    "model": {"inter_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_layers": 6}
    | {"resblock": "1", "resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3}
    | {"upsample_rates": [8, 8, 2, 2], "upsample_initial_channel": 512, "upsample_kernel_sizes": [16, 16, 4, 4]},
}
PUBLISHED = [
    (
        "vits2_ljs_nosdp_pre_conv",
        {
            "use_spk_conditioned_encoder": False,
            "use_sdp": False,
            "gin_channels": 0,
            "transformer_flow_type": "pre_conv",
        },
        0,
        Vits2Config(
            text_encoder=TextEncoderConfig(),
            duration=DurationConfig(),
            flow=TransformerFlowConfig(coupling=InputTransformerConfig()),
        ),
    ),
    ("vits2_vctk_pre_conv2", {"gin_channels": 256}, 109, Vits2Config(duration=StochasticDurationConfig())),
]
published = pytest.mark.parametrize(
    ("name", "model", "n_speakers", "cfg"), PUBLISHED, ids=[row[0] for row in PUBLISHED]
)
KINDS: list[tuple[CouplingConfig, str]] = [
    (PlainCouplingConfig(), ""),
    (HiddenTransformerConfig(), "pre_conv2"),
    (InputTransformerConfig(), "pre_conv"),
    (CausalTransformerConfig(), "fft"),
    (MonoInterConfig(), "mono_layer_inter_residual"),
    (MonoPostConfig(), "mono_layer_post_residual"),
]


def said(*, model: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """A config.json, changed in some keys; None removes one."""
    changed = copy.deepcopy(SAID)
    for name, change in (("model", model or {}), ("data", data or {})):
        changed[name] = {key: value for key, value in (changed[name] | change).items() if value is not None}
    return changed


def network(cfg: Vits2Config = SMALL, n_speakers: int = 2) -> Vits2:
    torch.manual_seed(0)
    return randomized(Vits2(cfg, N_SYMBOLS, n_speakers), scale=0.05)


def small(**changes: Any) -> Vits2Config:
    from dataclasses import replace

    return replace(SMALL, **changes)


def saved(folder: Path, state: dict[str, Tensor], config: dict[str, Any]) -> Path:
    """A checkpoint and its configuration."""
    folder.mkdir(exist_ok=True)
    torch.save({"model": state, "iteration": 3, "optimizer": {}, "learning_rate": 2e-4}, folder / "G_3.pth")
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "G_3.pth"


def spoken(model: Any, speaker: int) -> Tensor:
    tokens = torch.arange(20, 32).unsqueeze(0)
    with torch.no_grad():
        synthesis = model.synthesize(
            tokens, torch.tensor([12]), torch.tensor([speaker]), None, noise=torch.zeros, length_scale=1.0,
            noise_scale=1.0, noise_scale_duration=1.0,
        )  # fmt: skip
    samples: Tensor = synthesis.samples
    return samples


def network_of(folder: Path) -> Any:
    return load_voice(folder).runtime._network  # type: ignore[attr-defined]


@pytest.mark.parametrize(("coupling", "kind"), KINDS, ids=[kind or "plain" for _, kind in KINDS])
def test_a_checkpoint_of_every_kind_speaks_as_its_network(tmp_path: Path, coupling: CouplingConfig, kind: str) -> None:
    cfg = small(flow=TransformerFlowConfig(coupling=coupling))
    original = network(cfg)
    state = to_p0p4k(original.state_dict())
    if kind == "pre_conv":
        state |= {f"flow.flows.{i}.post_transformer.attn_layers.0.conv_q.bias": normal(16) for i in (0, 2, 4, 6)}
    flags = {"use_transformer_flows": bool(kind), "transformer_flow_type": kind or "pre_conv2"}
    import_voice(saved(tmp_path / "source", state, said(model=flags)), tmp_path / "voice", name="mine")
    voice = load_voice(tmp_path / "voice")
    assert (voice.name, voice.manifest.system, voice.speakers) == ("mine", "vits2", ("speaker 0", "speaker 1"))
    assert voice.manifest.frontend.layout.blank is None
    assert check.run(voice).passed
    imported = network_of(tmp_path / "voice")
    assert imported.cfg == cfg
    torch.testing.assert_close(spoken(imported, 1), spoken(original, 1), atol=1e-4, rtol=0)
    assert not torch.equal(spoken(imported, 0), spoken(imported, 1))
    assert "Imported from a checkpoint of p0p4k's VITS2." in (tmp_path / "voice" / "README.md").read_text()


def test_one_speaker_with_blanks_linear_posterior_and_plain_durations_speaks(tmp_path: Path) -> None:
    cfg = small(posterior_mel=None, text_encoder=TextEncoderConfig(d_filter=16, n_layers=3), duration=DurationConfig())
    original = network(cfg, n_speakers=1)
    flags = {"use_mel_posterior_encoder": False, "use_spk_conditioned_encoder": False, "use_sdp": False}
    config = said(
        model=flags | {"gin_channels": None},
        data={"use_mel_posterior_encoder": False, "n_speakers": 0, "add_blank": True},
    )
    import_voice(saved(tmp_path / "source", to_p0p4k(original.state_dict()), config), tmp_path / "voice")
    voice = load_voice(tmp_path / "voice")
    assert (voice.speakers, voice.manifest.frontend.layout.blank) == (("default",), "_")
    imported = network_of(tmp_path / "voice")
    assert imported.posterior is None
    torch.testing.assert_close(spoken(imported, 0), spoken(original, 0), atol=1e-4, rtol=0)
    assert len(voice.say("Hello there.", seed=0).samples) > 0


def test_a_voice_of_several_speakers_converts_with_its_mel_posterior(tmp_path: Path) -> None:
    original = network()
    import_voice(saved(tmp_path / "source", to_p0p4k(original.state_dict()), said()), tmp_path / "voice")
    voice = load_voice(tmp_path / "voice")
    samples = 0.1 * normal(6400).numpy()
    converted = voice.convert(samples, 16_000, source="speaker 0", speaker="speaker 1", seed=0)
    assert converted.samples.shape == samples.shape
    assert np.isfinite(converted.samples).all()
    assert network_of(tmp_path / "voice").cfg.posterior_mel == SMALL.posterior_mel


def published_json(model: dict[str, Any], n_speakers: int) -> dict[str, Any]:
    return said(model=PUBLISHED_SIZES["model"] | model, data=PUBLISHED_SIZES["data"] | {"n_speakers": n_speakers})


@published
def test_published_checkpoints_fill_their_networks(
    name: str, model: dict[str, Any], n_speakers: int, cfg: Vits2Config
) -> None:
    shapes = json.loads((KEYS / f"{name}.json").read_text())
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    foreign = read_p0p4k(state, published_json(model, n_speakers))
    assert (foreign.system, foreign.cfg, foreign.n_symbols) == ("vits2", cfg, N_SYMBOLS)
    assert (foreign.n_speakers, foreign.unknown) == (max(n_speakers, 1), ())
    for purpose in (Purpose.TRAINING, Purpose.SPEAKING):
        with torch.device("meta"):
            assert isinstance(build(foreign, purpose, source=name), Vits2)


@published
def test_published_weights_come_back_bit_for_bit(
    name: str, model: dict[str, Any], n_speakers: int, cfg: Vits2Config
) -> None:
    shapes = json.loads((KEYS / f"{name}.json").read_text())
    state = {key: normal(*shape, seed=i) for i, (key, shape) in enumerate(shapes.items())}
    back = to_p0p4k(read_p0p4k(state, published_json(model, n_speakers)).state)
    assert back.keys() == {key for key in state if "post_transformer" not in key}
    assert all(torch.equal(value, state[key]) for key, value in back.items())


def test_silent_flags_leave_it_to_the_weights() -> None:
    flags = [key for key in SAID["model"] if key.startswith("use_")] + ["transformer_flow_type"]
    silent = said(model=dict.fromkeys(flags), data={"use_mel_posterior_encoder": None})
    state = to_p0p4k(network().state_dict())
    assert is_p0p4k(state, silent)
    assert read_p0p4k(state, silent).cfg == SMALL


@pytest.mark.parametrize(
    "changes",
    [
        {"posterior_mel": None, "text_encoder": TextEncoderConfig(d_filter=16, n_layers=3)},
        {"posterior_mel": None, "flow": TransformerFlowConfig(coupling=PlainCouplingConfig())},
        {"text_encoder": TextEncoderConfig(), "flow": TransformerFlowConfig(coupling=PlainCouplingConfig())},
    ],
    ids=["flow", "speaker", "mel"],
)
def test_each_of_its_weights_tells_it_from_the_official_vits(changes: dict[str, Any]) -> None:
    flagless = {"data": {"n_mel_channels": 20, "filter_length": 256}, "model": {}}
    assert is_p0p4k(to_p0p4k(network(small(**changes)).state_dict()), flagless)


@pytest.mark.parametrize(
    ("changes", "model", "data", "message"),
    [
        (
            {"text_encoder": TextEncoderConfig(d_filter=16, n_layers=3)},
            {},
            {},
            r"G: lacks enc_p\.encoder\.spk_emb_linear, but config\.json says model\.use_spk_conditioned_encoder true",
        ),
        (
            {},
            {"use_spk_conditioned_encoder": False},
            {},
            r"G: has enc_p\.encoder\.spk_emb_linear, but config\.json says model\.use_spk_conditioned_encoder false",
        ),
        (
            {"posterior_mel": None},
            {},
            {},
            r"G: its posterior sees 129 channels, but .* model\.use_mel_posterior_encoder true, expected 20",
        ),
        (
            {},
            {"use_mel_posterior_encoder": False},
            {},
            r"sees 20 channels, but config\.json says model\.use_mel_posterior_encoder false, expected 129",
        ),
        ({}, {}, {"use_mel_posterior_encoder": False}, r"data\.use_mel_posterior_encoder false, expected 129"),
        ({}, {}, {"n_mel_channels": 40}, "sees 20 channels, but .* true, expected 40"),
        (
            {},
            {"use_mel_posterior_encoder": None},
            {"use_mel_posterior_encoder": None, "n_mel_channels": 40},
            r"G: its posterior sees 20 channels, expected 40 mel bands or 129 bins, by config\.json",
        ),
        (
            {"flow": TransformerFlowConfig(coupling=PlainCouplingConfig())},
            {},
            {},
            r"G: has no transformer in its flow, but its config\.json says 'pre_conv2'",
        ),
        ({}, {"use_transformer_flows": False}, {}, "has a flow of type pre_conv2, but .* use_transformer_flows false"),
        ({}, {"transformer_flow_type": "fft"}, {}, r"a flow of type pre_conv2, but its config\.json says 'fft'"),
        (
            {"flow": TransformerFlowConfig(coupling=MonoPostConfig())},
            {"transformer_flow_type": None},
            {},
            r"set model\.transformer_flow_type in its config\.json",
        ),
        ({}, {"use_sdp": False}, {}, r"G: has dp\.flows, but config\.json says model\.use_sdp false"),
        ({"duration": DurationConfig()}, {}, {}, r"G: lacks dp\.flows, but config\.json says model\.use_sdp true"),
        ({}, {"use_sdp": "yes"}, {}, r"^config\.json: model\.use_sdp is 'yes', expected true or false"),
        ({}, {"use_transformer_flows": 1}, {}, r"model\.use_transformer_flows is 1, expected true or false"),
        ({}, {}, {"n_mel_channels": "many"}, r"^config\.json: data: n_mels"),
        ({}, {"n_layers": 2}, {}, "speaker_layer is 2, but there are 2 layers"),
    ],
)
def test_a_config_that_contradicts_the_weights_is_refused_in_one_line(
    changes: dict[str, Any], model: dict[str, Any], data: dict[str, Any], message: str
) -> None:
    state = to_p0p4k(network(small(**changes)).state_dict())
    with pytest.raises(ImportingError, match=message) as caught:
        read_p0p4k(state, said(model=model, data=data), source="G")
    assert "\n" not in str(caught.value)


def test_sizes_that_differ_from_the_weights_are_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "source", to_p0p4k(network().state_dict()), said(data={"n_speakers": 5}))
    with pytest.raises(ImportingError, match=r"speaker\.weight has shape \[2, 4\], but the model needs \[5, 4\]"):
        import_voice(source, tmp_path / "voice")
    assert not (tmp_path / "voice").exists()


@pytest.mark.parametrize(
    "name", ["enc_p.tone_emb.weight", "enc_p.language_emb.weight", "enc_p.bert_proj.weight", "enc_p.ja_bert_proj.bias"]
)
def test_descendants_are_named(name: str) -> None:
    state = to_p0p4k(network().state_dict())
    refuse_descendants(state, source="G")
    with pytest.raises(ImportingError, match=rf"^G: is a checkpoint of Bert-VITS2 or MeloTTS, by {name}; it reads"):
        refuse_descendants(state | {name: torch.zeros(1)}, source="G")


def _bert(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    state["enc_p.bert_proj.weight"] = torch.zeros(16, 1024, 1)


def _no_transformers(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    config["model"]["use_transformer_flows"] = False


@pytest.mark.parametrize(
    ("change", "message"),
    [(_bert, "is a checkpoint of Bert-VITS2 or MeloTTS"), (_no_transformers, "use_transformer_flows false")],
)
def test_the_command_line_refuses_in_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Tensor], dict[str, Any]], None],
    message: str,
) -> None:
    state, config = to_p0p4k(network().state_dict()), said()
    change(state, config)
    source = saved(tmp_path / "source", state, config)
    assert main(["voices", "import", str(source), str(tmp_path / "voice")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"sonorant: {source}: ")
    assert message in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_the_command_line_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = saved(tmp_path / "source", to_p0p4k(network().state_dict()), said())
    assert main(["voices", "import", str(source), str(tmp_path / "voice")]) == 0
    assert capsys.readouterr().out.strip() == f"{tmp_path / 'voice'}: imported from {source}"
    assert load_voice(tmp_path / "voice").manifest.system == "vits2"
