"""Networks of heatz123's NaturalSpeech (github.com/heatz123/naturalspeech), from their weights and their config.json.

Each part of that program has a section of its own under `models`, and states its widths for itself. How many layers the
duration predictor has, and whether a memory bank was attached, only the weights tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.voice.interchange.weights_heatz123 import has_bank, n_duration_layers, to_ours
from sonorant.voice.interchange.weights_layout import ForeignModel
from sonorant.voice.interchange.weights_vits import (
    OFFICIAL_KEYS,
    decoder_sizes,
    n_symbols_in,
    network_config,
    section,
    spectrogram_sizes,
    unknown_keys,
)

_OF = "heatz123's NaturalSpeech"
_NEEDED = {
    "phoneme_encoder": "hidden_channels filter_channels n_heads n_layers kernel_size p_dropout",
    "decoder": "initial_channel resblock resblock_kernel_sizes resblock_dilation_sizes upsample_rates "
    "upsample_initial_channel upsample_kernel_sizes",
    "posterior_encoder": "out_channels hidden_channels kernel_size dilation_rate n_layers",
    "flow": "channels hidden_channels kernel_size dilation_rate n_layers",
    "duration_predictor": "in_channels filter_channels kernel_size p_dropout",
    "learnable_upsampling": "",
    "memory_bank": "",
}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "phoneme_encoder": {"out_channels": None},
    "decoder": {"gin_channels": 0},
    "posterior_encoder": {"gin_channels": 0},
    "flow": {"gin_channels": 0, "n_flows": 4},
    "duration_predictor": {"gin_channels": 0},
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
}
"""What their program takes where a section is silent. It does not look at the encoder's `out_channels`."""
_SAME_WIDTH = (
    (
        "phoneme_encoder.hidden_channels",
        "posterior_encoder.hidden_channels",
        "flow.hidden_channels",
        "duration_predictor.in_channels",
        "learnable_upsampling.d_predictor",
    ),
    ("flow.channels", "posterior_encoder.out_channels", "decoder.initial_channel", "memory_bank.n_hidden_dims"),
)
"""Keys that must say the same: d_hidden and d_latent of ours."""
_KEYS = {
    "train": f"{OFFICIAL_KEYS['train']} c_kl_fwd c_e2e c_dur use_sdtw use_gt_duration",
    "data": OFFICIAL_KEYS["data"],
}
_MODEL_KEYS = {name: f"{needed} {' '.join(_DEFAULTS[name])}" for name, needed in _NEEDED.items()}


def read_heatz123(
    state: Mapping[str, Tensor], config: object, *, source: str = "the checkpoint", about: str = "config.json"
) -> ForeignModel:
    """A model from the state in a `G_*.pth`, and the contents of the config.json that belongs to it.

    source, about: what they are called in errors.
    Raises ImportingError when either is not that program's, and where they contradict each other.
    """
    cfg = config_from_heatz123(state, config, source=source, about=about)
    assert isinstance(config, dict)
    others = {name: content for name, content in config.items() if name != "models"}
    unknown = (
        *unknown_keys(others, _KEYS),
        *(f"models.{name}" for name in unknown_keys(config["models"], _MODEL_KEYS)),
    )
    n_symbols = n_symbols_in(state, source=source)
    return ForeignModel(cfg, n_symbols, 1, to_ours(state, cfg, source=source), unknown)


def config_from_heatz123(
    state: Mapping[str, Tensor], config: object, *, source: str = "the checkpoint", about: str = "config.json"
) -> NaturalSpeechConfig:
    """The network's configuration. Arguments and errors as for `read_heatz123`."""
    audio = section(config, "data", about, of=_OF)
    models = _sections(config, about, is_remembering=has_bank(state))
    missing = [f"data.{key}" for key in "sampling_rate filter_length hop_length win_length".split() if key not in audio]
    missing += [
        f"models.{name}.{key}" for name, said in models.items() for key in _NEEDED[name].split() if key not in said
    ]
    if missing:
        raise ImportingError(f"{about}: lacks {', '.join(missing)}; it is not a configuration of {_OF}")
    _refuse_speakers(audio, models, about)
    _refuse_widths(models, about)
    if not (n_layers := n_duration_layers(state)):
        raise ImportingError(f"{source}: lacks dp.conv_1.weight; it is not a checkpoint of {_OF}")
    encoder, flow, durations = models["phoneme_encoder"], models["flow"], models["duration_predictor"]
    upsampling = models["learnable_upsampling"]
    sizes: dict[str, Any] = {
        "spectrogram": spectrogram_sizes(audio),
        "d_hidden": encoder["hidden_channels"],
        "d_latent": flow["channels"],
        "text_encoder": {
            "d_filter": encoder["filter_channels"],
            "n_heads": encoder["n_heads"],
            "n_layers": encoder["n_layers"],
            "kernel": encoder["kernel_size"],
            "dropout": encoder["p_dropout"],
        },
        "posterior": {"wavenet": _wavenet_sizes(models["posterior_encoder"])},
        "flow": {
            "n_couplings": flow["n_flows"],
            "wavenet": _wavenet_sizes(flow),
            "coupling": {"kind": "plain"},
        },
        "duration": {
            "d_filter": durations["filter_channels"],
            "kernel": durations["kernel_size"],
            "n_layers": n_layers,
            "dropout": durations["p_dropout"],
        },
        "upsampling": {
            "n_weights": upsampling["dim_w"],
            "n_contexts": upsampling["dim_c"],
            "d_features": upsampling["conv_output_size"],
            "kernel": upsampling["kernel_size"],
            "dropout": upsampling["dropout"],
        },
        "memory": None,
        "decoder": decoder_sizes(models["decoder"]),
    }
    if bank := models.get("memory_bank"):
        sizes["memory"] = {"n_slots": bank["bank_size"], "n_heads": bank["n_attn_heads"]}
    return network_config(NaturalSpeechConfig, sizes, source=about)


def _sections(config: object, about: str, *, is_remembering: bool) -> dict[str, dict[str, Any]]:
    """The sections under `models`, with the defaults; that of the bank only where there is one."""
    models = section(config, "models", about, of=_OF)
    names = [name for name in _NEEDED if is_remembering or name != "memory_bank"]
    return {name: {**_DEFAULTS[name], **section(models, name, f"{about}: models", of=_OF)} for name in names}


def _refuse_speakers(audio: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], about: str) -> None:
    """Raise ImportingError for a fork's model of several speakers: their program knows one."""
    found = {"data.n_speakers": (audio.get("n_speakers", 0), 1)}
    found |= {
        f"models.{name}.gin_channels": (said["gin_channels"], 0)
        for name, said in models.items()
        if "gin_channels" in said
    }
    for name, (said, most) in found.items():
        if not isinstance(said, int) or said > most:
            raise ImportingError(f"{about}: {name} is {said!r}, but {_OF} has one speaker: expected 0")


def _refuse_widths(models: Mapping[str, Mapping[str, Any]], about: str) -> None:
    """Raise ImportingError where two sections disagree on a width that their parts, put together, must share."""
    for keys in _SAME_WIDTH:
        said = {
            f"models.{key}": models[name][width] for key in keys for name, width in [key.split(".")] if name in models
        }
        first, wanted = next(iter(said.items()))
        for key, width in said.items():
            if width != wanted:
                raise ImportingError(f"{about}: {key} is {width!r}, but {first} is {wanted!r}, expected the same")


def _wavenet_sizes(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"n_layers": said["n_layers"], "kernel": said["kernel_size"], "dilation_rate": said["dilation_rate"]}
