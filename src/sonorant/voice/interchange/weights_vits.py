"""Checkpoints of the official VITS (github.com/jaywalnut310/vits, MIT): names, files and configuration."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from sonorant.config import parse
from sonorant.errors import ConfigError, ImportingError
from sonorant.models.vits.config import VitsConfig
from sonorant.voice.interchange.weights_layout import (
    DIRECTION,
    LENGTH,
    ForeignModel,
    Layout,
    Rule,
    fit,
    rules,
)

AnyConfig = TypeVar("AnyConfig")

_WAVENET = (
    ("wavenet.gates.{}", "enc.in_layers.{}"),
    ("wavenet.outputs.{}", "enc.res_skip_layers.{}"),
    ("wavenet.condition", "enc.cond_layer"),
)


def _depth_separable(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    layer = f"{ours}.layers.{{}}"
    return (
        (f"{layer}.depthwise", f"{theirs}.convs_sep.{{}}"),
        (f"{layer}.pointwise", f"{theirs}.convs_1x1.{{}}"),
        *_norm(f"{layer}.depthwise_norm", f"{theirs}.norms_1.{{}}"),
        *_norm(f"{layer}.pointwise_norm", f"{theirs}.norms_2.{{}}"),
    )


def _norm(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    return (f"{ours}.weight", f"{theirs}.gamma"), (f"{ours}.bias", f"{theirs}.beta")


def _duration_flow(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = [
        (f"{ours}.affine.shift", f"{theirs}.0.m"),
        (f"{ours}.affine.log_scale", f"{theirs}.0.logs"),
    ]
    for coupling, flow in ((f"{ours}.first", f"{theirs}.1"), (f"{ours}.couplings.{{}}", f"{theirs}.{{2n+3}}")):
        found += [(f"{coupling}.input", f"{flow}.pre"), (f"{coupling}.output", f"{flow}.proj")]
        found += _depth_separable(f"{coupling}.convs", f"{flow}.convs")
    return tuple(found)


TRANSFORMER_LAYER = (
    ("attention.query", "attn_layers.{}.conv_q"),
    ("attention.key", "attn_layers.{}.conv_k"),
    ("attention.value", "attn_layers.{}.conv_v"),
    ("attention.output", "attn_layers.{}.conv_o"),
    ("attention.relative_key", "attn_layers.{}.emb_rel_k"),
    ("attention.relative_value", "attn_layers.{}.emb_rel_v"),
    *_norm("attention_norm", "norm_layers_1.{}"),
    *_norm("feed_forward_norm", "norm_layers_2.{}"),
    ("feed_forward.expand", "ffn_layers.{}.conv_1"),
    ("feed_forward.reduce", "ffn_layers.{}.conv_2"),
)
OFFICIAL_RULES = (
    Rule("speaker", "emb_g"),
    *rules(("text_encoder", "enc_p"), ("embedding", "emb"), ("output", "proj")),
    *rules(("text_encoder.layers.{}", "enc_p.encoder"), *TRANSFORMER_LAYER),
    *rules(("posterior", "enc_q"), ("input", "pre"), ("output", "proj"), *_WAVENET),
    *rules(("flow.steps.{}", "flow.flows.{}"), ("input", "pre"), ("output", "post"), *_WAVENET),
    *rules(
        ("decoder", "dec"),
        ("input", "conv_pre"),
        ("condition", "cond"),
        ("upsamplers.{}", "ups.{}"),
        ("resblocks.{}.dilated.{}", "resblocks.{}.convs1.{}"),
        ("resblocks.{}.plain.{}", "resblocks.{}.convs2.{}"),
        ("resblocks.{}.single.{}", "resblocks.{}.convs.{}"),
        ("output", "conv_post"),
    ),
    *rules(
        ("duration", "dp"),
        ("condition", "cond"),
        ("input", "pre"),
        ("output", "proj"),
        *_depth_separable("convs", "convs"),
        *_duration_flow("flow", "flows"),
        ("posterior.input", "post_pre"),
        ("posterior.output", "post_proj"),
        *_depth_separable("posterior.convs", "post_convs"),
        *_duration_flow("posterior.flow", "post_flows"),
        ("conv_1", "conv_1"),
        ("conv_2", "conv_2"),
        *_norm("norm_1", "norm_1"),
        *_norm("norm_2", "norm_2"),
    ),
)
LEAVES = {LENGTH: "weight_g", DIRECTION: "weight_v"}
OFFICIAL = Layout(OFFICIAL_RULES, LEAVES)


def to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VITS model's state under the official names; weight norm stays split or folded."""
    return OFFICIAL.state_to_theirs(state)


