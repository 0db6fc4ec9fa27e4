"""The waveform decoder: HiFi-GAN's generator on latent frames (Kong et al. 2020, arXiv:2010.05646; VITS, 2.5.2).

B batch, C channels, T frames, N = T * hop samples.

Departures from HiFi-GAN, as VITS has them: the input is the latent, the first and last convolutions are not
weight-normed, the last has no bias, and a speaker embedding is added after the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd
from sonorant.config import config
from sonorant.nn.conv import same_padding, weight_normed, widen
from sonorant.nn.conv_cpu import by_position, conv_of_activated
from sonorant.nn.mask import pad_to_granule
from sonorant.nn.windows import decode_in_windows

SLOPE = 0.1
"""Of the leaky ReLUs, but the last."""
LAST_SLOPE = 0.01
EDGE_KERNEL = 7
"""Of the first and last convolution."""


@config
class HifiGanConfig:
    kind: Literal["hifigan"] = "hifigan"
    d_initial: int = 512
    """Channels after the first convolution; each upsampling halves them."""
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2)
    upsample_kernels: tuple[int, ...] = (16, 16, 4, 4)
    resblock: Literal["1", "2"] = "1"
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))

    def __post_init__(self) -> None:
        if not self.upsample_rates or not self.resblock_kernels:
            raise ValueError("upsample_rates and resblock_kernels may not be empty")
        if len(self.upsample_rates) != len(self.upsample_kernels):
            raise ValueError(
                f"{len(self.upsample_rates)} upsample_rates, but {len(self.upsample_kernels)} upsample_kernels"
            )
        if len(self.resblock_kernels) != len(self.resblock_dilations):
            raise ValueError(
                f"{len(self.resblock_kernels)} resblock_kernels, but {len(self.resblock_dilations)} resblock_dilations"
            )
        check_at_least(1, self, "d_initial", "upsample_rates")
        for rate, kernel in zip(self.upsample_rates, self.upsample_kernels, strict=True):
            if kernel < rate or (kernel - rate) % 2:
                raise ValueError(f"an upsample kernel of {kernel} cannot upsample by {rate}: it must be {rate} + 2n")
        check_odd(self, "resblock_kernels")
        if not all(dilations and min(dilations) >= 1 for dilations in self.resblock_dilations):
            raise ValueError(f"resblock_dilations are {self.resblock_dilations}: each must hold some, at least 1")
        if self.d_initial % 2 ** len(self.upsample_rates):
            raise ValueError(f"d_initial is {self.d_initial}, not divisible by 2**{len(self.upsample_rates)}")

    @property
    def hop(self) -> int:
        """Samples made of one frame."""
        return math.prod(self.upsample_rates)

    @property
    def context_frames(self) -> int:
        """How far, in frames, the samples of one frame look: exactly, on the side where they look farther."""
        first, last = 0, self.hop - 1  # of the samples of frame 0, walked back to the frames they are made of
        edge = EDGE_KERNEL // 2
        reach = max(
            _resblock_reach(self.resblock, kernel, dilations)
            for kernel, dilations in zip(self.resblock_kernels, self.resblock_dilations, strict=True)
        )
        first, last = first - edge, last + edge
        for rate, kernel in zip(reversed(self.upsample_rates), reversed(self.upsample_kernels), strict=True):
            first, last = first - reach, last + reach
            # Output o is made of the inputs i with 0 <= o + padding - i * rate < kernel.
            padding = (kernel - rate) // 2
            first, last = -((kernel - 1 - padding - first) // rate), (last + padding) // rate
        first, last = first - edge, last + edge
        return max(-first, last)


class _End(Protocol):
    """Keeps zero what lies past the end of the items, as if nothing were there."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def upsampled(self, rate: int) -> _End:
        """The same end, at a higher rate."""
        ...

    def wide(self) -> _End:
        """The same end, for [B, C, 1, T]."""
        ...


class _Open:
    """Nothing lies past the end."""

    def __call__(self, x: Tensor) -> Tensor:
        return x

    def upsampled(self, rate: int) -> _End:
        return self

    def wide(self) -> _End:
        return self


@dataclass(frozen=True)
class _Masked:
    """Items of different lengths. mask: [B, 1, T] or [B, 1, 1, T]."""

    mask: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.mask

    def upsampled(self, rate: int) -> _End:
        return _Masked(self.mask.repeat_interleave(rate, dim=-1))

    def wide(self) -> _End:
        return _Masked(self.mask.unsqueeze(2))


@dataclass(frozen=True)
class _Cut:
    """All items end at n; changes what it is given in place, so for inference only."""

    n: int

    def __call__(self, x: Tensor) -> Tensor:
        x[..., self.n :] = 0
        return x

    def upsampled(self, rate: int) -> _End:
        return _Cut(self.n * rate)

    def wide(self) -> _End:
        return self


