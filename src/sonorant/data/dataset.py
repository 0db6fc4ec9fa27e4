"""Prepared utterances as the batches of a run: loaded by workers, shared by processes, exact from any position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from sonorant.bounds import check_above_zero, check_at_least
from sonorant.config import config
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.data.features import Cached, Feature, Pitch, Waveform
from sonorant.data.loading import fitted, fitted_pitch, in_order
from sonorant.data.prepare import Prepared
from sonorant.data.sampler import BatchPlan, BatchSampler
from sonorant.data.selection import Selection
from sonorant.seeds import seed_of


@config
class DataConfig:
    """What a run is trained on, and how it is put into batches."""

    manifest: Path | None = None
    shards: str | None = None
    """A folder or an address of shards, instead of a manifest; they were selected when they were made."""
    selection: Selection = Selection()
    batch_s: float = 240.0
    """Seconds of audio in a batch of one process, padding included."""
    batch_items: int | None = None
    """Utterances in it at most: each costs a decoded slice, however short it is."""
    parts: int = 1
    """A batch is computed in so many parts, one after another: less memory, the same gradient."""

    def __post_init__(self) -> None:
        if (self.manifest is None) == (self.shards is None):
            raise ValueError("give either manifest or shards")
        if self.shards is not None and self.selection != Selection():
            raise ValueError("selection is set, but shards were selected when they were made: leave it out")
        check_above_zero(self, "batch_s")
        check_at_least(1, self, "parts", "batch_items")


@config
class LoaderConfig:
    """How utterances are brought to the model. It changes nothing but the speed."""

    workers: int = 2
    cache: Path | None = None
    """Where decoded audio and pitch are kept; None makes them each time."""
    caches: tuple[Literal["waveform", "pitch"], ...] = ("waveform", "pitch")
    """What of that is kept there: audio takes four bytes a sample, pitch next to nothing, but takes longer to find."""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers is {self.workers}: it must not be below 0")
        if self.cache is None and self.caches != LoaderConfig.caches:
            raise ValueError("caches is set, but no cache to keep anything in: let cache name a folder")


@dataclass(frozen=True)
class Share:
    """One process among those that share each batch."""

    rank: int = 0
    world_size: int = 1


class UtteranceBatches:
    """Batches of prepared utterances. Plain data and files only, so that workers can hold it."""

    def __init__(
        self,
        utterances: Sequence[Prepared],
        *,
        sample_rate_hz: int,
        hop: int,
        batch_s: float,
        batch_items: int | None = None,
        seed: int,
        loader: LoaderConfig,
        share: Share = Share(),
        tracks_pitch: bool = False,
    ) -> None:
        """batch_s, batch_items: of one process. tracks_pitch: whether batches hold it.

        Raises CorpusError when no batch can be made of the utterances.
        """
        self._utterances = tuple(utterances)
        self._rate = sample_rate_hz
        self._hop = hop
        self._seed = seed
        self._loader = loader
        self._share = share

        def kept(feature: Feature) -> Feature:
            return (
                Cached(feature, loader.cache) if loader.cache is not None and feature.name in loader.caches else feature
            )

        self._waveform = kept(Waveform(sample_rate_hz))
        self._pitch = kept(Pitch(sample_rate_hz, hop)) if tracks_pitch else None
        self.sampler = BatchSampler(
            [utterance.n_samples / sample_rate_hz for utterance in utterances],
            batch_s=batch_s * share.world_size,
            batch_items=None if batch_items is None else batch_items * share.world_size,
            seed=seed,
            weights=[utterance.weight for utterance in utterances],
            at_least=share.world_size,
        )

    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[Batch], Mapping[str, int]]]:
        """This process's parts of each batch from a position on, and the position after it."""
        plans = self.sampler.start(position)
        yield from in_order(plans, partial(self.load, parts=parts), workers=self._loader.workers)

    def load(self, plan: BatchPlan, parts: int) -> tuple[Sequence[Batch], Mapping[str, int]]:
        """Load this process's share of a planned batch."""
        whole = [self._utterances[row] for row in plan.rows]
        world = self._share.world_size
        totals = Totals(
            items=len(whole) / world,
            tokens=sum(len(utterance.tokens) for utterance in whole) / world,
            frames=sum(utterance.n_samples for utterance in whole) / self._hop / world,
        )
        # Every so many-th of the rows, which are sorted by length: all shares take about as long.
        own = list(enumerate(whole))[self._share.rank :: world]
        n_parts = min(parts, len(own))
        batches = []
        for part in range(n_parts):
            examples = [self._example(utterance, plan.seed, index) for index, utterance in own[part::n_parts]]
            batches.append(collate(examples, hop=self._hop, totals=totals))
        return batches, plan.position

    def every(self) -> Iterator[tuple[Prepared, Batch]]:
        """Each utterance once, in order, with a batch of it alone."""
        examples = in_order(iter(self._utterances), self.example, workers=self._loader.workers)
        yield from zip(self._utterances, examples, strict=True)

    def example(self, utterance: Prepared) -> Batch:
        """A batch of one utterance, to be looked at; its noise is always the same."""
        example = self._example(utterance, (0, 0), 0)
        totals = Totals(items=1, tokens=len(utterance.tokens), frames=utterance.n_samples / self._hop)
        return collate([example], hop=self._hop, totals=totals)

    def _example(self, utterance: Prepared, batch: tuple[int, int], index: int) -> Example:
        samples = fitted(utterance, self._waveform(utterance.recording), hop=self._hop)
        return Example(
            id=utterance.id,
            tokens=torch.tensor(utterance.tokens),
            samples=torch.from_numpy(samples),
            speaker=utterance.speaker,
            language=utterance.language,
            seed=seed_of(self._seed, *batch, index),
            pitch=None if self._pitch is None else fitted_pitch(utterance, self._pitch(utterance.recording), self._hop),
        )
