"""Checkpoints of heatz123's NaturalSpeech (github.com/heatz123/naturalspeech): names of the weights, and their values.

The names are those of the official VITS and more. Where that program computes otherwise than ours, the weights are
changed so that ours gives the same:

- **Batch normalisation** stands between the convolution and the SiLU of a phoneme's features. With the statistics it
  keeps it is linear, and is folded into the convolution.
- **Distances.** Theirs is in frame i, from 1 on, at its end, and S = i - start, E = end - i count single frames. Ours
  is in its middle, so that their S is ours + 1/2 and their E ours - 1/2, and counts in units. All that is linear, and
  is folded into the first layer of each perceptron.
- **What only ours has** is set so that it does nothing: no guide, no biases of the slots and after the contexts, and a
  bank whose share is 1.
- **The bank** is [C, M] there, and its projections are convolutions of width 1.

Two things differ that are not in the weights. Their program rounds the sum of the durations, half to even, and cuts
what is longer than `max_seq_len` frames; ours rounds alike, makes at least one frame, and cuts nothing.

C channels, M slots of the bank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.durator import DISTANCE_UNIT
from sonorant.voice.interchange.weights_layout import Layout, Rule, rules
from sonorant.voice.interchange.weights_vits import LEAVES, OFFICIAL_RULES

_BLOCKS = {"weighing": "w", "contexts": "c"}
"""The two perceptrons over pairs of a frame and a phoneme, and the letter that theirs has."""
_BATCH_NORM_EPS = 1e-5
_FIRST_FRAME = 0.5
"""How much later a frame is there than here."""


def _perceptron(ours: str, theirs: str) -> list[Rule]:
    return rules(
        (f"upsampling.{ours}", "learnable_upsampling"),
        ("conv", f"conv_{theirs}.conv_layer.0.conv"),
        ("norm", f"conv_{theirs}.layer_norm"),
        ("input", f"swish_{theirs}.layer.0.linear"),
        ("middle", f"swish_{theirs}.layer.2.linear"),
        ("output", f"swish_{theirs}.layer.4.linear"),
    )


HEATZ123 = Layout(
    [
        *rules(
            ("duration", "dp"),
            ("convs.{}", "conv_{1n+1}"),
            ("norms.{}.weight", "norm_{1n+1}.gamma"),
            ("norms.{}.bias", "norm_{1n+1}.beta"),
        ),
        *(rule for ours, theirs in _BLOCKS.items() for rule in _perceptron(ours, theirs)),
        *rules(
            ("upsampling", "learnable_upsampling"),
            ("of_phonemes", "linear_w.linear"),
            ("of_contexts", "linear_einsum.linear"),
            ("norm", "layer_norm"),
            ("output", "proj_o.linear"),
        ),
        *rules(
            ("memory", "memory_bank"),
            ("slots", "memory_bank"),
            ("query", "encoder.conv_q"),
            ("key", "encoder.conv_k"),
            ("value", "encoder.conv_v"),
            ("output", "encoder.conv_o"),
        ),
        *OFFICIAL_RULES,
    ],
    LEAVES,
    of="NaturalSpeech",
)
"""The names, without those of batch normalisation."""

_UPSAMPLING, _BANK = "learnable_upsampling.", "memory_bank."
_DURATION_LAYER = re.compile(r"dp\.conv_(\d+)\.weight")


def is_heatz123(state: Mapping[str, Tensor]) -> bool:
    """Whether the weights have a learnable upsampling, which no VITS has."""
    return any(name.startswith(_UPSAMPLING) for name in state)


def has_bank(state: Mapping[str, Tensor]) -> bool:
    """Whether a memory bank was attached before the weights, under their names, were saved."""
    return any(name.startswith(_BANK) for name in state)


def n_duration_layers(state: Mapping[str, Tensor]) -> int:
    """Convolutions of the duration predictor, before the last: two as published, three with a change on offer there."""
    return max((int(match[1]) for name in state if (match := _DURATION_LAYER.fullmatch(name))), default=0)


def to_ours(
    state: Mapping[str, Tensor], cfg: NaturalSpeechConfig, *, source: str = "the checkpoint"
) -> dict[str, Tensor]:
    """A state under heatz123's names as one of a network of that configuration, which computes the same.

    Raises ImportingError naming what has no name here, what is missing, or has another number of dimensions.
    """
    left = dict(state)
    for block in _BLOCKS.values():
        _fold_batch_norm(left, f"{_UPSAMPLING}conv_{block}.conv_layer", source)
        first = f"{_UPSAMPLING}swish_{block}.layer.0.linear"
        weight, bias = _tensor(left, f"{first}.weight", 2, source), _tensor(left, f"{first}.bias", 1, source)
        left[f"{first}.weight"] = _distances_scaled(weight, DISTANCE_UNIT)
        left[f"{first}.bias"] = (bias + _of_later_frames(weight)).to(bias.dtype)
    output = f"{_UPSAMPLING}proj_o.linear.weight"
    left[output] = _tensor(left, output, 2, source).unsqueeze(2)
    if has_bank(state):
        slots = f"{_BANK}memory_bank"
        left[slots] = _tensor(left, slots, 2, source).T.contiguous()
        for name in _bank_projections():
            left[name] = _tensor(left, name, 3, source).squeeze(2)
    return HEATZ123.state_to_ours(left, source=source) | _idle(cfg, left[output])


def to_heatz123(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state under our names as one under heatz123's, whose batch normalisations change nothing.

    Raises ImportingError where it has what theirs has not, and uses it: a guide, biases, a bank's share below 1.
    """
    for name, value in _IDLE.items():
        if name in state and not bool((state[name] == value).all()):
            raise ImportingError(f"{name} is not {value:g} everywhere, which heatz123's NaturalSpeech has no place for")
    theirs = HEATZ123.state_to_theirs({name: value for name, value in state.items() if name not in _IDLE})
    for block in _BLOCKS.values():
        norm = f"{_UPSAMPLING}conv_{block}.conv_layer.1"
        of_conv = theirs[f"{_UPSAMPLING}conv_{block}.conv_layer.0.conv.bias"]
        theirs[f"{norm}.weight"] = torch.ones_like(of_conv)
        theirs[f"{norm}.bias"] = torch.zeros_like(of_conv)
        theirs[f"{norm}.running_mean"] = torch.zeros_like(of_conv)
        theirs[f"{norm}.running_var"] = torch.full_like(of_conv, 1 - _BATCH_NORM_EPS)
        theirs[f"{norm}.num_batches_tracked"] = torch.tensor(0)
        first = f"{_UPSAMPLING}swish_{block}.layer.0.linear"
        weight, bias = _distances_scaled(theirs[f"{first}.weight"], 1 / DISTANCE_UNIT), theirs[f"{first}.bias"]
        theirs[f"{first}.weight"] = weight
        theirs[f"{first}.bias"] = (bias - _of_later_frames(weight)).to(bias.dtype)
    output = f"{_UPSAMPLING}proj_o.linear.weight"
    theirs[output] = theirs[output].squeeze(2)
    if has_bank(theirs):
        theirs[f"{_BANK}memory_bank"] = theirs[f"{_BANK}memory_bank"].T.contiguous()
        for name in _bank_projections():
            theirs[name] = theirs[name].unsqueeze(2)
    return theirs


