"""Making shards of a prepared corpus: in a shuffled order, each whole or not at all, going on after a stop."""

from __future__ import annotations

import hashlib
import json
import math
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import numpy as np

from sonorant.audio.io import whole_file
from sonorant.config import parse, plain, read_json
from sonorant.data.features import Waveform
from sonorant.data.loading import fitted
from sonorant.data.manifest import Split
from sonorant.data.prepare import TABLES, UTTERANCES, Prepared, read_corpus
from sonorant.data.progress import Progress, silent
from sonorant.data.shards.format import LENGTHS, SHARDS, Lengths, Shard, ShardList, sha256
from sonorant.data.shards.packing import flac, pack
from sonorant.errors import CorpusError, MissingExtraError


@dataclass(frozen=True)
class Written:
    """What was made. n_kept: of its shards, those that were there already, whole."""

    listing: ShardList
    n_kept: int


@dataclass(frozen=True)
class _Task:
    """A shard, with its digest if it was made before."""

    shard: Shard
    utterances: tuple[Prepared, ...]


def write_shards(
    prepared: Path,
    out: Path,
    *,
    sample_rate_hz: int,
    hop: int,
    shard_s: float = 3600.0,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress = silent,
) -> Written:
    """Pack what `prepare` wrote to a folder into shards of about `shard_s` seconds each, all of a split alike.

    sample_rate_hz, hop: of the model that it was prepared for. The order of the utterances depends on the seed alone,
    so that each shard is a fair sample; those of weight 0 are left out of train. Called again, it keeps every shard
    that is as it was written, and makes the others. `jobs` changes nothing but the speed.

    Raises CorpusError when the folder holds no prepared corpus or a recording is no longer what it was, and when `out`
    holds shards of something else.
    """
    if (prepared / SHARDS).exists():
        raise CorpusError(
            f"{prepared}: has shards of its own, or is of a run on shards; name what was prepared for them"
        )
    corpus = read_corpus(prepared)
    odd = next((utterance.id for utterance in corpus.utterances if utterance.n_samples % hop), None)
    if odd is not None:
        raise CorpusError(f"{prepared}: {odd} is no whole number of frames of {hop} samples; give the hop of its model")
    tasks = [
        task
        for split in get_args(Split)
        for task in _tasks(split, corpus.of(split), sample_rate_hz=sample_rate_hz, shard_s=shard_s, seed=seed)
    ]
    beside = {TABLES: (prepared / TABLES).read_bytes(), LENGTHS: _lengths(tasks, hop).to_bytes()}
    listing = ShardList(
        sample_rate_hz=sample_rate_hz,
        hop=hop,
        shard_s=shard_s,
        seed=seed,
        made_from=_digest(prepared / UTTERANCES),
        files={name: sha256(data) for name, data in beside.items()},
        shards=tuple(task.shard for task in tasks),
    )
    digests = _recorded(out, listing)
    listing = _with_digests(listing, digests)
    tasks = [replace(task, shard=shard) for task, shard in zip(tasks, listing.shards, strict=True)]
    out.mkdir(parents=True, exist_ok=True)
    _write_list(out, listing)  # first: from here on it is known whose shards these are
    for name, data in beside.items():
        with whole_file(out / name) as part:
            part.write_bytes(data)
    work = partial(_make, out=out, sample_rate_hz=sample_rate_hz, hop=hop)
    n_kept = 0
    for shard, is_new in progress(_worked(work, tasks, jobs), n_total=len(tasks), doing="packing shards"):
        n_kept += not is_new
        if is_new:
            digests[shard.name] = shard.sha256
            listing = _with_digests(listing, digests)
            _write_list(out, listing)
    return Written(listing, n_kept)


