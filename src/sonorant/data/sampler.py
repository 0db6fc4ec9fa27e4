"""Which utterances make which batch: by seconds of audio, of like lengths, in an order that only the seed decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sonorant.errors import CorpusError

# Utterances whose lengths lie within a bucket are padded to the longest of their batch: at most by this factor.
_BUCKET_RATIO = 1.25


@dataclass(frozen=True)
class BatchPlan:
    """A batch before it is loaded. rows: into the corpus, longest first; position: where the next batch begins."""

    rows: tuple[int, ...]
    position: Mapping[str, int]
    seed: tuple[int, int]
    """(epoch, batch): names the batch."""


def check_longest(seconds: float, batch_s: float) -> None:
    """Raise CorpusError when an utterance so long does not fit a batch's budget."""
    if seconds > batch_s:
        raise CorpusError(
            f"the longest utterance takes {seconds:.1f} s, but a batch holds {batch_s:g} s: raise data.batch_s, or "
            "lower data.selection.max_duration_s"
        )


class BatchSampler:
    """Batches without end, the same from the same position on, whoever asks.

    Every utterance of weight 1 occurs once an epoch; one of weight 0.5 in every other epoch on average, one of weight 2
    twice in each. A batch holds as many utterances of like length as its budget allows, padding included.
    """

    def __init__(
        self,
        seconds: Sequence[float],
        *,
        batch_s: float,
        batch_items: int | None = None,
        seed: int,
        weights: Sequence[float] | None = None,
        at_least: int = 1,
    ) -> None:
        """seconds: of each utterance. batch_s: the budget. batch_items: utterances that a batch may
        hold at most. at_least: utterances in a batch, for so many processes.

        Raises CorpusError when an utterance alone is longer than the budget, or no utterance has a weight.
        """
        self._seconds = np.asarray(seconds, dtype=np.float64)
        self._weights = np.ones(len(seconds)) if weights is None else np.asarray(weights, dtype=np.float64)
        self._batch_s = batch_s
        self._batch_items = len(seconds) if batch_items is None else max(batch_items, at_least)
        self._seed = seed
        self._at_least = at_least
        check_longest(self._seconds.max(initial=0.0), batch_s)
        if not self._weights.sum() > 0:
            raise CorpusError("no utterance has a weight above 0, so there is nothing to train on")

    def epoch(self, number: int) -> list[tuple[int, ...]]:
        """The batches of an epoch, each of rows with the longest first."""
        rng = np.random.default_rng((self._seed, number))
        rows = self._drawn(rng)
        # Within a bucket in drawn order, the buckets by length: neighbours have like lengths, yet vary by epoch.
        bucket = np.floor(np.log(self._seconds[rows]) / math.log(_BUCKET_RATIO))
        rows = rows[np.argsort(bucket, kind="stable")]
        batches: list[tuple[int, ...]] = []
        held: list[int] = []
        longest = 0.0
        for row in rows.tolist():
            longer = max(longest, float(self._seconds[row]))
            is_full = longer * (len(held) + 1) > self._batch_s or len(held) == self._batch_items
            if is_full and len(held) >= self._at_least:
                batches.append(self._ordered(held))
                held, longer = [], float(self._seconds[row])
            held.append(row)
            longest = longer
        if held:
            # Too few for the processes: filled up from the epoch's own rows.
            held += np.resize(rows, max(self._at_least - len(held), 0)).tolist()
            batches.append(self._ordered(held))
        order = rng.permutation(len(batches))
        return [batches[index] for index in order]

    def start(self, position: Mapping[str, int] | None) -> Iterator[BatchPlan]:
        """Plans from a position on; None is the beginning."""
        epoch, first = (position["epoch"], position["batch"]) if position else (0, 0)
        while True:
            batches = self.epoch(epoch)
            for index in range(first, len(batches)):
                is_last = index == len(batches) - 1
                after = {"epoch": epoch + 1, "batch": 0} if is_last else {"epoch": epoch, "batch": index + 1}
                yield BatchPlan(rows=batches[index], position=after, seed=(epoch, index))
            epoch, first = epoch + 1, 0

    def _drawn(self, rng: np.random.Generator) -> np.ndarray:
        """The epoch's rows in random order: each as often as its weight says, a fraction by chance."""
        whole = np.floor(self._weights)
        times = (whole + (rng.random(len(self._weights)) < self._weights - whole)).astype(np.int64)
        if not times.any():
            times[int(self._weights.argmax())] = 1
        return rng.permutation(np.repeat(np.arange(len(times)), times))

    def _ordered(self, rows: list[int]) -> tuple[int, ...]:
        return tuple(sorted(rows, key=lambda row: (-self._seconds[row], row)))
