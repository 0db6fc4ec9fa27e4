"""Checkpoints of p0p4k's VITS2 (github.com/p0p4k/vits2_pytorch, MIT): the names of the weights, and the kind of flow.

They are those of the official VITS and more. What is read and written here is the generator, `G_*.pth`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.nn.transformer_flow import (
    CausalTransformerConfig,
    CouplingConfig,
    HiddenTransformerConfig,
    InputTransformerConfig,
    MonoInterConfig,
    MonoPostConfig,
    PlainCouplingConfig,
)
from sonorant.voice.interchange.weights_layout import Layout, Rule, rules
from sonorant.voice.interchange.weights_vits import LEAVES, OFFICIAL_RULES, TRANSFORMER_LAYER

FlowKind = Literal["plain", "hidden", "input", "fft", "mono"]
"""What the names of the weights tell of a flow. The two kinds called `mono_…` have the same names."""

_CAUSAL_LAYER = (
    ("attention.query", "self_attn_layers.{}.conv_q"),
    ("attention.key", "self_attn_layers.{}.conv_k"),
    ("attention.value", "self_attn_layers.{}.conv_v"),
    ("attention.output", "self_attn_layers.{}.conv_o"),
    ("attention_norm.weight", "norm_layers_0.{}.gamma"),
    ("attention_norm.bias", "norm_layers_0.{}.beta"),
    ("feed_forward_norm.weight", "norm_layers_1.{}.gamma"),
    ("feed_forward_norm.bias", "norm_layers_1.{}.beta"),
    ("feed_forward.expand", "ffn_layers.{}.conv_1"),
    ("feed_forward.reduce", "ffn_layers.{}.conv_2"),
)
_SPEAKER = Rule("text_encoder.speaker", "enc_p.encoder.spk_emb_linear")

VITS2 = Layout(
    [
        _SPEAKER,
        *rules(("flow.steps.{}.transformer.layers.{}", "flow.flows.{}.pre_transformer"), *TRANSFORMER_LAYER),
        *OFFICIAL_RULES,
    ],
    LEAVES,
)
"""Every kind of flow but `fft`."""

VITS2_CAUSAL = Layout(
    [
        _SPEAKER,
        # Before the official rules, in which `enc.cond_layer` belongs to a WaveNet.
        *rules(
            ("flow.steps.{}.transformer", "flow.flows.{}.enc"),
            ("condition_input", "cond_pre"),
            ("condition", "cond_layer"),
            *((f"layers.{{}}.{ours}", theirs) for ours, theirs in _CAUSAL_LAYER),
        ),
        *OFFICIAL_RULES,
    ],
    LEAVES,
)
"""The kind of flow called `fft`."""

_DEAD = re.compile(r"flow\.flows\.\d+\.post_transformer\..+")
"""Weights that p0p4k's `pre_conv` makes, and saves, but computes nothing with."""

_TYPES: Mapping[str, tuple[FlowKind, CouplingConfig]] = {
    "pre_conv2": ("hidden", HiddenTransformerConfig()),
    "pre_conv": ("input", InputTransformerConfig()),
    "fft": ("fft", CausalTransformerConfig()),
    "mono_layer_inter_residual": ("mono", MonoInterConfig()),
    "mono_layer_post_residual": ("mono", MonoPostConfig()),
}
_GATE = re.compile(r"flow\.steps\.\d+\.gate")
_INPUT_BIAS = re.compile(r"(?P<step>flow\.steps\.\d+)\.input\.bias")


def layout(kind: FlowKind) -> Layout:
    """The names of a model whose flow is of that kind."""
    return VITS2_CAUSAL if kind == "fft" else VITS2


