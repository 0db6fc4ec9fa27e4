"""The moving average of a generator's weights, which speaks better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def moving_average(network: nn.Module, *, decay: float) -> AveragedModel:
    """A copy that follows the network: average = decay * average + (1 - decay) * weights at each `update_parameters`.

    Young averages follow faster, (1 + n) / (10 + n) after n updates if that is less, so as to forget the start.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay is {decay}: it must lie in 0 to 1, 1 excluded")
    average = AveragedModel(network, multi_avg_fn=_follow(decay), use_buffers=False)
    average.requires_grad_(False)
    return average


def _follow(decay: float) -> Callable[..., None]:
    @torch.no_grad()
    def follow(averages: list[Tensor], weights: list[Tensor], n: Tensor | int) -> None:
        count = float(n)
        share = 1 - min(decay, (1 + count) / (10 + count))
        torch._foreach_lerp_(averages, weights, share)

    return follow
