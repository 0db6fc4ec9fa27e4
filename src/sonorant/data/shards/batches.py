"""Shards as the batches of a run: each process reads its own, workers decode, any position can be gone on from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from sonorant.audio.io import Samples
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.data.dataset import LoaderConfig, Share
from sonorant.data.features import Pitch, Waveform
from sonorant.data.loading import fitted_pitch, in_order
from sonorant.data.prepare import Framing, Prepared
from sonorant.data.shards.format import Shards
from sonorant.data.shards.packing import Packed
from sonorant.data.shards.sampler import Round, ShardSampler
from sonorant.errors import CorpusError
from sonorant.seeds import seed_of

MIXED = 2
_ALONE = Share()


class ShardedBatches:
    """Batches of the utterances in shards.

    This process reads its own shards, one after another, the next ones while it works through the last; workers only
    decode, so that their number changes nothing but the speed. It holds about 2 * mixed shards, and 20 bytes of each
    utterance in the corpus. Totals are those of the whole batch, for the lengths tell what the other processes have.

    A position is that of UtteranceBatches, and a round. Going on from one reads that round's shards again, no others.
    With another number of processes the rest of the epoch is another.
    """

    def __init__(
        self,
        shards: Shards,
        *,
        framing: Framing,
        batch_s: float,
        batch_items: int | None = None,
        seed: int,
        loader: LoaderConfig,
        share: Share = _ALONE,
        mixed: int = MIXED,
        tracks_pitch: bool = False,
    ) -> None:
        """batch_s, batch_items: of one process. mixed: shards whose utterances are mixed at a time.
        tracks_pitch: whether batches hold the pitch.

        Raises CorpusError when the shards do not suit the framing, or no batch can be made of the utterances.
        """
        shards.check(framing)
        if loader.cache is not None:
            raise CorpusError(
                f"loader.cache is {loader.cache}: shards need no cache, their audio is ready; leave it out"
            )
        self._shards = shards
        self._of_train = shards.listing.of("train")
        self._rate = framing.sample_rate_hz
        self._hop = framing.hop
        self._seed = seed
        self._n_workers = loader.workers
        self._pitch = Pitch(framing.sample_rate_hz, framing.hop) if tracks_pitch else None
        self._share = share
        self._lengths = shards.lengths()
        self.sampler = ShardSampler(
            [shard.utterances for shard in self._of_train],
            self._lengths.n_frames * (framing.hop / framing.sample_rate_hz),
            self._lengths.weights,
            batch_s=batch_s,
            batch_items=batch_items,
            seed=seed,
            mixed=mixed,
            world_size=share.world_size,
        )

    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[Batch], Mapping[str, int]]]:
        """This process's parts of each batch from a position on, and the position after it.

        Raises CorpusError, naming it, for a shard that is missing or damaged: before the first batch of its round.
        """
        load = partial(_load, sample_rate_hz=self._rate, hop=self._hop, parts=parts, pitch=self._pitch)
        yield from in_order(self._planned(position), load, workers=self._n_workers)

    def every(self) -> Iterator[tuple[Prepared, Batch]]:
        """Each utterance of all shards once, shard after shard, with a batch of it alone."""
        for shard in self._of_train:
            for packed in self._shards.read(shard):
                utterance = packed.prepared()
                samples = packed.samples(sample_rate_hz=self._rate, n_samples=utterance.n_samples)
                yield utterance, self._alone(utterance, samples)

    def example(self, utterance: Prepared) -> Batch:
        """A batch of one utterance that is a file, to be looked at; its noise is always the same."""
        return self._alone(utterance, Waveform(self._rate)(utterance.recording))

    def _alone(self, utterance: Prepared, samples: Samples) -> Batch:
        example = _example(utterance, samples, seed=seed_of(self._seed), pitch=self._pitch)
        totals = Totals(items=1, tokens=len(utterance.tokens), frames=utterance.n_samples / self._hop)
        return collate([example], hop=self._hop, totals=totals)

    def _planned(self, position: Mapping[str, int] | None) -> Iterator[_Planned]:
        first = position["batch"] if position else 0
        for round_, packed in self._read_ahead(position):
            for index in range(first, len(round_.steps)):
                rows = round_.steps[index][self._share.rank]
                name = (self._seed, round_.epoch, round_.number, index, self._share.rank)
                yield _Planned(
                    utterances=tuple(packed[row] for row in rows),
                    n_frames=tuple(self._lengths.n_frames[list(rows)].tolist()),
                    n_tokens=tuple(self._lengths.n_tokens[list(rows)].tolist()),
                    seeds=tuple(seed_of(*name, item) for item in range(len(rows))),
                    totals=self._totals(round_.steps[index]),
                    position=round_.after(index),
                )
            first = 0

    def _totals(self, step: tuple[tuple[int, ...], ...]) -> Totals:
        rows, world = [row for batch in step for row in batch], self._share.world_size
        return Totals(
            items=len(rows) / world,
            tokens=int(self._lengths.n_tokens[rows].sum(dtype=np.int64)) / world,
            frames=int(self._lengths.n_frames[rows].sum(dtype=np.int64)) / world,
        )

    def _read_ahead(self, position: Mapping[str, int] | None) -> Iterator[tuple[Round, Mapping[int, Packed]]]:
        """Rounds with this process's utterances by row; the next round is read meanwhile."""
        pool = ThreadPoolExecutor(max_workers=1)
        waiting: tuple[Round, list[Future[dict[int, Packed]]]] | None = None
        try:
            for round_ in self.sampler.start(position):
                coming = round_, [pool.submit(self._read, *wanted) for wanted in self._wanted(round_).items()]
                if waiting is not None:
                    yield waiting[0], {row: it for read in waiting[1] for row, it in read.result().items()}
                waiting = coming
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _wanted(self, round_: Round) -> dict[int, list[int]]:
        """This process's rows of a round, by their shard."""
        wanted: dict[int, list[int]] = {}
        for row in sorted({row for step in round_.steps for row in step[self._share.rank]}):
            wanted.setdefault(self.sampler.shard_of(row)[0], []).append(row)
        return wanted

    def _read(self, shard: int, rows: Sequence[int]) -> dict[int, Packed]:
        packed = self._shards.read(self._of_train[shard])
        return {row: packed[self.sampler.shard_of(row)[1]] for row in rows}


