"""What is done with latents between the blocks: sampling, slicing, spreading tokens over frames.

B batch, C channels, L tokens, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from sonorant.bounds import check_finite
from sonorant.config import config

Noise = Callable[[tuple[int, ...]], Tensor]
"""Gives a tensor of the shape asked for, of standard normal numbers (or what a test puts in their place)."""


def sample(mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
    """A draw from the Gaussian, by reparametrisation. All [B, C, T]."""
    return mean + noise * torch.exp(log_std)


class StillNoise:
    """Zeros where noise is asked for: a Gaussian then gives its mean."""

    def __init__(self, n_items: int, device: torch.device) -> None:
        self._n_items = n_items
        self._device = device

    def per_frame(self, d: int, n: int) -> Tensor:
        """Zeros [B, d, n]."""
        return torch.zeros(self._n_items, d, n, device=self._device)


@config
class LogStdBounds:
    """Between what the logarithms of a Gaussian's deviations stay.

    Without bounds a high learning rate can run away with the divergence within some dozen steps.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check_finite(self, "low", "high")
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}: they must be low < high")


def bounded(log_std: Tensor, bounds: LogStdBounds | None) -> Tensor:
    """Log-deviations bent smoothly into their bounds, with slope one in the middle; None leaves them as they are."""
    if bounds is None:
        return log_std
    middle, reach = (bounds.low + bounds.high) / 2, (bounds.high - bounds.low) / 2
    return middle + reach * torch.tanh((log_std - middle) / reach)


class FrameNoise(Protocol):
    """Gives normal numbers for frames."""

    def per_frame(self, d: int, n: int) -> Tensor:
        """Standard normal [B, d, n], or what a test or an evaluation puts in its place."""
        ...


class SampleNoise(Protocol):
    """Gives random numbers of any length."""

    def normal(self, d: int, lengths: Sequence[int], n: int) -> Tensor:
        """Standard normal [B, d, n], 0 past each item's own length."""
        ...

    def uniform(self) -> Tensor:
        """Uniform in [0, 1), [B]."""
        ...


class ItemNoise:
    """Random numbers of a training batch, which each item draws for itself.

    So an item's do not depend on which items share its batch, nor on its padding.
    """

    def __init__(
        self, seeds: Sequence[int], *, n_tokens: Sequence[int], n_frames: Sequence[int], device: torch.device
    ) -> None:
        """seeds, n_tokens, n_frames: of each item."""
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._n_tokens = n_tokens
        self._n_frames = n_frames
        self._device = device

    def per_token(self, d: int, n: int) -> Tensor:
        """Standard normal [B, d, n], 0 past an item's tokens."""
        return self.normal(d, self._n_tokens, n)

    def per_frame(self, d: int, n: int) -> Tensor:
        """Standard normal [B, d, n], 0 past an item's frames."""
        return self.normal(d, self._n_frames, n)

    def per_pair(self, n_tokens: int, n_frames: int) -> Tensor:
        """Standard normal [B, n_tokens, n_frames], 0 past an item's tokens and frames."""
        drawn = torch.zeros(len(self._generators), n_tokens, n_frames, device=self._device)
        for item, (generator, tokens, frames) in enumerate(
            zip(self._generators, self._n_tokens, self._n_frames, strict=True)
        ):
            drawn[item, :tokens, :frames] = torch.randn(tokens, frames, generator=generator, device=self._device)
        return drawn

    def uniform(self) -> Tensor:
        """Uniform in [0, 1), [B]."""
        return torch.cat([torch.rand(1, generator=g, device=self._device) for g in self._generators])

    def normal(self, d: int, lengths: Sequence[int], n: int) -> Tensor:
        """Standard normal [B, d, n], 0 past each item's own length."""
        drawn = torch.zeros(len(self._generators), d, n, device=self._device)
        for item, (generator, length) in enumerate(zip(self._generators, lengths, strict=True)):
            drawn[item, :, :length] = torch.randn(d, length, generator=generator, device=self._device)
        return drawn


def random_starts(lengths: Tensor, n: int, u: Tensor) -> Tensor:
    """A start for a slice of n positions in each item.

    lengths: int64 [B]; each at least n, else its slice starts at 0 and runs into padding.
    u: [B] in [0, 1): uniform for uniform starts. Returns int64 [B].
    """
    n_starts = (lengths - n + 1).clamp(min=1)
    return (u * n_starts).long().clamp(max=n_starts - 1)


def sliced(x: Tensor, starts: Tensor, n: int, *, value: float = 0.0) -> Tensor:
    """Slices of what may be shorter than they are: `slice_segments` of `padded_to`. [B, C, T] -> [B, C, n]."""
    return slice_segments(padded_to(x, n, value=value), starts, n)


def padded_to(x: Tensor, n: int, *, value: float = 0.0) -> Tensor:
    """x: [B, C, T], with a value behind it to at least n positions."""
    return F.pad(x, (0, max(n - x.shape[2], 0)), value=value)


def slice_segments(x: Tensor, starts: Tensor, n: int) -> Tensor:
    """n positions of each item from its own start.

    x: [B, C, T]; starts: int64 [B]; start + n <= T. Returns [B, C, n].
    """
    index = starts[:, None] + torch.arange(n, device=x.device)
    return x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))


def token_of_frame(durations: Tensor, n_frames: int) -> Tensor:
    """The token each frame belongs to.

    durations: int64 [B, L], frames of each token, 0 allowed. Frames past an item's total get its last token:
    mask them. Returns int64 [B, n_frames].
    """
    ends = durations.cumsum(1).clamp(max=n_frames)
    # A frame's token is the number of tokens that have ended at or before it.
    ended = durations.new_zeros(durations.shape[0], n_frames + 1)
    ended = ended.scatter_add(1, ends, torch.ones_like(ends)).cumsum(1)[:, :n_frames]
    return ended.clamp(max=durations.shape[1] - 1)


def expand(x: Tensor, durations: Tensor, n_frames: int) -> Tensor:
    """Repeat each token's column over its frames.

    x: [B, C, L]; durations: int64 [B, L]. Returns [B, C, n_frames]; frames past an item's total are to be masked.
    """
    index = token_of_frame(durations, n_frames)
    return x.gather(2, index[:, None, :].expand(-1, x.shape[1], -1))


def log_likelihood(z_p: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """How well each token's prior explains each frame: log N(z_p[t]; mean[l], exp(log_std[l])), summed over channels.

    z_p: [B, C, T]; mean, log_std: [B, C, L]. Returns float32 [B, L, T], without a [B, C, L, T] in between.
    """
    with torch.autocast(z_p.device.type, enabled=False):
        z_p, mean, log_std = z_p.float(), mean.float(), log_std.float()
        precision = torch.exp(-2 * log_std)
        of_token = (-0.5 * math.log(2 * math.pi) - log_std - 0.5 * mean**2 * precision).sum(dim=1)
        of_pair = (mean * precision).transpose(1, 2) @ z_p - 0.5 * precision.transpose(1, 2) @ z_p**2
        return of_token.unsqueeze(2) + of_pair
