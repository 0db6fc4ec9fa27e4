"""Which utterances of which shards make which batch: read in turn, mixed, and shared by processes without a remainder.

An epoch goes through the shards in an order of its own, in rounds. In a round each of R processes takes as many shards
as it mixes at a time; it makes batches of their utterances alone. As the lengths of all utterances are known, every
process plans the whole round, its own part and those of the others:

- All processes have equally many batches, for they step together. Who would have fewer makes smaller ones.
- The shards of an epoch's last round, too few to be dealt out whole, are laid end to end and cut into R equal parts: no
  utterance is left out, and still nobody reads more than in a full round, but for the shards that are cut.
- In a step all processes have like lengths, so that none waits long for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sonorant.data.sampler import BatchSampler
from sonorant.errors import CorpusError

_Batches = list[tuple[int, ...]]


@dataclass(frozen=True)
class Round:
    """The steps between one reading of shards and the next.

    steps: for each step, each process's batch: rows of the corpus, longest first.
    """

    epoch: int
    number: int
    is_last: bool
    """Of its epoch."""
    steps: tuple[tuple[tuple[int, ...], ...], ...]

    def after(self, step: int) -> Mapping[str, int]:
        """The position after a step."""
        if step + 1 < len(self.steps):
            return {"epoch": self.epoch, "round": self.number, "batch": step + 1}
        if self.is_last:
            return {"epoch": self.epoch + 1, "round": 0, "batch": 0}
        return {"epoch": self.epoch, "round": self.number + 1, "batch": 0}


class ShardSampler:
    """Rounds without end, the same from the same position on, whichever process asks.

    Every utterance of weight 1 occurs once an epoch, in one batch of one process; other weights are as BatchSampler
    has them. Only where a round holds fewer utterances than its processes need, some occur in it twice.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seconds: NDArray[np.floating],
        weights: NDArray[np.floating],
        *,
        batch_s: float,
        batch_items: int | None = None,
        seed: int,
        mixed: int,
        world_size: int = 1,
    ) -> None:
        """sizes: utterances in each shard. seconds, weights: of each utterance, [U]. batch_s, batch_items: the most
        that a batch of one process holds. mixed: shards whose utterances a process mixes.

        Raises CorpusError when there is no shard, or an utterance alone is longer than the budget.
        """
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._seconds = seconds
        self._weights = weights
        self._batch_s = batch_s
        self._batch_items = batch_items
        self._seed = seed
        self._per_round = mixed * world_size
        self._world_size = world_size
        longest = float(seconds.max(initial=0.0))
        if not len(sizes):
            raise CorpusError("there is no shard to train on")
        if longest > batch_s:
            raise CorpusError(
                f"the longest utterance takes {longest:.1f} s, but a batch holds {batch_s:g} s: raise data.batch_s, or "
                "make the shards without it"
            )

    def start(self, position: Mapping[str, int] | None) -> Iterator[Round]:
        """Rounds from the position's on; None is the beginning."""
        epoch, number = (position["epoch"], position["round"]) if position else (0, 0)
        while True:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._starts) - 1)
            rounds = [order[at : at + self._per_round] for at in range(0, len(order), self._per_round)]
            for index in range(number, len(rounds)):
                steps = self._steps(rounds[index], epoch, index)
                yield Round(epoch=epoch, number=index, is_last=index == len(rounds) - 1, steps=steps)
            epoch, number = epoch + 1, 0

    def shard_of(self, row: int) -> tuple[int, int]:
        """The shard that holds a row, and the row's place in it."""
        shard = int(np.searchsorted(self._starts, row, side="right")) - 1
        return shard, row - int(self._starts[shard])

    def _steps(self, shards: NDArray[np.int64], epoch: int, number: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
        rng = np.random.default_rng((self._seed, epoch, number))
        shares = [self._batches(rows, int(rng.integers(2**62))) for rows in self._shares(shards)]
        n_steps = max(map(len, shares))
        # By length, so that a step's batches are alike; then the steps in an order of chance.
        ordered = [sorted(_divided(share, n_steps), key=self._longest, reverse=True) for share in shares]
        steps = list(zip(*ordered, strict=True))
        return tuple(steps[index] for index in rng.permutation(n_steps))

    def _shares(self, shards: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The rows of a round for each process: equal parts of its shards, laid end to end."""
        first, after = self._starts[shards], self._starts[shards + 1]
        rows = np.concatenate([np.arange(*ends) for ends in zip(first, after, strict=True)])
        offsets = np.concatenate([[0], np.cumsum(after - first)])
        cuts = []
        for process in range(self._world_size + 1):
            whole, rest = divmod(process * len(shards), self._world_size)
            within = rest * (after[whole] - first[whole]) // self._world_size if rest else 0
            cuts.append(int(offsets[whole] + within))
        return [rows[start:end] if start < end else rows[:1] for start, end in pairwise(cuts)]

    def _batches(self, rows: NDArray[np.int64], seed: int) -> _Batches:
        sampler = BatchSampler(
            self._seconds[rows].tolist(),
            batch_s=self._batch_s,
            batch_items=self._batch_items,
            seed=seed,
            weights=self._weights[rows].tolist(),
        )
        return [tuple(rows[list(batch)].tolist()) for batch in sampler.epoch(0)]  # the seed is the epoch's own

    def _longest(self, batch: tuple[int, ...]) -> float:
        return float(self._seconds[batch[0]])


def _divided(batches: _Batches, n: int) -> _Batches:
    """The same utterances in n batches, no fewer than there are: the fullest ones are halved."""
    divided = list(batches)
    while len(divided) < n:
        fullest = max(range(len(divided)), key=lambda index: len(divided[index]))
        batch = divided[fullest]
        if len(batch) == 1:  # too few utterances: they come again, in turn
            divided.append(divided[len(divided) - len(batches)])
            continue
        half = len(batch) // 2
        divided[fullest : fullest + 1] = [batch[:half], batch[half:]]
    return divided
