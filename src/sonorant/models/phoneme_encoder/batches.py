"""Batches of masked sentences of like lengths, without end, the same from the same position on.

B batch, L tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonorant.data.dataset import Share
from sonorant.data.loading import in_order
from sonorant.data.sampler import BatchPlan, BatchSampler
from sonorant.models.phoneme_encoder.masking import Masked, Masking
from sonorant.nn.mask import length_mask
from sonorant.seeds import seed_of

NOTHING_ASKED = -1
_ALONE = Share()


@dataclass(frozen=True)
class MaskedPart:
    """Some masked sentences, padded with zeros to the longest, nothing asked there."""

    ids: tuple[str, ...]
    tokens: Tensor  # int64 [B, L]
    sup_phonemes: Tensor  # int64 [B, L]
    is_hidden: Tensor  # bool [B, L]
    targets: Tensor  # int64 [B, L]
    sup_targets: Tensor  # int64 [B, L]
    lengths: Tensor  # int64 [B]
    languages: Tensor  # int64 [B]
    n_asked: float
    """Phonemes asked for in the whole batch, for each process: its sum over processes is the batch's."""

    def to(self, device: torch.device) -> MaskedPart:
        """The same part on a device."""
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in self.tensors().items()}
        return replace(self, **moved)  # type: ignore[arg-type]

    def tensors(self) -> Mapping[str, Tensor]:
        """The tensors by name."""
        named = ((part.name, getattr(self, part.name)) for part in fields(self))
        return {name: value for name, value in named if isinstance(value, Tensor)}

    def pin_memory(self) -> MaskedPart:
        """The same part in memory that a GPU reads without a copy; called by the data loader."""
        pinned = {name: tensor.pin_memory() for name, tensor in self.tensors().items()}
        return replace(self, **pinned)  # type: ignore[arg-type]

    @property
    def mask(self) -> Tensor:
        """[B, 1, L]."""
        return length_mask(self.lengths, self.tokens.shape[1])


def collate(sentences: Sequence[Masked], *, ids: Sequence[str], n_asked: float) -> MaskedPart:
    """Pad sentences to a part of a batch. n_asked: of the whole batch."""
    lengths = [len(sentence.tokens) for sentence in sentences]

    def padded(name: str, filler: int | bool) -> Tensor:
        rows: list[NDArray[np.generic]] = [getattr(sentence, name) for sentence in sentences]
        whole = np.full((len(rows), max(lengths)), filler, dtype=rows[0].dtype)
        for index, row in enumerate(rows):
            whole[index, : len(row)] = row
        return torch.from_numpy(whole)

    return MaskedPart(
        ids=tuple(ids),
        tokens=padded("tokens", 0),
        sup_phonemes=padded("sup_phonemes", 0),
        is_hidden=padded("is_hidden", False),
        targets=padded("targets", NOTHING_ASKED),
        sup_targets=padded("sup_targets", NOTHING_ASKED),
        lengths=torch.tensor(lengths),
        languages=torch.tensor([sentence.language for sentence in sentences]),
        n_asked=n_asked,
    )


class MaskedBatches:
    """Batches of some sentences. Plain data only, so that workers can hold it."""

    def __init__(
        self,
        masking: Masking,
        rows: Sequence[int],
        lengths: Sequence[int],
        *,
        batch_tokens: int,
        seed: int,
        workers: int = 0,
        share: Share = _ALONE,
    ) -> None:
        """rows: of the sentences; lengths: of each of them. batch_tokens: of one process; no sentence is longer."""
        self._masking = masking
        self._rows = tuple(rows)
        self._seed = seed
        self._workers = workers
        self._share = share
        self._sampler = BatchSampler(
            lengths, batch_s=batch_tokens * share.world_size, seed=seed, at_least=share.world_size
        )

    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[MaskedPart], Mapping[str, int]]]:
        """This process's parts of each batch from a position on, and the position after it."""
        yield from in_order(self._sampler.start(position), partial(self._load, parts=parts), workers=self._workers)

    def _load(self, plan: BatchPlan, parts: int) -> tuple[Sequence[MaskedPart], Mapping[str, int]]:
        rows = [self._rows[index] for index in plan.rows]
        # All processes mask the whole batch: what is asked for in it is known only then.
        masked = [self._masking(row, seed_of(self._seed, *plan.seed, index)) for index, row in enumerate(rows)]
        n_asked = max(sum(sentence.n_asked for sentence in masked), 1) / self._share.world_size
        own = list(zip(rows, masked, strict=True))[self._share.rank :: self._share.world_size]
        n_parts = min(parts, len(own))
        loaded = []
        for part in range(n_parts):
            some = own[part::n_parts]
            ids = [f"sentence {row}" for row, _ in some]
            loaded.append(collate([sentence for _, sentence in some], ids=ids, n_asked=n_asked))
        return loaded, plan.position
