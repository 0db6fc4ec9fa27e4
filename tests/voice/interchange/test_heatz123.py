"""Checkpoints of heatz123's NaturalSpeech become voice folders that speak as the network in them does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sonorant import load_voice
from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.cli.main import main
from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.durator import DurationConfig, UpsamplingConfig
from sonorant.models.naturalspeech.memory import MemoryConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import PlainCouplingConfig, TransformerFlowConfig
from sonorant.nn.wavenet import WaveNetConfig
from sonorant.text.standard import vits_symbols
from sonorant.voice import check
from sonorant.voice.interchange import import_voice
from sonorant.voice.interchange.config_heatz123 import config_from_heatz123, read_heatz123
from sonorant.voice.interchange.weights_heatz123 import HEATZ123
from sonorant.voice.interchange.weights_layout import build
from tests.nn.random_weights import normal
from tests.voice.interchange import heatz123

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
N_SYMBOLS = 178
SMALL = NaturalSpeechConfig(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=64, win=256),
    d_hidden=16,
    d_latent=8,
    text_encoder=TextEncoderConfig(d_filter=24, n_layers=2),
    posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=3)),
    flow=TransformerFlowConfig(wavenet=WaveNetConfig(n_layers=2), coupling=PlainCouplingConfig()),
    duration=DurationConfig(d_filter=12, n_layers=2),
    upsampling=UpsamplingConfig(n_weights=3, n_contexts=2, d_features=5),
    memory=MemoryConfig(n_slots=6),
    decoder=HifiGanConfig(
        d_initial=16,
        upsample_rates=(8, 8),
        upsample_kernels=(16, 16),
        resblock="2",
        resblock_kernels=(3,),
        resblock_dilations=((1, 3),),
    ),
)
PUBLISHED: dict[str, Any] = {
    "train": {"learning_rate": 2e-4, "segment_size": 8192, "c_kl_fwd": 0.001, "c_e2e": 0.1, "c_dur": 5.0}
    | {"use_sdtw": False, "use_gt_duration": True, "warmup_epochs": 200},
    "data": {
        "text_cleaners": ["english_cleaners2"],
        "sampling_rate": 22050,
        "filter_length": 1024,
        "hop_length": 256,
        "win_length": 1024,
        "n_mel_channels": 80,
        "mel_fmin": 0.0,
        "mel_fmax": None,
        "add_blank": True,
        "n_speakers": 0,
        "cleaned_text": True,
    },
    "models": {
        "phoneme_encoder": {"out_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_heads": 2}
        | {"n_layers": 6, "kernel_size": 3, "p_dropout": 0.1},
        "decoder": {
            "initial_channel": 192,
            "resblock": "1",
            "resblock_kernel_sizes": [3, 7, 11],
            "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
            "upsample_rates": [8, 8, 2, 2],
            "upsample_initial_channel": 256,
            "upsample_kernel_sizes": [16, 16, 4, 4],
            "gin_channels": 0,
        },
        "posterior_encoder": {"out_channels": 192, "hidden_channels": 192, "kernel_size": 5}
        | {"dilation_rate": 1, "n_layers": 16},
        "flow": {"channels": 192, "hidden_channels": 192, "kernel_size": 5, "dilation_rate": 1, "n_layers": 4},
        "duration_predictor": {"in_channels": 192, "filter_channels": 256, "kernel_size": 3, "p_dropout": 0.5},
        "learnable_upsampling": {
            "d_predictor": 192,
            "kernel_size": 3,
            "dropout": 0.0,
            "conv_output_size": 8,
            "dim_w": 4,
            "dim_c": 2,
            "max_seq_len": 1000,
        },
        "memory_bank": {"bank_size": 1000, "n_hidden_dims": 192, "n_attn_heads": 2},
    },
}
SMALL_SAID: dict[str, dict[str, Any]] = {
    "data": {"sampling_rate": 16000, "filter_length": 256, "hop_length": 64, "win_length": 256},
    "phoneme_encoder": {"hidden_channels": 16, "filter_channels": 24, "n_layers": 2},
    "decoder": {
        "initial_channel": 8,
        "resblock": "2",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
        "upsample_rates": [8, 8],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [16, 16],
    },
    "posterior_encoder": {"out_channels": 8, "hidden_channels": 16, "n_layers": 3},
    "flow": {"channels": 8, "hidden_channels": 16, "n_layers": 2},
    "duration_predictor": {"in_channels": 16, "filter_channels": 12},
    "learnable_upsampling": {"d_predictor": 16, "conv_output_size": 5, "dim_w": 3},
    "memory_bank": {"bank_size": 6, "n_hidden_dims": 8},
}
WITHOUT_BANK = replace(SMALL, memory=None)


def said(changes: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """The small model's config.json, changed in some keys of some sections; None removes one."""
    changed = copy.deepcopy(PUBLISHED)
    for change in (SMALL_SAID, changes or {}):
        for name, keys in change.items():
            part = changed[name] if name == "data" else changed["models"][name]
            part |= keys
            for key in [key for key, value in keys.items() if value is None]:
                del part[key]
    return changed


