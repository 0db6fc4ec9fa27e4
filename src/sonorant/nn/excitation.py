"""What sounds before a mouth shapes it: pulses where there is voice, and noise.

The sources of harmonic-plus-noise models (NSF: Wang, Takaki and Yamagishi 2019, arXiv:1904.12088, 2.2; DDSP: Engel et
al. 2020, arXiv:2001.04643, 3.3). As in neither, all harmonics below half the sample rate are in the pulses, equally
strong and summed in closed form.

B batch, T frames, N = T * hop samples.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

HIGHEST = 0.25
"""Cycles per sample: above it there would be one harmonic."""
_SMALL = 1e-6
"""Of a sine in a denominator, below which its limit is taken."""
_BLOCK = 4096
"""Samples drawn from one seed."""


def pulse_train(pitch: Tensor, hop: int, *, phase: Tensor | None = None) -> Tensor:
    """Pulses of a pitch: the sum of all its harmonics below half the sample rate, of mean power 1.

    pitch: [B, T] in cycles per sample, at most 0.25, 0 where there is no voice; between the middles of voiced frames it
    changes linearly. phase: [B], in cycles, at which each voiced stretch begins; None for 0. No stretch depends on the
    ones before it. Returns float32 [B, N], 0 where there is no voice; no gradient flows.
    """
    with torch.no_grad():
        pitch = pitch.double().clamp(max=HIGHEST)
        is_voiced = pitch > 0
        before, after = pitch.roll(1, dims=1), pitch.roll(-1, dims=1)
        before[:, 0], after[:, -1] = 0, 0
        begins = is_voiced & ~(before > 0)
        before, after = torch.where(before > 0, before, pitch), torch.where(after > 0, after, pitch)
        place = (torch.arange(hop, device=pitch.device, dtype=torch.double) + 0.5) / hop
        to_before, to_after = (0.5 - place).clamp(min=0), (place - 0.5).clamp(min=0)
        step = (
            before.unsqueeze(2) * to_before
            + pitch.unsqueeze(2) * (1 - to_before - to_after)
            + after.unsqueeze(2) * to_after
        ) * is_voiced.unsqueeze(2)
        step = step.flatten(1)
        cycles = step.cumsum(1) - step
        # Cycles only grow: the greatest of those at which a stretch began is where the present one did.
        began = torch.where(begins, cycles[:, ::hop], 0.0).cummax(dim=1).values
        cycles = cycles - began.repeat_interleave(hop, dim=1)
        if phase is not None:
            cycles = cycles + phase.double().unsqueeze(1)
        # Those below half the sample rate: not at it, nor so near that rounding decides.
        n_harmonics = (0.5 / step.clamp(min=1e-9) - 1e-3).ceil() - 1
        total = _cosines(cycles % 1, n_harmonics.clamp(min=1))
        return torch.where(step > 0, total, 0.0).float()


def white_noise(n: int, device: torch.device, *, start: int = 0) -> Tensor:
    """Standard normal [n]: samples from start on of a noise without end that is always the same."""
    first, last = start // _BLOCK, -(-(start + n) // _BLOCK)
    blocks = [torch.randn(_BLOCK, generator=torch.Generator().manual_seed(block)) for block in range(first, last)]
    return torch.cat(blocks)[start - first * _BLOCK :][:n].to(device)


def _cosines(cycles: Tensor, n: Tensor) -> Tensor:
    """The sum of cos(2 pi m cycles) for m from 1 to n, of mean power 1: a Dirichlet kernel without its constant."""
    angle, width = math.pi * cycles, 2 * n + 1
    below = angle.sin()
    is_pole = below.abs() < _SMALL
    kernel = torch.where(
        is_pole, width * torch.cos(width * angle) / angle.cos(), (width * angle).sin() / below.masked_fill(is_pole, 1)
    )
    return (kernel - 1) / (2 * n).sqrt()
