"""Batches from shards: all of an epoch once over its processes, the same however they are loaded and wherever begun."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sonorant.data.batch import Batch
from sonorant.data.dataset import LoaderConfig, Share, UtteranceBatches
from sonorant.data.prepare import Framing, read_corpus
from sonorant.data.shards.batches import ShardedBatches
from sonorant.data.shards.fetching import fetch
from sonorant.data.shards.format import SHARDS, Shard, Shards
from sonorant.data.shards.packing import Packed
from sonorant.data.shards.writing import write_shards
from sonorant.errors import CorpusError
from tests.data.prepared_tones import HOP, RATE_HZ, write_prepared

N = 30
FRAMES = [20 + 7 * index % 31 for index in range(N)]

ALONE = Share()
FRAMING = Framing(sample_rate_hz=RATE_HZ, hop=HOP, min_frames=20)

Step = tuple[Sequence[Batch], Mapping[str, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 30 utterances in train and 3 in validation; 7 shards of train."""
    folder = tmp_path_factory.mktemp("corpus")
    write_prepared(folder / "prepare", FRAMES + [40] * 3, split=["train"] * N + ["validation"] * 3)
    write_shards(folder / "prepare", folder / "out", sample_rate_hz=RATE_HZ, hop=HOP, shard_s=1.5)
    assert len(Shards.open(folder / "out").listing.of("train")) == 7
    return folder


def batches_of(
    made: Path,
    *,
    share: Share = ALONE,
    workers: int = 0,
    batch_s: float = 1.5,
    mixed: int = 2,
    seed: int = 7,
    tracks_pitch: bool = False,
) -> ShardedBatches:
    return ShardedBatches(
        Shards.open(made / "out"),
        framing=FRAMING,
        batch_s=batch_s,
        seed=seed,
        loader=LoaderConfig(workers=workers),
        share=share,
        mixed=mixed,
        tracks_pitch=tracks_pitch,
    )


def epoch(steps: Iterator[Step], number: int = 0) -> list[Step]:
    """The steps of the epoch that the iterator is in."""
    found = []
    for parts, position in steps:
        found.append((parts, position))
        if position["epoch"] > number:
            return found
    raise AssertionError("batches never end")


def ids(steps: Sequence[Step]) -> list[str]:
    return [id_ for parts, _ in steps for part in parts for id_ in part.ids]


def same(first: Step, second: Step) -> bool:
    if first[1] != second[1] or len(first[0]) != len(second[0]):
        return False
    return all(
        (a.ids, a.seeds, a.totals) == (b.ids, b.seeds, b.totals)
        and all(torch.equal(tensor, b.tensors()[name]) for name, tensor in a.tensors().items())
        for a, b in zip(first[0], second[0], strict=True)
    )


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_an_epoch_holds_every_utterance_once_over_all_processes(made: Path, world_size: int) -> None:
    shares = [epoch(batches_of(made, share=Share(rank, world_size)).start(None, 1)) for rank in range(world_size)]
    assert Counter(id_ for steps in shares for id_ in ids(steps)) == Counter(f"anna.{index}" for index in range(N))
    assert len({len(steps) for steps in shares}) == 1
    for at_once in zip(*shares, strict=True):
        assert len({tuple(position.items()) for _, position in at_once}) == 1


def test_totals_are_those_of_the_whole_batch(made: Path) -> None:
    shares = [epoch(batches_of(made, share=Share(rank, 2)).start(None, 2)) for rank in range(2)]
    for at_once in zip(*shares, strict=True):
        parts = [part for own, _ in at_once for part in own]
        assert len({part.totals for part in parts}) == 1
        totals = parts[0].totals
        assert 2 * totals.items == sum(len(part.ids) for part in parts)
        assert 2 * totals.tokens == sum(sum(part.n_tokens) for part in parts)
        assert 2 * totals.frames == sum(sum(part.n_frames) for part in parts)
        seeds = [seed for part in parts for seed in part.seeds]
        assert len(set(seeds)) == len(seeds)


def test_two_workers_load_the_same_batches_as_none(made: Path) -> None:
    with_none = list(islice(batches_of(made, workers=0).start(None, 1), 8))
    with_two = batches_of(made, workers=2).start(None, 1)
    assert all(same(*pair) for pair in zip(with_none, with_two, strict=False))


def test_going_on_from_any_position_gives_the_same_batches(made: Path) -> None:
    batches = batches_of(made, share=Share(1, 2), mixed=1)
    straight = list(islice(batches.start(None, 1), 20))
    assert straight[-1][1]["epoch"] > 0
    assert {position["round"] for _, position in straight} > {0, 1}
    for index in (0, 1, 4, 9, 15):
        again = islice(batches.start(straight[index][1], 1), 19 - index)
        assert all(same(*pair) for pair in zip(straight[index + 1 :], again, strict=True))