def detect(state: Mapping[str, Tensor], *, source: str = "the checkpoint") -> FlowKind:
    """The kind of flow whose weights, under p0p4k's names, these are. Raises ImportingError if there is none."""
    # The first coupling is step 0 in every kind, and step 2 is the second, or the first that is a transformer alone.
    first, third = "flow.flows.0.", "flow.flows.2."
    if f"{first}pre.weight" not in state:
        raise ImportingError(f"{source}: lacks {first}pre.weight; it is not a checkpoint of VITS2")
    if f"{first}enc.self_attn_layers.0.conv_q.weight" in state:
        return "fft"
    if f"{first}pre_transformer.attn_layers.0.emb_rel_k" in state:
        return "hidden"
    if f"{first}pre_transformer.attn_layers.0.conv_q.weight" in state:
        return "input"
    return "mono" if f"{third}pre_transformer.attn_layers.0.conv_q.weight" in state else "plain"


def coupling_of(
    state: Mapping[str, Tensor], model: Mapping[str, object], *, source: str = "the checkpoint"
) -> CouplingConfig:
    """The couplings whose weights, under p0p4k's names, these are.

    model: the section `model` of the config.json that belongs to them, without which the two `mono_layer_…` cannot be
    told apart. Raises ImportingError where it is needed and silent, and where it contradicts the weights.
    """
    kind = detect(state, source=source)
    said, uses = model.get("transformer_flow_type"), model.get("use_transformer_flows")
    if kind == "plain":
        if uses:
            raise ImportingError(f"{source}: has no transformer in its flow, but its config.json says {said!r}")
        return PlainCouplingConfig()
    fitting = {name: coupling for name, (its_kind, coupling) in _TYPES.items() if its_kind == kind}
    expected = " or ".join(fitting)
    if uses is not None and not uses:
        raise ImportingError(
            f"{source}: has a flow of type {expected}, but its config.json says use_transformer_flows false"
        )
    if isinstance(said, str) and said in fitting:
        return fitting[said]
    if said is not None:
        raise ImportingError(f"{source}: has a flow of type {expected}, but its config.json says {said!r}")
    if len(fitting) > 1:
        raise ImportingError(
            f"{source}: has a flow of type {expected}, which its weights do not tell: "
            "set model.transformer_flow_type in its config.json"
        )
    return next(iter(fitting.values()))


def to_ours(state: Mapping[str, Tensor], *, source: str = "the checkpoint") -> dict[str, Tensor]:
    """A state under p0p4k's names as one under ours: gates open, dead weights left out.

    Raises ImportingError naming what has no name here.
    """
    kind = detect(state, source=source)
    alive = {name: value for name, value in state.items() if not _DEAD.fullmatch(name)}
    ours = layout(kind).state_to_ours(alive, source=source)
    if kind == "hidden":
        for name in list(ours):
            if match := _INPUT_BIAS.fullmatch(name):
                ours[f"{match['step']}.gate"] = torch.ones_like(ours[name]).unsqueeze(1)
    return ours


def to_p0p4k(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state under our names as one under p0p4k's.

    There are no gates there: each is multiplied into the norm that ends its transformer, which computes the same.
    The dead weights of `pre_conv` are not made up; p0p4k's program then keeps those it starts with.
    """
    ungated = {name: value for name, value in state.items() if not _GATE.fullmatch(name)}
    for name in state.keys() - ungated.keys():
        norm = _last_norm(state, name.removesuffix(".gate"))
        for leaf in ("weight", "bias"):
            ungated[f"{norm}.{leaf}"] = state[name].squeeze(1) * state[f"{norm}.{leaf}"]
    is_causal = "flow.steps.0.wavenet.gates.0.bias" not in state
    return layout("fft" if is_causal else "plain").state_to_theirs(ungated)


def _last_norm(state: Mapping[str, Tensor], step: str) -> str:
    """The norm that ends a step's transformer."""
    layer = f"{step}.transformer.layers"
    n_layers = sum(name.startswith(f"{layer}.") and name.endswith("feed_forward_norm.bias") for name in state)
    return f"{layer}.{n_layers - 1}.feed_forward_norm"
