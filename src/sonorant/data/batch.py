"""The batch contract. The only place where padding is made.

B items of a part, L tokens, N samples, T frames. A step's batch is shared by processes and, where memory is short,
computed in parts; `totals` are those of the whole batch, so that losses divided by them add up to the batch's loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


@dataclass(frozen=True)
class Totals:
    """What the whole batch holds, for each process: its sum over processes is the batch's."""

    items: float
    tokens: float
    frames: float


@dataclass(frozen=True)
class Example:
    """One utterance, ready for a model."""

    id: str
    tokens: Tensor  # int64 [L]
    samples: Tensor  # float32 [N], N = T * hop
    speaker: int
    language: int
    seed: int
    """Decides the noise it is given in this step."""
    pitch: Tensor | None = None  # float32 [T], in Hz, 0 where there is no voice; None where nobody asked for it


@dataclass(frozen=True)
class Batch:
    """Some utterances, padded with zeros to the longest."""

    ids: tuple[str, ...]
    tokens: Tensor  # int64 [B, L]
    token_lengths: Tensor  # int64 [B]
    samples: Tensor  # float32 [B, N]
    frame_lengths: Tensor  # int64 [B]
    speakers: Tensor  # int64 [B]
    languages: Tensor  # int64 [B]
    seeds: tuple[int, ...]
    n_tokens: tuple[int, ...]  # token_lengths and frame_lengths again, without a wait for the device
    n_frames: tuple[int, ...]
    totals: Totals
    pitch: Tensor | None = None  # float32 [B, T]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in self.tensors().items()}
        return replace(self, **moved)  # type: ignore[arg-type]

    def tensors(self) -> Mapping[str, Tensor]:
        """The tensors by name."""
        named = ((part.name, getattr(self, part.name)) for part in fields(self))
        return {name: value for name, value in named if isinstance(value, Tensor)}

    def pin_memory(self) -> Batch:
        """The same batch in memory that a GPU reads without a copy; called by the data loader."""
        pinned = {name: tensor.pin_memory() for name, tensor in self.tensors().items()}
        return replace(self, **pinned)  # type: ignore[arg-type]


def collate(examples: Sequence[Example], *, hop: int, totals: Totals) -> Batch:
    """Pad examples to a batch."""
    n_tokens = tuple(len(example.tokens) for example in examples)
    n_frames = tuple(len(example.samples) // hop for example in examples)
    tokens = torch.zeros(len(examples), max(n_tokens), dtype=torch.int64)
    samples = torch.zeros(len(examples), max(n_frames) * hop)
    for index, example in enumerate(examples):
        tokens[index, : n_tokens[index]] = example.tokens
        samples[index, : n_frames[index] * hop] = example.samples[: n_frames[index] * hop]
    tracks = [example.pitch for example in examples if example.pitch is not None]
    assert len(tracks) in (0, len(examples)), "of some examples the pitch is known, of others it is not"
    return Batch(
        ids=tuple(example.id for example in examples),
        tokens=tokens,
        token_lengths=torch.tensor(n_tokens),
        samples=samples,
        frame_lengths=torch.tensor(n_frames),
        speakers=torch.tensor([example.speaker for example in examples]),
        languages=torch.tensor([example.language for example in examples]),
        seeds=tuple(example.seed for example in examples),
        n_tokens=n_tokens,
        n_frames=n_frames,
        totals=totals,
        pitch=pad_sequence(tracks, batch_first=True) if tracks else None,
    )
