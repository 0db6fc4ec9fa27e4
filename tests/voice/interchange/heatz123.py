"""What heatz123's NaturalSpeech computes in evaluation mode, from its facts and under its names, and weights for it.

B batch, C channels, L tokens, T frames, Q heads of weights, P contexts, M slots.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.nn.random_weights import normal

State = Mapping[str, Tensor]
_UP = "learnable_upsampling."


def random_state(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Weights of the sizes of trained ones; no norm, statistic or bias is left as it starts."""
    state = {}
    for seed, (name, shape) in enumerate(shapes.items()):
        value = normal(*shape, seed=seed)
        if name.endswith("num_batches_tracked"):
            value = torch.tensor(1000)
        elif name.endswith(("running_var", "weight_g")):
            value = 0.3 + value.abs()
        elif name.endswith("gamma") or (name.endswith("weight") and len(shape) == 1):
            value = 1 + 0.3 * value
        elif len(shape) > 1 and not name.endswith("memory_bank"):
            value = value / math.sqrt(math.prod(shape[1:]))
        elif name == "dp.proj.bias":
            value = 1 + 0.1 * value
        state[name] = value
    return state


def log_durations(state: State, hidden: Tensor, mask: Tensor) -> Tensor:
    """hidden: [B, C, L]; mask: [B, 1, L]. Returns [B, 1, L]."""
    x, layer = hidden, 1
    while f"dp.conv_{layer}.weight" in state:
        x = F.conv1d(x * mask, state[f"dp.conv_{layer}.weight"], state[f"dp.conv_{layer}.bias"], padding="same")
        scale, shift = state[f"dp.norm_{layer}.gamma"], state[f"dp.norm_{layer}.beta"]
        x = F.layer_norm(x.relu().transpose(1, 2), scale.shape, scale, shift).transpose(1, 2)
        layer += 1
    return F.conv1d(x * mask, state["dp.proj.weight"], state["dp.proj.bias"]) * mask


def prior(state: State, hidden: Tensor, mask: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and log standard deviation of each frame, both [B, C, T], 0 past an item's end.

    hidden: [B, C, L], 0 at padding; mask: [B, 1, L]; durations: [B, L], in frames, real-valued.
    """
    n_frames = durations.sum(dim=1).round()
    frames = torch.arange(1, int(n_frames.max()) + 1, dtype=durations.dtype)
    ends = durations.cumsum(dim=1)
    behind = frames[:, None] - (ends - durations)[:, None]  # [B, T, L]
    before = ends[:, None] - frames[:, None]

    weights = _perceptron(state, "w", hidden, behind, before)  # [B, T, L, Q]
    weights = weights.masked_fill((mask == 0).transpose(1, 2).unsqueeze(1), -math.inf).softmax(dim=2)
    contexts = _perceptron(state, "c", hidden, behind, before)  # [B, T, L, P]
    of_phonemes = torch.einsum("btlq,bcl->btqc", weights, hidden).flatten(2)
    of_contexts = torch.einsum("btlq,btlp->btqp", weights, contexts).flatten(2)
    x = F.linear(of_phonemes, state[f"{_UP}linear_w.linear.weight"], state[f"{_UP}linear_w.linear.bias"])
    x = x + F.linear(of_contexts, state[f"{_UP}linear_einsum.linear.weight"])
    x = F.layer_norm(x, x.shape[2:], state[f"{_UP}layer_norm.weight"], state[f"{_UP}layer_norm.bias"])
    x = x.masked_fill((frames > n_frames[:, None]).unsqueeze(2), 0.0)
    mean, log_std = F.linear(x, state[f"{_UP}proj_o.linear.weight"]).transpose(1, 2).chunk(2, dim=1)
    return mean, log_std


def remembered(state: State, z: Tensor, n_heads: int = 2) -> Tensor:
    """What the bank gives for latent frames: [B, C, T] -> [B, C, T]."""
    bank = state["memory_bank.memory_bank"].unsqueeze(0)  # [1, C, M]
    query, key, value = (
        F.conv1d(
            x, state[f"memory_bank.encoder.conv_{letter}.weight"], state[f"memory_bank.encoder.conv_{letter}.bias"]
        )
        for letter, x in (("q", z), ("k", bank), ("v", bank))
    )
    heads = []
    for q, k, v in zip(
        query.chunk(n_heads, dim=1), key.chunk(n_heads, dim=1), value.chunk(n_heads, dim=1), strict=True
    ):
        attention = (q.transpose(1, 2) @ k / math.sqrt(q.shape[1])).softmax(dim=2)  # [B, T, M]
        heads.append(v @ attention.transpose(1, 2))
    output = "memory_bank.encoder.conv_o"
    return F.conv1d(torch.cat(heads, dim=1), state[f"{output}.weight"], state[f"{output}.bias"])


def _perceptron(state: State, letter: str, hidden: Tensor, behind: Tensor, before: Tensor) -> Tensor:
    """Three layers over every pair of a frame and a phoneme: [B, T, L, D]."""
    block, norm = f"{_UP}conv_{letter}.conv_layer.0.conv", f"{_UP}conv_{letter}.conv_layer.1"
    x = F.conv1d(hidden, state[f"{block}.weight"], state[f"{block}.bias"], padding="same")
    x = F.batch_norm(
        x, state[f"{norm}.running_mean"], state[f"{norm}.running_var"], state[f"{norm}.weight"], state[f"{norm}.bias"]
    )
    scale = state[f"{_UP}conv_{letter}.layer_norm.weight"]
    x = F.layer_norm(F.silu(x).transpose(1, 2), scale.shape, scale, state[f"{_UP}conv_{letter}.layer_norm.bias"])
    features = x.unsqueeze(1).expand(-1, behind.shape[1], -1, -1)
    y = torch.cat([behind.unsqueeze(3), before.unsqueeze(3), features], dim=3)
    for layer in (0, 2, 4):
        linear = f"{_UP}swish_{letter}.layer.{layer}.linear"
        y = F.linear(F.silu(y) if layer else y, state[f"{linear}.weight"], state[f"{linear}.bias"])
    return y
