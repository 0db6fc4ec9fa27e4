"""The memory bank: what the decoder is given is read from a bank of latents, so a posterior need not hold all detail
(NaturalSpeech, 3.5).

B batch, C channels, T frames, H heads, M slots.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sonorant.bounds import check_at_least
from sonorant.config import config


@config
class MemoryConfig:
    n_slots: int = 1000
    n_heads: int = 2

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_slots", "n_heads")


@dataclass(frozen=True)
class Clusters:
    """Centres of frames, and how far around them the frames lie."""

    centres: Tensor  # [M, C]
    variance: Tensor  # [C], of the frames around their own centres


class MemoryBank(nn.Module):
    """Multi-head attention of each frame over a bank of slots; no frame sees another.

    What it gives is blended with what it is given: share, a buffer that training raises from 0 to 1, is the bank's
    part, so that it is attached without a jump. A slot has a bias in each head: with it, and the projections as `fill`
    sets them, a bank begins as the posterior mean of a mixture of Gaussians around its centres; the paper's has none.
    """

    share: Tensor

    def __init__(self, cfg: MemoryConfig, d: int) -> None:
        super().__init__()
        self.n_heads = cfg.n_heads
        self.slots = nn.Parameter(torch.randn(cfg.n_slots, d))
        self.slot_bias = nn.Parameter(torch.zeros(cfg.n_heads, cfg.n_slots))
        self.query = nn.Linear(d, d)
        self.key = nn.Linear(d, d)
        self.value = nn.Linear(d, d)
        self.output = nn.Linear(d, d)
        # What is added to all keys alike changes no attention.
        self.key.bias.requires_grad_(False)
        self.register_buffer("share", torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        """z: [B, C, T]. Returns [B, C, T]; padding does not stay 0."""
        read = self.read(z.transpose(1, 2)).transpose(1, 2)
        return torch.lerp(z, read.to(z.dtype), self.share.to(z.dtype))

    def read(self, frames: Tensor) -> Tensor:
        """What the bank gives for frames, whatever its share: [..., C] -> float32 [..., C]."""
        with torch.autocast(frames.device.type, enabled=False):  # scores of hundreds, whose differences count
            return self._read(frames.float())

    def _read(self, frames: Tensor) -> Tensor:
        query = self.query(frames).unflatten(-1, (self.n_heads, -1)).transpose(-3, -2)  # [..., H, T, D]
        key = self.key(self.slots).unflatten(-1, (self.n_heads, -1)).transpose(0, 1)  # [H, M, D]
        value = self.value(self.slots).unflatten(-1, (self.n_heads, -1)).transpose(0, 1)
        scores = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1]) + self.slot_bias[:, None]
        mixed: Tensor = scores.softmax(dim=-1) @ value
        read: Tensor = self.output(mixed.transpose(-3, -2).flatten(-2))
        return read

    @torch.no_grad()
    def fill(self, clusters: Clusters) -> None:
        """Put centres into the slots, and make the attention that of a mixture of Gaussians around them.

        With s a head's mean variance, a slot's score is -|z - centre|^2 / (2 s), up to what all slots share.
        """
        d_head = self.slots.shape[1] // self.n_heads
        self.slots.copy_(clusters.centres)
        for linear in (self.query, self.key, self.value, self.output):
            nn.init.eye_(linear.weight)
            nn.init.zeros_(linear.bias)
        for head in range(self.n_heads):
            rows = slice(head * d_head, (head + 1) * d_head)
            spread = clusters.variance[rows].mean().clamp(min=1e-6)
            self.query.weight[rows] *= math.sqrt(d_head) / spread
            self.slot_bias[head] = -0.5 * clusters.centres[:, rows].square().sum(dim=1) / spread


def k_means(frames: Tensor, n_centres: int, *, n_rounds: int, generator: torch.Generator) -> Clusters:
    """Lloyd's algorithm, from centres that are frames chosen at random.

    frames: [N, C], at least as many as centres. A centre that loses all its frames begins anew at the frame that lies
    farthest from its own.
    """
    chosen = torch.randperm(len(frames), generator=generator)[:n_centres].to(frames.device)
    centres = frames[chosen].clone()
    for _ in range(n_rounds):
        nearest, distance = _nearest(frames, centres)
        counts = torch.bincount(nearest, minlength=n_centres)
        sums = torch.zeros_like(centres).index_add_(0, nearest, frames)
        empty = counts == 0
        centres = sums / counts.clamp(min=1).unsqueeze(1)
        centres[empty] = frames[distance.topk(int(empty.sum())).indices]
    nearest, _ = _nearest(frames, centres)
    return Clusters(centres, (frames - centres[nearest]).square().mean(dim=0))


def _nearest(frames: Tensor, centres: Tensor, *, rows: int = 16384) -> tuple[Tensor, Tensor]:
    """Of each frame, its nearest centre and the squared distance to it: int64 [N], [N]."""
    lengths = centres.square().sum(dim=1)
    found = []
    for part in frames.split(rows):
        apart = lengths - 2 * part @ centres.T
        least = apart.min(dim=1)
        found.append((least.indices, (least.values + part.square().sum(dim=1)).clamp(min=0)))
    indices, distances = zip(*found, strict=True)
    return torch.cat(indices), torch.cat(distances)


def sampled_frames(
    utterances: Iterable[tuple[int, Callable[[], Tensor]]],
    *,
    n_total: int,
    n_wanted: int,
    generator: np.random.Generator,
) -> Tensor:
    """Frames drawn evenly, none twice, from a stream of utterances, of which one is in memory at a time.

    utterances: of each the number of its frames, and what computes them, [C, T]; it is called only if some are wanted.
    n_total: frames of all together. Returns [N, C], n_wanted of them or, if there are fewer, all.
    """
    n_left, n_wanted = n_total, min(n_wanted, n_total)
    drawn = []
    for n_frames, compute in utterances:
        # As many of these as an even draw from all that are left would take.
        n_here = int(generator.hypergeometric(n_frames, n_left - n_frames, n_wanted))
        n_left, n_wanted = n_left - n_frames, n_wanted - n_here
        if n_here:
            frames = compute()
            chosen = torch.from_numpy(generator.choice(n_frames, n_here, replace=False))
            drawn.append(frames.T[chosen.to(frames.device)].float().cpu())
    return torch.cat(drawn) if drawn else torch.zeros(0, 0)