def _tasks(
    split: Split, utterances: Sequence[Prepared], *, sample_rate_hz: int, shard_s: float, seed: int
) -> list[_Task]:
    """Which utterances become which shard of a split: as many shards as it takes, of equally many each."""
    if split == "train":
        utterances = [utterance for utterance in utterances if utterance.weight > 0]
    if not utterances:
        return []
    order = np.random.default_rng((seed, get_args(Split).index(split))).permutation(len(utterances))
    seconds = sum(utterance.n_samples for utterance in utterances) / sample_rate_hz
    n_shards = min(math.ceil(seconds / shard_s), len(utterances))
    tasks = []
    for index, rows in enumerate(np.array_split(order, n_shards)):
        own = tuple(utterances[row] for row in rows.tolist())
        seconds = round(sum(utterance.n_samples for utterance in own) / sample_rate_hz, 3)
        tasks.append(_Task(Shard(name=f"{split}-{index:06d}.tar", utterances=len(own), seconds=seconds), own))
    return tasks


def _lengths(tasks: Sequence[_Task], hop: int) -> Lengths:
    rows = [utterance for task in tasks if task.shard.split == "train" for utterance in task.utterances]
    return Lengths(
        n_frames=np.array([row.n_samples // hop for row in rows], dtype=np.int32),
        n_tokens=np.array([len(row.tokens) for row in rows], dtype=np.int32),
        weights=np.array([row.weight for row in rows], dtype=np.float32),
    )


def _recorded(out: Path, listing: ShardList) -> dict[str, str | None]:
    """The digests of the shards that were made before, by name."""
    if not (out / SHARDS).exists():
        if any(out.glob("*.tar")):
            raise CorpusError(f"{out}: holds tar files, but no {SHARDS} that says whose they are; name another folder")
        return {}
    there = parse(ShardList, read_json(out / SHARDS), source=str(out / SHARDS))
    before, now = plain(_with_digests(there, {})), plain(listing)
    changed = next((name for name in before if before[name] != now[name]), None)
    if changed is not None:
        raise CorpusError(
            f"{out}: holds shards of another corpus, or made with other settings (other {changed}); name another "
            "folder, or remove this one"
        )
    return {shard.name: shard.sha256 for shard in there.shards}


def _with_digests(listing: ShardList, digests: Mapping[str, str | None]) -> ShardList:
    return replace(listing, shards=tuple(replace(shard, sha256=digests.get(shard.name)) for shard in listing.shards))


def _write_list(out: Path, listing: ShardList) -> None:
    with whole_file(out / SHARDS) as part:
        part.write_text(json.dumps(plain(listing), indent=1) + "\n", encoding="utf-8")


def _make(task: _Task, *, out: Path, sample_rate_hz: int, hop: int) -> tuple[Shard, bool]:
    """A shard with its digest, and whether it was written; it is not when it is there, as it was written before."""
    path = out / task.shard.name
    if task.shard.sha256 is not None and path.is_file() and _digest(path) == task.shard.sha256:
        return task.shard, False
    waveform = Waveform(sample_rate_hz)
    try:
        data = pack(
            task.shard.stem,
            (
                (utterance, flac(fitted(utterance, waveform(utterance.recording), hop=hop), sample_rate_hz))
                for utterance in task.utterances
            ),
        )
    except MissingExtraError as error:
        raise CorpusError(str(error)) from None  # a missing extra does not find its way between processes
    with whole_file(path) as part:
        part.write_bytes(data)
    return replace(task.shard, sha256=sha256(data)), True


def _worked(work: partial[tuple[Shard, bool]], tasks: Sequence[_Task], jobs: int) -> Iterator[tuple[Shard, bool]]:
    if jobs == 1 or len(tasks) < 2:
        yield from map(work, tasks)
        return
    # New processes rather than forks: threads of this one may hold locks.
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn"), initializer=_leave_interrupts)
    try:
        yield from pool.map(work, tasks)
    except BrokenProcessPool:
        raise CorpusError("a packing process was killed (out of memory?); give fewer --jobs") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Interrupts are the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