class HifiGan(nn.Module):
    """Transposed convolutions up to the sample rate, each followed by the mean of residual blocks.

    Weights keep torch's own initialisation: the official N(0, 0.01) was written to weights that weight norm recomputed
    before use, and so never acted.
    """

    def __init__(self, cfg: HifiGanConfig, d_latent: int, d_cond: int = 0) -> None:
        super().__init__()
        self.cfg = cfg
        d = cfg.d_initial
        self.input = nn.Conv1d(d_latent, d, EDGE_KERNEL, padding=same_padding(EDGE_KERNEL))
        self.condition = nn.Conv1d(d_cond, d, 1) if d_cond else None
        self.upsamplers = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(cfg.upsample_rates, cfg.upsample_kernels, strict=True):
            up = nn.ConvTranspose1d(d, d // 2, kernel, stride=rate, padding=(kernel - rate) // 2)
            self.upsamplers.append(weight_normed(up))
            d //= 2
            for block_kernel, dilations in zip(cfg.resblock_kernels, cfg.resblock_dilations, strict=True):
                self.resblocks.append(_RESBLOCKS[cfg.resblock](d, block_kernel, dilations))
        self.output = nn.Conv1d(d, 1, EDGE_KERNEL, padding=same_padding(EDGE_KERNEL), bias=False)

    @property
    def context_frames(self) -> int:
        """How many frames beyond a window its samples look at."""
        return self.cfg.context_frames

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """The waveform of latent frames, in (-1, 1).

        z: [B, C, T], 0 at padding; speaker: [B, d_cond, 1] if conditioned; mask: [B, 1, T], needed only when items are
        padded. Returns [B, 1, N]; samples of padded frames are 0, and nothing of the padding reaches the others.
        """
        return self._decode(z, speaker, _Open() if mask is None else _Masked(mask))

    def _decode(self, z: Tensor, speaker: Tensor | None, end: _End) -> Tensor:
        x = self.input(z)
        if self.condition is not None:
            x = x + self.condition(speaker)
        n_kernels = len(self.cfg.resblock_kernels)
        for i, (rate, upsampler) in enumerate(zip(self.cfg.upsample_rates, self.upsamplers, strict=True)):
            x = upsampler(end(F.leaky_relu(x, SLOPE)))
            end = end.upsampled(rate)
            x = _mean(self.resblocks[i * n_kernels : (i + 1) * n_kernels], x, end)
        x = self.output(end(F.leaky_relu(x, LAST_SLOPE)))
        return end(torch.tanh(x))

    def decode_in_windows(
        self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None, *, window: int = 256
    ) -> Tensor:
        """What `forward` gives, computed `window` frames at a time with the context each window looks at.

        Memory is bounded, and long audio is faster on CPUs, for the activations stay in cache. Smaller windows spend
        more on their context, larger ones leave the cache.
        """
        return decode_in_windows(
            self, z, speaker, mask, window=window, context_frames=self.context_frames, hop=self.cfg.hop
        )


class WideHifiGan(HifiGan):
    """A decoder for speaking on a CPU: the same function, its convolutions over [B, C, 1, T] in channels-last memory.

    Convolutions of few channels over many samples, which are most of the work, take about half the time that way.
    """

    def __init__(self, decoder: HifiGan) -> None:
        """Takes over the weights of a decoder whose weight norm is folded; that one is not to be used any more."""
        nn.Module.__init__(self)
        self.cfg = decoder.cfg
        for name, part in list(decoder.named_children()):
            setattr(self, name, widen(part))
        self.condition = getattr(self, "condition", None)

    def _decode(self, z: Tensor, speaker: Tensor | None, end: _End) -> Tensor:
        n_frames = z.shape[2]
        if isinstance(end, _Open):
            z, end = pad_to_granule(z), _Cut(n_frames)
        wide = z.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        speaker = None if speaker is None else speaker.unsqueeze(2)
        samples = super()._decode(wide, speaker, end.wide()).squeeze(2)
        return samples[:, :, : n_frames * self.cfg.hop]


class ResBlock1(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair with a residual."""

    def __init__(self, d: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(_conv(d, kernel, dilation) for dilation in dilations)
        self.plain = nn.ModuleList(_conv(d, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor, end: _End) -> Tensor:
        """x: [B, C, N]. Returns [B, C, N]."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            y = _of_activated(dilated, x, end)
            x = x + _of_activated(plain, y, end)
        return x


class ResBlock2(nn.Module):
    """Dilated convolutions, each with a residual."""

    def __init__(self, d: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.single = nn.ModuleList(_conv(d, kernel, dilation) for dilation in dilations)

    def forward(self, x: Tensor, end: _End) -> Tensor:
        """x: [B, C, N]. Returns [B, C, N]."""
        for conv in self.single:
            x = x + _of_activated(conv, x, end)
        return x


_RESBLOCKS: dict[str, Callable[[int, int, tuple[int, ...]], nn.Module]] = {"1": ResBlock1, "2": ResBlock2}


def _resblock_reach(kind: Literal["1", "2"], kernel: int, dilations: tuple[int, ...]) -> int:
    """How many samples to each side a residual block looks."""
    n_plain = {"1": len(dilations), "2": 0}[kind]
    return kernel // 2 * (sum(dilations) + n_plain)


def _conv(d: int, kernel: int, dilation: int) -> nn.Conv1d:
    return weight_normed(nn.Conv1d(d, d, kernel, dilation=dilation, padding=same_padding(kernel, dilation)))


def _of_activated(conv: nn.Module, x: Tensor, end: _End) -> Tensor:
    if isinstance(end, _Open):
        return conv_of_activated(cast(nn.Conv1d, conv), x, SLOPE)
    y: Tensor = conv(end(F.leaky_relu(x, SLOPE)))
    return y


def _mean(blocks: nn.ModuleList, x: Tensor, end: _End) -> Tensor:
    x = by_position(x) if isinstance(end, _Open) else x
    total = cast(Tensor, blocks[0](x, end))
    for block in blocks[1:]:
        total = total + block(x, end)
    return total / len(blocks)