@dataclass(frozen=True)
class _Planned:
    """A batch of this process, before it is decoded."""

    utterances: tuple[Packed, ...]
    n_frames: tuple[int, ...]
    n_tokens: tuple[int, ...]
    seeds: tuple[int, ...]
    totals: Totals
    position: Mapping[str, int]


def _load(
    plan: _Planned, *, sample_rate_hz: int, hop: int, parts: int, pitch: Pitch | None
) -> tuple[Sequence[Batch], Mapping[str, int]]:
    examples = []
    for packed, n_frames, n_tokens, seed in zip(plan.utterances, plan.n_frames, plan.n_tokens, plan.seeds, strict=True):
        utterance = packed.prepared()
        if (utterance.n_samples, len(utterance.tokens)) != (n_frames * hop, n_tokens):
            raise CorpusError(
                f"{packed.place}: has not the lengths that batches were planned by; make the shards again"
            )
        samples = packed.samples(sample_rate_hz=sample_rate_hz, n_samples=utterance.n_samples)
        examples.append(_example(utterance, samples, seed=seed, pitch=pitch))
    n_parts = min(parts, len(examples))
    return [collate(examples[part::n_parts], hop=hop, totals=plan.totals) for part in range(n_parts)], plan.position


def _example(utterance: Prepared, samples: Samples, *, seed: int, pitch: Pitch | None) -> Example:
    return Example(
        id=utterance.id,
        tokens=torch.tensor(utterance.tokens),
        samples=torch.from_numpy(samples),
        speaker=utterance.speaker,
        language=utterance.language,
        seed=seed,
        pitch=None if pitch is None else fitted_pitch(utterance, pitch.of(samples), pitch.hop),
    )