def state_of(cfg: NaturalSpeechConfig = SMALL) -> dict[str, Tensor]:
    """A checkpoint's weights of a model of those sizes, under their names."""
    with torch.device("meta"):
        ours = NaturalSpeech(cfg, N_SYMBOLS, 1).state_dict()
    # As in the published model, which its own fixture holds: none of ours, linear where ours has width 1, norms beside.
    idle = ("guide", "of_contexts.bias", "upsampling.output.bias", "slot_bias", "share")
    named = {HEATZ123.theirs(name): list(value.shape) for name, value in ours.items() if not name.endswith(idle)}
    shapes = {name: shape for name, shape in named.items() if name is not None}
    shapes["learnable_upsampling.proj_o.linear.weight"].pop()
    for letter in "wc":
        norm = f"learnable_upsampling.conv_{letter}.conv_layer.1"
        shapes |= {f"{norm}.{leaf}": [cfg.upsampling.d_features] for leaf in ("weight", "bias")}
        shapes |= {f"{norm}.running_{leaf}": [cfg.upsampling.d_features] for leaf in ("mean", "var")}
        shapes[f"{norm}.num_batches_tracked"] = []
    if cfg.memory is not None:
        shapes["memory_bank.memory_bank"].reverse()
        for letter in "qkvo":
            shapes[f"memory_bank.encoder.conv_{letter}.weight"].append(1)
    return heatz123.random_state(shapes)


def saved(folder: Path, state: dict[str, Tensor], config: dict[str, Any]) -> Path:
    """A checkpoint and its configuration."""
    folder.mkdir(exist_ok=True)
    torch.save({"model": state, "iteration": 3, "optimizer": {}, "learning_rate": 2e-4}, folder / "G_3.pth")
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "G_3.pth"


def network_of(folder: Path) -> Any:
    return load_voice(folder).runtime._network  # type: ignore[attr-defined]


def test_the_published_model_is_read() -> None:
    shapes = json.loads((KEYS / "naturalspeech_ljs.json").read_text())
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    foreign = read_heatz123(state, PUBLISHED)
    expected = NaturalSpeechConfig(duration=DurationConfig(n_layers=2), decoder=HifiGanConfig(d_initial=256))
    assert (foreign.system, foreign.cfg, foreign.n_symbols) == ("naturalspeech", expected, N_SYMBOLS)
    assert (foreign.n_speakers, foreign.unknown) == (1, ())
    for purpose in (Purpose.TRAINING, Purpose.SPEAKING):
        with torch.device("meta"):
            assert isinstance(build(foreign, purpose, source="G"), NaturalSpeech)
    warm = {name: value for name, value in state.items() if not name.startswith("memory_bank.")}
    assert read_heatz123(warm, PUBLISHED).cfg == replace(expected, memory=None)


def test_the_small_model_has_the_names_of_the_published_one() -> None:
    shapes: dict[str, list[int]] = json.loads((KEYS / "naturalspeech_ljs.json").read_text())
    ours = {name: value.ndim for name, value in state_of().items() if not name.startswith(("dec.", "enc_"))}
    theirs = {name: len(shape) for name, shape in shapes.items() if name in ours}
    assert theirs == ours
    new = ("dp.", "learnable_upsampling.", "memory_bank.")
    assert {name for name in shapes if name.startswith(new)} == {name for name in ours if name.startswith(new)}


@pytest.mark.parametrize("cfg", [SMALL, WITHOUT_BANK], ids=["bank", "no bank"])
def test_a_checkpoint_speaks_as_its_network(tmp_path: Path, cfg: NaturalSpeechConfig) -> None:
    state = state_of(cfg)
    import_voice(saved(tmp_path / "source", state, said()), tmp_path / "voice", licence="mit")
    voice = load_voice(tmp_path / "voice")
    assert (voice.manifest.system, voice.speakers, voice.languages) == ("naturalspeech", ("default",), ("en-us",))
    assert (voice.manifest.symbols, voice.manifest.frontend.layout.blank) == (vits_symbols(), "_")
    assert check.run(voice).passed
    assert "Imported from a checkpoint of heatz123's NaturalSpeech." in (tmp_path / "voice" / "README.md").read_text()

    network = network_of(tmp_path / "voice")
    assert network.cfg == cfg
    tokens, lengths = torch.arange(20, 37).unsqueeze(0), torch.tensor([17])
    with torch.no_grad():
        ours = network.synthesize(
            tokens, lengths, None, noise=lambda shape: normal(*shape), length_scale=1.2, noise_scale=0.7
        ).samples
        mask = torch.ones(1, 1, 17)
        hidden = network.text_encoder.encode(tokens, mask)
        durations = 1.2 * heatz123.log_durations(state, hidden, mask).exp().squeeze(1)
        mean, log_std = heatz123.prior(state, hidden, mask, durations)
        frames = torch.ones_like(mean[:, :1])
        z = network.flow.reverse(mean + 0.7 * normal(*mean.shape) * log_std.exp(), frames)
        read = heatz123.remembered(state, z) if cfg.memory is not None else z
        theirs = network.decoder.decode_in_windows(read, None, None).squeeze(1)
    assert ours.shape == theirs.shape
    assert ours.std() > 1e-3
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_a_third_duration_layer_is_told_by_the_weights(tmp_path: Path) -> None:
    cfg = replace(SMALL, duration=DurationConfig(d_filter=12, n_layers=3))
    import_voice(saved(tmp_path / "source", state_of(cfg), said()), tmp_path / "voice")
    assert network_of(tmp_path / "voice").cfg == cfg