def test_going_on_reads_no_shards_of_the_past(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = epoch(batches_of(made, mixed=1).start(None, 1))
    position = next(position for _, position in straight if position["round"] == 5)
    batches = batches_of(made, mixed=1)
    read: list[str] = []
    real = Shards.read

    def noted(self: Shards, shard: Shard) -> tuple[Packed, ...]:
        if self is batches._shards:  # others may still be reading ahead
            read.append(shard.name)
        return real(self, shard)

    monkeypatch.setattr(Shards, "read", noted)
    epoch(batches.start(position, 1))
    assert 2 <= len(set(read)) <= 3  # rounds 5 and 6, and the next epoch's first, ahead


def test_epochs_and_seeds_differ(made: Path) -> None:
    steps = batches_of(made).start(None, 1)
    first, second = ids(epoch(steps)), ids(epoch(steps, 1))
    assert first != second
    assert sorted(first) == sorted(second)
    assert first != ids(epoch(batches_of(made, seed=8).start(None, 1)))


def test_utterances_are_what_the_recordings_give(made: Path) -> None:
    corpus = read_corpus(made / "prepare")
    unsharded = UtteranceBatches(
        corpus.of("train"), sample_rate_hz=RATE_HZ, hop=HOP, batch_s=2, seed=0, loader=LoaderConfig(workers=0)
    )
    expected = {row.id: unsharded.example(row) for row in corpus.of("train")}
    for parts, _ in epoch(batches_of(made).start(None, 1)):
        for part in parts:
            for index, id_ in enumerate(part.ids):
                one = expected[id_]
                assert torch.equal(part.samples[index, : one.samples.shape[1]], one.samples[0])
                assert torch.equal(part.tokens[index, : one.tokens.shape[1]], one.tokens[0])
                assert (part.speakers[index], part.languages[index]) == (one.speakers[0], one.languages[0])


@pytest.mark.parametrize("caches", [("waveform", "pitch"), ("pitch",)], ids=["all kept", "pitch kept"])
def test_the_pitch_of_frames_comes_along_if_asked_for(made: Path, tmp_path: Path, caches: tuple[Any, ...]) -> None:
    corpus = read_corpus(made / "prepare")
    loader = LoaderConfig(workers=0, cache=tmp_path / "cache", caches=caches)
    unsharded = UtteranceBatches(
        corpus.of("train"), sample_rate_hz=RATE_HZ, hop=HOP, batch_s=2, seed=0, loader=loader, tracks_pitch=True
    )
    for _ in ("computed", "kept"):
        expected = {row.id: unsharded.example(row).pitch for row in corpus.of("train")}
    assert {path.parent.name.split("-")[0] for path in tmp_path.rglob("*.npy")} == set(caches)
    voiced = torch.cat([pitch[pitch > 0] for pitch in expected.values()])
    assert len(voiced) > 0
    assert voiced.min() > 0.09 * RATE_HZ / math.tau  # of the lowest tone: a tenth of a radian from sample to sample
    for parts, _ in epoch(batches_of(made, tracks_pitch=True).start(None, 1)):
        for part in parts:
            assert part.pitch.shape == (len(part.ids), max(part.n_frames))
            for index, id_ in enumerate(part.ids):
                assert torch.equal(part.pitch[index, : part.n_frames[index]], expected[id_][0])
                assert not part.pitch[index, part.n_frames[index] :].any()
    assert unsharded.example(corpus.utterances[0]).to(torch.device("cpu")).pitch is not None
    assert next(iter(batches_of(made).start(None, 1)))[0][0].pitch is None


def test_parts_share_a_batch_without_changing_it(made: Path) -> None:
    whole = epoch(batches_of(made).start(None, 1))
    parted = epoch(batches_of(made).start(None, 3))
    for (one, position), (several, same_position) in zip(whole, parted, strict=True):
        assert position == same_position
        assert len(several) == min(3, len(one[0].ids))
        drawn = dict(zip(one[0].ids, one[0].seeds, strict=True))
        assert drawn == {id_: seed for part in several for id_, seed in zip(part.ids, part.seeds, strict=True)}
        assert {part.totals for part in several} == {one[0].totals}


def test_a_missing_or_damaged_shard_is_named_and_never_skipped(made: Path, tmp_path: Path) -> None:
    for name, change in (("train-000003.tar", Path.unlink), ("train-000005.tar", lambda path: path.write_bytes(b"x"))):
        folder = tmp_path / name
        folder.mkdir()
        for path in (made / "out").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        steps = ShardedBatches(
            Shards.open(folder), framing=FRAMING, batch_s=1.5, seed=7, loader=LoaderConfig(workers=0)
        ).start(None, 1)
        change(folder / name)
        with pytest.raises(CorpusError, match=f"{name}: (cannot be read|is damaged)"):
            epoch(steps)


def test_lengths_that_are_not_the_utterances_own_are_refused(made: Path) -> None:
    shards = Shards.open(made / "out")
    lengths = shards.lengths()
    for changed in (replace(lengths, n_tokens=lengths.n_tokens + 1), replace(lengths, n_frames=lengths.n_frames + 1)):
        batches = batches_of(made)
        batches._lengths = changed
        with pytest.raises(CorpusError, match="has not the lengths that batches were planned by"):
            epoch(batches.start(None, 1))


def test_reading_ahead_ends_with_the_batches(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_asked, may_read = threading.Event(), threading.Event()
    readers: list[threading.Thread] = []
    real = Shards.read

    batches = batches_of(made, mixed=7)

    def read(self: Shards, shard: Shard) -> tuple[Packed, ...]:
        if self is batches._shards:  # others may still be reading ahead
            readers.append(threading.current_thread())
            if len(readers) > 7:  # the first round holds all shards, so this is the second
                is_asked.set()
                assert may_read.wait(30)
        return real(self, shard)

    monkeypatch.setattr(Shards, "read", read)
    steps = batches.start(None, 1)
    next(steps)
    assert is_asked.wait(30)
    steps.close()  # type: ignore[attr-defined]
    may_read.set()
    readers[0].join(timeout=30)
    assert not readers[0].is_alive()
    assert len(readers) == 8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"sample_rate_hz": 16_000},
            "was made for 8,000 Hz and frames of 80 samples, but the model has 16,000 Hz and 80",
        ),
        ({"hop": 40}, "but the model has 8,000 Hz and 40"),
        ({"min_frames": 21}, "its shortest utterance has 20 frames, but the model is trained on slices of 21"),
    ],
)
def test_shards_of_another_model_are_refused(
    made: Path, tmp_path: Path, changed: Mapping[str, int], message: str
) -> None:
    shards = Shards.open(made / "out")
    framing = replace(FRAMING, **changed)
    with pytest.raises(CorpusError, match=message):
        ShardedBatches(shards, framing=framing, batch_s=9, seed=0, loader=LoaderConfig())
    with pytest.raises(CorpusError, match=message):
        fetch(shards, tmp_path / "run", framing=framing)
    assert not (tmp_path / "run").exists()