def from_official(
    state: Mapping[str, Tensor], like: Mapping[str, Tensor], *, source: str = "the checkpoint"
) -> dict[str, Tensor]:
    """An official state as the state of a model whose own state is `like`.

    Raises ImportingError, naming names, when they do not fit.
    """
    return fit(OFFICIAL.state_to_ours(state, source=source), like, source=source)


def load_official(path: Path) -> dict[str, Tensor]:
    """The generator's weights in a `G_*.pth`, under the official names.

    Nothing but tensors and plain containers is unpickled. Raises ImportingError when there are none.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ImportingError(f"{path}: cannot be read ({error.strerror or error})") from None
    except pickle.UnpicklingError:
        raise ImportingError(f"{path}: holds more than weights, or is broken; it was not loaded") from None
    except (RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error, AssertionError):
        raise ImportingError(f"{path}: is not a PyTorch checkpoint, or is broken") from None
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ImportingError(f"{path}: holds no weights under 'model'; is it a checkpoint of VITS?")
    for start, file in (("discriminators.", "D"), ("pre_out_conv_1.", "DUR")):
        if any(str(name).startswith(start) for name in state):
            raise ImportingError(f"{path}: is a discriminator ({file}_*.pth); the voice is in the generator (G_*.pth)")
    return {str(name): value for name, value in state.items()}


OFFICIAL_KEYS = {
    "train": "log_interval eval_interval seed epochs learning_rate betas eps batch_size fp16_run lr_decay segment_size "
    "init_lr_ratio warmup_epochs c_mel c_kl",
    "data": "training_files validation_files text_cleaners max_wav_value sampling_rate filter_length hop_length "
    "win_length n_mel_channels mel_fmin mel_fmax add_blank n_speakers cleaned_text",
    "model": "inter_channels hidden_channels filter_channels n_heads n_layers kernel_size p_dropout resblock "
    "resblock_kernel_sizes resblock_dilation_sizes upsample_rates upsample_initial_channel upsample_kernel_sizes "
    "n_layers_q use_spectral_norm use_sdp gin_channels",
}
"""The keys of each section of an official config.json."""


def config_from_official(data: object, *, source: str = "config.json") -> tuple[VitsConfig, int]:
    """The network's configuration, and its speakers, from the contents of an official config.json.

    Raises ImportingError naming the keys that are missing or wrong.
    """
    sizes, n_speakers = sizes_from_official(data, source=source)
    is_stochastic = section(data, "model", source).get("use_sdp", True)
    sizes["duration"] = {"kind": "stochastic" if is_stochastic else "deterministic"}
    return network_config(VitsConfig, sizes, source=source), n_speakers


def sizes_from_official(data: object, *, source: str = "config.json") -> tuple[dict[str, Any], int]:
    """What an official config.json says of the network but for its durations, as plain values, and its speakers.

    Posterior and flow have their depths, 16 and 4, from the official code, which ignores `n_layers_q`.
    Raises ImportingError naming the keys that are missing or wrong.
    """
    model, audio = section(data, "model", source), section(data, "data", source)
    needed = {
        "model": "inter_channels hidden_channels filter_channels n_heads n_layers kernel_size p_dropout resblock "
        "resblock_kernel_sizes resblock_dilation_sizes upsample_rates upsample_initial_channel upsample_kernel_sizes",
        "data": "sampling_rate filter_length hop_length win_length",
    }
    missing = [f"model.{key}" for key in needed["model"].split() if key not in model]
    missing += [f"data.{key}" for key in needed["data"].split() if key not in audio]
    if missing:
        raise ImportingError(f"{source}: lacks {', '.join(missing)}; it is not a configuration of VITS")
    n_speakers = audio.get("n_speakers", 0)
    if not isinstance(n_speakers, int):
        raise ImportingError(f"{source}: data.n_speakers must be a whole number, but is {n_speakers!r}")
    if n_speakers > 1 and not model.get("gin_channels"):
        raise ImportingError(f"{source}: data.n_speakers is {n_speakers}, but model.gin_channels is 0")
    sizes = {
        "spectrogram": spectrogram_sizes(audio),
        "d_hidden": model["hidden_channels"],
        "d_latent": model["inter_channels"],
        "d_speaker": model.get("gin_channels") or 256,
        "text_encoder": {
            "d_filter": model["filter_channels"],
            "n_heads": model["n_heads"],
            "n_layers": model["n_layers"],
            "kernel": model["kernel_size"],
            "dropout": model["p_dropout"],
        },
        "decoder": decoder_sizes(model),
    }
    return sizes, max(n_speakers, 1)


def spectrogram_sizes(audio: Mapping[str, Any]) -> dict[str, Any]:
    """What the section `data` says of the spectrogram, as plain values."""
    return {
        "sample_rate_hz": audio["sampling_rate"],
        "n_fft": audio["filter_length"],
        "hop": audio["hop_length"],
        "win": audio["win_length"],
    }


def decoder_sizes(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a section that describes the decoder says of it, as plain values."""
    return {
        "d_initial": said["upsample_initial_channel"],
        "upsample_rates": said["upsample_rates"],
        "upsample_kernels": said["upsample_kernel_sizes"],
        "resblock": str(said["resblock"]),
        "resblock_kernels": said["resblock_kernel_sizes"],
        "resblock_dilations": said["resblock_dilation_sizes"],
    }


