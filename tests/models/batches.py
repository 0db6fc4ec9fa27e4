"""What systems are given in tests: batches, an alignment, and noise that was drawn before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sonorant.data.batch import Batch, Example, Totals, collate
from tests.nn.random_weights import normal

N_SYMBOLS = 30


def examples(n: int = 4, *, hop: int, first_frames: int = 20, n_languages: int = 1) -> list[Example]:
    """Utterances of noise, each with 7 frames more than the one before it."""
    return [
        Example(
            id=f"u{index}",
            tokens=torch.arange(1 + index, 8 + 2 * index) % N_SYMBOLS,
            samples=0.1 * normal((first_frames + 7 * index) * hop, seed=index),
            speaker=index % 3,
            language=index % n_languages,
            seed=100 + index,
        )
        for index in range(n)
    ]


def pitched(items: Sequence[Example], *, hop: int) -> list[Example]:
    """The same with a pitch that comes and goes."""
    of = [torch.arange(len(item.samples) // hop) for item in items]
    curves = [torch.where(frame % 11 < 8, 150 + 30 * torch.sin(frame / 5.0), 0.0) for frame in of]
    return [replace(item, pitch=pitch) for item, pitch in zip(items, curves, strict=True)]


def totals(items: Sequence[Example], *, hop: int) -> Totals:
    return Totals(len(items), sum(len(item.tokens) for item in items), sum(len(item.samples) // hop for item in items))


def whole(items: Sequence[Example], *, hop: int) -> Batch:
    """All of them in one batch."""
    return collate(items, hop=hop, totals=totals(items, hop=hop))


def split(items: Sequence[Example], *, hop: int) -> list[Batch]:
    """All of them in two parts of one batch."""
    return [collate(items[start::2], hop=hop, totals=totals(items, hop=hop)) for start in (0, 1)]


def padded(batch: Batch, *, hop: int) -> Batch:
    """The same with 20 frames and 5 tokens of padding more."""
    return replace(
        batch,
        samples=F.pad(batch.samples, (0, 20 * hop)),
        tokens=F.pad(batch.tokens, (0, 5)),
        pitch=None if batch.pitch is None else F.pad(batch.pitch, (0, 20)),
    )


def share_evenly(value: Tensor, mask: Tensor) -> Tensor:
    """An alignment: each token gets its share of the frames."""
    tokens, frames = mask.amax(2).sum(1).long(), mask.amax(1).sum(1).long()
    durations = torch.zeros(mask.shape[:2], dtype=torch.long)
    for i, (n_tokens, n_frames) in enumerate(zip(tokens.tolist(), frames.tolist(), strict=True)):
        ends = torch.arange(1, n_tokens + 1) * n_frames // n_tokens
        durations[i, :n_tokens] = ends.diff(prepend=torch.zeros(1, dtype=torch.long))
    return durations


def recorded(*draws: Tensor) -> Callable[[tuple[int, ...]], Tensor]:
    """Noise drawn before, cut to the shape asked for."""
    left = iter(draws)

    def noise(shape: tuple[int, ...]) -> Tensor:
        draw = next(left)[tuple(slice(n) for n in shape)]
        assert draw.shape == shape
        return draw

    return noise