_IDLE: Mapping[str, float] = {
    "upsampling.guide": 0.0,
    "upsampling.of_contexts.bias": 0.0,
    "upsampling.output.bias": 0.0,
    "memory.slot_bias": 0.0,
    "memory.share": 1.0,
}
"""What only ours has, and the value with which it does nothing."""


def _idle(cfg: NaturalSpeechConfig, like: Tensor) -> dict[str, Tensor]:
    """What only a network of ours has, doing nothing; of the type and device of `like`."""
    shapes: dict[str, tuple[int, ...]] = {
        "upsampling.guide": (cfg.upsampling.n_weights,),
        "upsampling.of_contexts.bias": (cfg.d_hidden,),
        "upsampling.output.bias": (2 * cfg.d_latent,),
    }
    if cfg.memory is not None:
        shapes |= {"memory.slot_bias": (cfg.memory.n_heads, cfg.memory.n_slots), "memory.share": ()}
    return {name: like.new_full(shape, _IDLE[name]) for name, shape in shapes.items()}


def _bank_projections() -> list[str]:
    return [f"{_BANK}encoder.conv_{letter}.weight" for letter in "qkvo"]


def _distances_scaled(weight: Tensor, factor: float) -> Tensor:
    """A perceptron's first weight whose first two columns, for S and E, are multiplied."""
    scaled = weight.double().clone()
    scaled[:, :2] *= factor
    return scaled.to(weight.dtype)


def _of_later_frames(weight: Tensor) -> Tensor:
    """What their first weight, applied to single frames, adds because theirs are later: S is more, and E less."""
    return _FIRST_FRAME * (weight[:, 0].double() - weight[:, 1].double())


def _fold_batch_norm(state: dict[str, Tensor], layer: str, source: str) -> None:
    """Fold `layer.1`, a batch normalisation, into the convolution before it, in place.

    It follows the convolution, whose zeros around the text it therefore does not touch: the folding is exact.
    """
    conv, norm = f"{layer}.0.conv", f"{layer}.1"
    weight, bias = _tensor(state, f"{conv}.weight", 3, source), _tensor(state, f"{conv}.bias", 1, source)
    names = [f"{norm}.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var")]
    scale, shift, mean, variance = (_tensor(state, name, 1, source).double() for name in names)
    for name in (f"{conv}.weight", *names):
        if state[name].shape[0] != len(bias):
            raise ImportingError(
                f"{source}: {name} has shape {list(state[name].shape)}, but {conv}.bias has {list(bias.shape)}"
            )
    scale = scale / torch.sqrt(variance + _BATCH_NORM_EPS)
    state[f"{conv}.weight"] = (weight * scale[:, None, None]).to(weight.dtype)
    state[f"{conv}.bias"] = ((bias - mean) * scale + shift).to(bias.dtype)
    for name in (*names, f"{norm}.num_batches_tracked"):
        state.pop(name, None)


def _tensor(state: Mapping[str, Tensor], name: str, n_dims: int, source: str) -> Tensor:
    """One of their weights; ImportingError if it is not there, or cannot be what its name says."""
    if (value := state.get(name)) is None:
        raise ImportingError(f"{source}: lacks {name}")
    if value.ndim != n_dims:
        raise ImportingError(f"{source}: {name} has shape {list(value.shape)}, expected {n_dims} dimensions")
    return value