def test_the_command_line_imports_and_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, voice, out = saved(tmp_path / "source", state_of(), said()), tmp_path / "voice", tmp_path / "out.wav"
    assert main(["voices", "import", str(source), str(voice)]) == 0
    assert capsys.readouterr().out.strip() == f"{voice}: imported from {source}"
    assert main(["say", "Hello there.", "--voice", str(voice), "-o", str(out)]) == 0
    assert out.stat().st_size > 1000


def test_sections_may_leave_out_what_their_program_presumes() -> None:
    left_out = {
        "decoder": {"gin_channels": None},
        "phoneme_encoder": {"out_channels": None},
        "learnable_upsampling": {"kernel_size": None, "dropout": None, "dim_c": None, "max_seq_len": None},
        "memory_bank": {"n_attn_heads": None},
    }
    assert config_from_heatz123(state_of(), said(left_out)) == SMALL


def test_keys_that_are_not_understood_are_listed() -> None:
    foreign = read_heatz123(state_of(), said({"flow": {"n_sqz": 2}, "data": {"mean_only": True}}) | {"extra": 1})
    assert foreign.unknown == ("data.mean_only", "extra", "models.flow.n_sqz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"flow": {"channels": None}},
            r"^config\.json: lacks models\.flow\.channels; it is not a configuration of heatz",
        ),
        (
            {"data": {"hop_length": None}, "decoder": {"resblock": None}},
            r"lacks data\.hop_length, models\.decoder\.resblock; it is not",
        ),
        (
            {"flow": {"hidden_channels": 32}},
            r"models\.flow\.hidden_channels is 32, but models\.phoneme_encoder\.hidden_channels is 16, expected the",
        ),
        (
            {"memory_bank": {"n_hidden_dims": 4}},
            r"models\.memory_bank\.n_hidden_dims is 4, but models\.flow\.channels is 8",
        ),
        (
            {"data": {"n_speakers": 4}},
            r"data\.n_speakers is 4, but heatz123's NaturalSpeech has one speaker: expected 0",
        ),
        ({"decoder": {"gin_channels": 256}}, r"models\.decoder\.gin_channels is 256, but .* one speaker: expected 0"),
        ({"phoneme_encoder": {"n_heads": 3}}, "which 3 text_encoder.n_heads do not divide"),
        ({"learnable_upsampling": {"dim_w": "many"}}, r"^config\.json: upsampling\.n_weights"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_in_one_line(
    changes: dict[str, dict[str, Any]], message: str
) -> None:
    with pytest.raises(ImportingError, match=message) as caught:
        read_heatz123(state_of(), said(changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["data", "models", "flow", "memory_bank"])
def test_a_missing_section_is_named(name: str) -> None:
    config = said()
    del (config if name in config else config["models"])[name]
    with pytest.raises(ImportingError, match=f"has no section '{name}'; it is not a configuration of heatz123's"):
        read_heatz123(state_of(), config)


def _no_durations(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    for name in [name for name in state if name.startswith("dp.conv_")]:
        del state[name]


def _half_durations(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    del state["dp.conv_1.weight"]


def _no_statistics(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    del state["learnable_upsampling.conv_c.conv_layer.1.running_mean"]


def _small_bank(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    config["models"]["memory_bank"]["bank_size"] = 7


def _speakers(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    state["emb_g.weight"] = torch.zeros(3, 4)


def _of_vits(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    config["model"] = config.pop("models")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_no_durations, "lacks dp.conv_1.weight; it is not a checkpoint of heatz123's NaturalSpeech"),
        (_half_durations, "lacks duration.convs.0.weight"),
        (_no_statistics, "lacks learnable_upsampling.conv_c.conv_layer.1.running_mean"),
        (_small_bank, "memory.slots has shape [6, 8], but the model needs [7, 8]"),
        (_speakers, "has speaker.weight, which this model does not"),
        (_of_vits, "has no section 'models'"),
    ],
)
def test_the_command_line_refuses_in_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Tensor], dict[str, Any]], None],
    message: str,
) -> None:
    state, config = state_of(), said()
    change(state, config)
    source = saved(tmp_path / "source", state, config)
    assert main(["voices", "import", str(source), str(tmp_path / "voice")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("sonorant: ")
    assert message in lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
