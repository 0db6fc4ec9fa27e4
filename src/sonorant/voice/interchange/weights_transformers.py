"""Checkpoints of `VitsModel` in the transformers library: a folder of config.json and model.safetensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sonorant.config import read_json
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
from sonorant.voice.interchange.weights_vits import network_config

_WAVENET = (
    ("wavenet.gates.{}", "wavenet.in_layers.{}"),
    ("wavenet.outputs.{}", "wavenet.res_skip_layers.{}"),
    ("wavenet.condition", "wavenet.cond_layer"),
)


def _depth_separable(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    layer = f"{ours}.layers.{{}}"
    return (
        (f"{layer}.depthwise", f"{theirs}.convs_dilated.{{}}"),
        (f"{layer}.pointwise", f"{theirs}.convs_pointwise.{{}}"),
        (f"{layer}.depthwise_norm", f"{theirs}.norms_1.{{}}"),
        (f"{layer}.pointwise_norm", f"{theirs}.norms_2.{{}}"),
    )


def _duration_flow(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = [
        (f"{ours}.affine.shift", f"{theirs}.0.translate"),
        (f"{ours}.affine.log_scale", f"{theirs}.0.log_scale"),
    ]
    # Here flips have no index of their own.
    for coupling, flow in ((f"{ours}.first", f"{theirs}.1"), (f"{ours}.couplings.{{}}", f"{theirs}.{{1n+2}}")):
        found += [(f"{coupling}.input", f"{flow}.conv_pre"), (f"{coupling}.output", f"{flow}.conv_proj")]
        found += _depth_separable(f"{coupling}.convs", f"{flow}.conv_dds")
    return tuple(found)


TRANSFORMERS = Layout(
    [
        Rule("speaker", "embed_speaker"),
        *rules(("text_encoder", "text_encoder"), ("embedding", "embed_tokens"), ("output", "project")),
        *rules(
            ("text_encoder.layers.{}", "text_encoder.encoder.layers.{}"),
            ("attention.query", "attention.q_proj"),
            ("attention.key", "attention.k_proj"),
            ("attention.value", "attention.v_proj"),
            ("attention.output", "attention.out_proj"),
            ("attention.relative_key", "attention.emb_rel_k"),
            ("attention.relative_value", "attention.emb_rel_v"),
            ("attention_norm", "layer_norm"),
            ("feed_forward_norm", "final_layer_norm"),
            ("feed_forward.expand", "feed_forward.conv_1"),
            ("feed_forward.reduce", "feed_forward.conv_2"),
        ),
        *rules(("posterior", "posterior_encoder"), ("input", "conv_pre"), ("output", "conv_proj"), *_WAVENET),
        # Ours alternate with flips, which have an index but no weights.
        *rules(("flow.steps.{2n+0}", "flow.flows.{}"), ("input", "conv_pre"), ("output", "conv_post"), *_WAVENET),
        *rules(
            ("decoder", "decoder"),
            ("input", "conv_pre"),
            ("condition", "cond"),
            ("upsamplers.{}", "upsampler.{}"),
            ("resblocks.{}.dilated.{}", "resblocks.{}.convs1.{}"),
            ("resblocks.{}.plain.{}", "resblocks.{}.convs2.{}"),
            ("output", "conv_post"),
        ),
        *rules(
            ("duration", "duration_predictor"),
            ("condition", "cond"),
            ("input", "conv_pre"),
            ("output", "conv_proj"),
            ("output", "proj"),
            *_depth_separable("convs", "conv_dds"),
            *_duration_flow("flow", "flows"),
            ("posterior.input", "post_conv_pre"),
            ("posterior.output", "post_conv_proj"),
            *_depth_separable("posterior.convs", "post_conv_dds"),
            *_duration_flow("posterior.flow", "post_flows"),
            ("conv_1", "conv_1"),
            ("conv_2", "conv_2"),
            ("norm_1", "norm_1"),
            ("norm_2", "norm_2"),
        ),
    ],
    leaves={LENGTH: "weight_g", DIRECTION: "weight_v"},
)

_DEFAULTS: dict[str, Any] = {
    "vocab_size": 38,
    "hidden_size": 192,
    "num_hidden_layers": 6,
    "num_attention_heads": 2,
    "window_size": 4,
    "use_bias": True,
    "ffn_dim": 768,
    "ffn_kernel_size": 3,
    "flow_size": 192,
    "spectrogram_bins": 513,
    "hidden_act": "relu",
    "hidden_dropout": 0.1,
    "layer_norm_eps": 1e-5,
    "use_stochastic_duration_prediction": True,
    "num_speakers": 1,
    "speaker_embedding_size": 0,
    "upsample_initial_channel": 512,
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "leaky_relu_slope": 0.1,
    "depth_separable_channels": 2,
    "depth_separable_num_layers": 3,
    "duration_predictor_flow_bins": 10,
    "duration_predictor_tail_bound": 5.0,
    "duration_predictor_kernel_size": 3,
    "duration_predictor_dropout": 0.5,
    "duration_predictor_num_flows": 4,
    "duration_predictor_filter_channels": 256,
    "prior_encoder_num_flows": 4,
    "prior_encoder_num_wavenet_layers": 4,
    "posterior_encoder_num_wavenet_layers": 16,
    "wavenet_kernel_size": 5,
    "wavenet_dilation_rate": 1,
    "wavenet_dropout": 0.0,
    "sampling_rate": 16_000,
}
"""What transformers takes for a key that a config.json leaves out."""

_FIXED = ("use_bias", "hidden_act", "layer_norm_eps", "leaky_relu_slope", "depth_separable_channels")
"""Choices transformers offers and VITS does not: only their defaults can be read."""


def config_from_transformers(data: object, *, source: str = "config.json") -> VitsConfig:
    """The network's configuration from the contents of a config.json. Raises ImportingError if it is not of VITS."""
    said = _said(data, source)
    wavenet = {
        "kernel": said["wavenet_kernel_size"],
        "dilation_rate": said["wavenet_dilation_rate"],
        "dropout": said["wavenet_dropout"],
    }
    duration = {"kernel": said["duration_predictor_kernel_size"], "dropout": said["duration_predictor_dropout"]}
    if said["use_stochastic_duration_prediction"]:
        duration |= {
            "kind": "stochastic",
            "n_layers": said["depth_separable_num_layers"],
            "n_couplings": said["duration_predictor_num_flows"],
            "n_bins": said["duration_predictor_flow_bins"],
            "bound": said["duration_predictor_tail_bound"],
        }
    else:
        duration |= {"kind": "deterministic", "d_filter": said["duration_predictor_filter_channels"]}
    n_fft = 2 * (_whole(said, "spectrogram_bins", source) - 1)
    rates = said["upsample_rates"]
    if not isinstance(rates, list) or not all(isinstance(rate, int) for rate in rates):
        raise ImportingError(f"{source}: upsample_rates must be a list of whole numbers, but is {rates!r}")
    return network_config(
        VitsConfig,
        {
            "spectrogram": {
                "sample_rate_hz": said["sampling_rate"],
                "n_fft": n_fft,
                "hop": math.prod(rates),
                "win": n_fft,
            },
            "d_hidden": said["hidden_size"],
            "d_latent": said["flow_size"],
            "d_speaker": said["speaker_embedding_size"],
            "text_encoder": {
                "d_filter": said["ffn_dim"],
                "n_heads": said["num_attention_heads"],
                "n_layers": said["num_hidden_layers"],
                "kernel": said["ffn_kernel_size"],
                "window": said["window_size"],
                "dropout": said["hidden_dropout"],
            },
            "posterior": {"wavenet": {"n_layers": said["posterior_encoder_num_wavenet_layers"], **wavenet}},
            "flow": {
                "n_couplings": said["prior_encoder_num_flows"],
                "wavenet": {"n_layers": said["prior_encoder_num_wavenet_layers"], **wavenet},
            },
            "duration": duration,
            "decoder": {
                "d_initial": said["upsample_initial_channel"],
                "upsample_rates": rates,
                "upsample_kernels": said["upsample_kernel_sizes"],
                "resblock_kernels": said["resblock_kernel_sizes"],
                "resblock_dilations": said["resblock_dilation_sizes"],
            },
        },
        source=source,
    )


