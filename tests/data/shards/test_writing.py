"""Shards hold what was prepared, bit for bit where 16 bits can, and are made whole, once, in the same bytes."""

from __future__ import annotations

import errno
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile

from sonorant.data.prepare import TABLES, UTTERANCES, Framing
from sonorant.data.shards.fetching import fetch
from sonorant.data.shards.format import LENGTHS, SHARDS, Shards
from sonorant.data.shards.packing import Packed, flac
from sonorant.data.shards.writing import write_shards
from sonorant.errors import CorpusError
from tests.data.prepared_tones import HOP, RATE_HZ, recorded, write_prepared

T = TypeVar("T")

FRAMING = Framing(sample_rate_hz=RATE_HZ, hop=HOP, min_frames=4)
FRAMES = [20 + 7 * index % 31 for index in range(12)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepare"
    write_prepared(folder, FRAMES, split=["validation" if index % 6 == 5 else "train" for index in range(12)])
    return folder


def make(prepared: Path, out: Path, *, shard_s: float = 1.0, seed: int = 0, jobs: int = 1) -> Shards:
    write_shards(prepared, out, sample_rate_hz=RATE_HZ, hop=HOP, shard_s=shard_s, seed=seed, jobs=jobs)
    return Shards.open(out)


def test_every_utterance_is_in_one_shard_as_it_was_recorded(prepared: Path, tmp_path: Path) -> None:
    rows = {row.id: row for row in write_prepared(prepared, FRAMES)}
    shards = make(prepared, tmp_path / "out")
    assert len(shards.listing.shards) == 4  # 3.8 s
    found = [packed for shard in shards.listing.shards for packed in shards.read(shard)]
    assert sorted(packed.prepared().id for packed in found) == sorted(rows)
    for packed in found:
        row = packed.prepared()
        assert replace(row, audio="") == replace(rows[row.id], audio="")
        samples = packed.samples(sample_rate_hz=RATE_HZ, n_samples=row.n_samples)
        index = int(row.id.removeprefix("anna."))
        assert (samples * 32768 == recorded(index, row.n_samples + index % HOP)[: row.n_samples]).all()


def test_the_list_tells_what_the_shards_hold(prepared: Path, tmp_path: Path) -> None:
    shards = make(prepared, tmp_path / "out")
    assert [(shard.name, shard.utterances) for shard in shards.listing.shards] == [
        ("train-000000.tar", 3),
        ("train-000001.tar", 3),
        ("train-000002.tar", 2),
        ("train-000003.tar", 2),
        ("validation-000000.tar", 2),
    ]
    lengths = shards.lengths()
    rows = [packed.prepared() for shard in shards.listing.of("train") for packed in shards.read(shard)]
    assert lengths.n_frames.tolist() == [row.n_samples // HOP for row in rows]
    assert lengths.n_tokens.tolist() == [len(row.tokens) for row in rows]
    for shard in shards.listing.shards:
        seconds = sum(packed.prepared().n_samples for packed in shards.read(shard)) / RATE_HZ
        assert shard.seconds == pytest.approx(seconds, abs=1e-3)
    assert shards.tables().speakers == ("anna", "bert")


def test_rows_say_nothing_of_where_the_recording_lay(prepared: Path, tmp_path: Path) -> None:
    make(prepared, tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        names = tar.getnames()
        row = json.load(tar.extractfile(names[0]) or io.BytesIO())
    assert names[:2] == ["train-000000-000000.json", "train-000000-000000.flac"]
    assert not row.keys() & {"audio", "start_s", "end_s"}
    assert str(tmp_path) not in json.dumps(row)


def test_webdataset_reads_them(prepared: Path, tmp_path: Path) -> None:
    tariterators = pytest.importorskip("webdataset.tariterators")
    shards = make(prepared, tmp_path / "out")
    shard = shards.listing.shards[0]
    with (tmp_path / "out" / shard.name).open("rb") as stream:
        files = tariterators.tar_file_expander([{"url": shard.name, "stream": stream}])
        samples = list(tariterators.group_by_keys(files))
    assert [sample["__key__"] for sample in samples] == [f"{shard.stem}-{index:06d}" for index in range(3)]
    for sample, packed in zip(samples, shards.read(shard), strict=True):
        assert (sample["json"], sample["flac"]) == (packed.row, packed.flac)


def test_the_order_is_shuffled_by_the_seed_and_made_again_in_the_same_bytes(prepared: Path, tmp_path: Path) -> None:
    shards = make(prepared, tmp_path / "a")
    order = [packed.prepared().id for shard in shards.listing.of("train") for packed in shards.read(shard)]
    assert order != sorted(order, key=lambda id_: int(id_.removeprefix("anna.")))
    make(prepared, tmp_path / "b", jobs=2)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    make(prepared, tmp_path / "c", seed=1)
    assert contents(tmp_path / "a")["train-000000.tar"] != contents(tmp_path / "c")["train-000000.tar"]


def test_a_weight_of_nothing_is_left_out(tmp_path: Path) -> None:
    write_prepared(tmp_path / "prepare", [20, 30, 40], weights=[1.0, 0.0, 2.5])
    shards = make(tmp_path / "prepare", tmp_path / "out")
    assert sorted(shards.lengths().weights.tolist()) == [1.0, 2.5]


def test_what_lies_outside_the_range_is_clipped_and_what_is_finer_is_rounded() -> None:
    samples = np.array([1.5, 1.0, -1.5, 0.4 / 32768, 0.6 / 32768], dtype=np.float32)
    packed = Packed("here", b"", flac(samples, RATE_HZ))
    assert (packed.samples(sample_rate_hz=RATE_HZ, n_samples=5) * 32768).tolist() == [32767, 32767, -32768, 0, 1]


@pytest.mark.parametrize("n_done", [0, 2])
def test_a_stop_loses_no_whole_shard(prepared: Path, tmp_path: Path, n_done: int) -> None:
    def stop(items: Iterable[T], *, n_total: int, doing: str) -> Iterable[T]:
        for index, item in enumerate(items):
            if index == n_done:
                raise KeyboardInterrupt
            yield item

    whole, out = tmp_path / "whole", tmp_path / "out"
    make(prepared, whole)
    with pytest.raises(KeyboardInterrupt):
        write_shards(prepared, out, sample_rate_hz=RATE_HZ, hop=HOP, shard_s=1.0, progress=stop)
    with pytest.raises(CorpusError, match=rf"shards\.json: {5 - n_done} of 5 shards are not made yet"):
        Shards.open(out)
    first = out / "train-000000.tar"
    before = first.stat().st_mtime_ns
    written = write_shards(prepared, out, sample_rate_hz=RATE_HZ, hop=HOP, shard_s=1.0)
    assert written.n_kept == n_done
    assert (first.stat().st_mtime_ns == before) == (n_done > 0)
    assert contents(out) == contents(whole)


def test_a_shard_that_is_damaged_or_gone_is_made_again(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(prepared, out)
    before = contents(out)
    (out / "train-000001.tar").unlink()
    (out / "train-000002.tar").write_bytes(before["train-000002.tar"][:-1] + b"x")
    written = write_shards(prepared, out, sample_rate_hz=RATE_HZ, hop=HOP, shard_s=1.0)
    assert written.n_kept == 3
    assert contents(out) == before


def test_a_full_disk_leaves_no_half_shard(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        real(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    make(prepared, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "train-000002.tar").unlink()
    monkeypatch.setattr(
        Path, "write_bytes", lambda path, data: (write_half if ".tar" in path.name else real)(path, data)
    )
    with pytest.raises(OSError, match="No space left"):
        make(prepared, tmp_path / "out")
    after = contents(tmp_path / "out")
    assert after.keys() == before.keys() - {"train-000002.tar"}
    assert all(data == before[name] for name, data in after.items())


def test_shards_of_something_else_are_not_mixed_in(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(prepared, out)
    before = contents(out)
    with pytest.raises(CorpusError, match=r"out: holds shards of another corpus.*\(other seed\)"):
        make(prepared, out, seed=1)
    write_prepared(prepared, FRAMES)
    with pytest.raises(CorpusError, match="other made_from"):
        make(prepared, out)
    assert contents(out) == before
    (out / SHARDS).unlink()
    with pytest.raises(CorpusError, match=r"holds tar files, but no shards\.json"):
        make(prepared, out)


def test_a_recording_that_changed_is_named_and_no_half_shard_is_left(prepared: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "prepare-3.wav", recorded(3, 99), RATE_HZ, subtype="PCM_16")
    with pytest.raises(CorpusError, match=r"prepare-3\.wav \(id anna\.3\): has 99 samples"):
        make(prepared, tmp_path / "out")
    assert all(name.endswith((".tar", SHARDS, LENGTHS, TABLES)) for name in contents(tmp_path / "out"))
    with pytest.raises(CorpusError, match="not made yet"):
        Shards.open(tmp_path / "out")


def test_what_is_not_prepared_is_said(prepared: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no whole number of frames of 77 samples"):
        write_shards(prepared, tmp_path / "out", sample_rate_hz=RATE_HZ, hop=77)
    fetch(make(prepared, tmp_path / "first"), tmp_path / "run", framing=FRAMING)
    with pytest.raises(CorpusError, match="run: has shards of its own, or is of a run on shards"):
        make(tmp_path / "run", tmp_path / "out")
    (prepared / UTTERANCES).unlink()
    with pytest.raises(CorpusError, match=r"utterances\.jsonl: cannot be read"):
        make(prepared, tmp_path / "out")
    assert not (tmp_path / "out").exists()