def network_config(kind: type[AnyConfig], data: dict[str, Any], *, source: str) -> AnyConfig:
    """The configuration that plain values say; ImportingError if they cannot be one."""
    try:
        return parse(kind, data, source=source)
    except ConfigError as error:
        raise ImportingError(str(error)) from None


def read_official(
    state: Mapping[str, Tensor], config: object, *, source: str = "the checkpoint", about: str = "config.json"
) -> ForeignModel:
    """A model from the state in a `G_*.pth`, and the contents of the config.json that belongs to it.

    source, about: what they are called in errors. Raises ImportingError when either is not VITS's.
    """
    cfg, n_speakers = config_from_official(config, source=about)
    n_symbols = n_symbols_in(state, source=source)
    ours = OFFICIAL.state_to_ours(state, source=source)
    return ForeignModel(cfg, n_symbols, n_speakers, ours, unknown_keys(config, OFFICIAL_KEYS))


def n_symbols_in(state: Mapping[str, Tensor], *, source: str) -> int:
    """How many symbols a state, under the official names, has an embedding for."""
    if (table := state.get("enc_p.emb.weight")) is None:
        raise ImportingError(f"{source}: lacks enc_p.emb.weight; it is not a checkpoint of VITS")
    return table.shape[0]


def section(data: object, name: str, source: str, *, of: str = "VITS") -> dict[str, Any]:
    """A section of a config.json; ImportingError if there is none. of: what it should configure, in errors."""
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise ImportingError(f"{source}: has no section '{name}'; it is not a configuration of {of}")
    return found


def unknown_keys(data: object, known: Mapping[str, str]) -> tuple[str, ...]:
    """The keys, dotted, that a configuration has and `known` does not list under their section."""
    assert isinstance(data, dict)
    unknown = []
    for name, content in data.items():
        if name not in known or not isinstance(content, dict):
            unknown.append(str(name))
        else:
            unknown += [f"{name}.{key}" for key in content if key not in known[name].split()]
    return tuple(unknown)