def from_transformers(
    state: Mapping[str, Tensor], like: Mapping[str, Tensor], *, source: str = "model.safetensors"
) -> dict[str, Tensor]:
    """A transformers state as the state of a model whose own state is `like`.

    Raises ImportingError, naming names, when they do not fit.
    """
    return fit(_renamed(state, source), like, source=source)


def read_network(folder: Path) -> ForeignModel:
    """The model in a folder of config.json and model.safetensors. Raises ImportingError if there is none."""
    path = folder / "config.json"
    try:
        data = read_json(path)
    except ConfigError as error:
        raise ImportingError(str(error)) from None
    said = _said(data, str(path))
    cfg = config_from_transformers(data, source=str(path))
    weights = folder / "model.safetensors"
    try:
        state = load_file(weights)
    except OSError as error:
        raise ImportingError(f"{weights}: cannot be read ({error.strerror or error})") from None
    except SafetensorError as error:
        raise ImportingError(f"{weights}: is not a safetensors file ({error})") from None
    n_symbols, n_speakers = _whole(said, "vocab_size", str(path)), _whole(said, "num_speakers", str(path))
    return ForeignModel(cfg, n_symbols, max(n_speakers, 1), _renamed(state, str(weights)))


def _renamed(state: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    ours = TRANSFORMERS.state_to_ours(state, source=source)
    # Attention projections are linear layers there and 1x1 convolutions here.
    return {
        name: value.unsqueeze(2) if ".attention." in name and name.endswith(".weight") else value
        for name, value in ours.items()
    }


def _said(data: object, source: str) -> dict[str, Any]:
    if not isinstance(data, dict) or data.get("model_type") != "vits":
        raise ImportingError(f"{source}: is not the configuration of a VITS model (model_type is not 'vits')")
    said = _DEFAULTS | {key: value for key, value in data.items() if key in _DEFAULTS}
    for key in _FIXED:
        if said[key] != _DEFAULTS[key]:
            raise ImportingError(f"{source}: {key} is {said[key]!r}, but only {_DEFAULTS[key]!r} can be read")
    if _whole(said, "num_speakers", source) > 1 and not said["speaker_embedding_size"]:
        raise ImportingError(f"{source}: num_speakers is {said['num_speakers']}, but speaker_embedding_size is 0")
    return said


def _whole(said: Mapping[str, Any], key: str, source: str) -> int:
    value = said[key]
    if not isinstance(value, int) or value < 1:
        raise ImportingError(f"{source}: {key} must be a positive whole number, but is {value!r}")
    return value