def test_a_cache_would_be_of_no_use(made: Path) -> None:
    loader = LoaderConfig(cache=Path("cache"))
    with pytest.raises(CorpusError, match=r"loader\.cache is cache: shards need no cache"):
        ShardedBatches(Shards.open(made / "out"), framing=FRAMING, batch_s=9, seed=0, loader=loader)


@pytest.mark.parametrize(("n_validation", "split"), [(3, "validation"), (0, "train")])
def test_a_run_fetches_all_but_the_recordings(tmp_path: Path, n_validation: int, split: str) -> None:
    rows = write_prepared(
        tmp_path / "prepare", [30] * 9, split=["validation"] * n_validation + ["train"] * (9 - n_validation)
    )
    write_shards(tmp_path / "prepare", tmp_path / "out", sample_rate_hz=RATE_HZ, hop=HOP, shard_s=1.5)
    run = tmp_path / "run"
    fetch(Shards.open(tmp_path / "out"), run, framing=FRAMING)
    (tmp_path / "out" / SHARDS).unlink()  # the run has its own
    shards = Shards.open(tmp_path / "out", index=run)
    corpus = read_corpus(run)
    assert corpus.tables == read_corpus(tmp_path / "prepare").tables
    assert corpus.of(split) == corpus.utterances  # type: ignore[arg-type]
    assert {row.id for row in corpus.utterances} <= {row.id for row in rows if row.split == split}
    batches = ShardedBatches(shards, framing=FRAMING, batch_s=3, seed=0, loader=LoaderConfig(workers=0))
    first = corpus.utterances[0]
    looked_at, again = batches.example(first), batches.example(first)
    assert (looked_at.ids, looked_at.n_frames, looked_at.totals.frames) == ((first.id,), (30,), 30)
    assert np.abs(looked_at.samples.numpy()).max() > 0.3
    assert looked_at.seeds == again.seeds
    assert len(ids(epoch(batches.start(None, 1)))) == 9 - n_validation
