"""A shard that is missing, damaged or holds anything else is one line that names it; nothing in it is run."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.shards.format import LENGTHS, SHARDS, Shard, Shards, sha256
from sonorant.data.shards.packing import Packed, unpack
from sonorant.data.shards.place import Place
from sonorant.data.shards.writing import write_shards
from sonorant.errors import ConfigError, CorpusError, SonorantError
from tests.data.prepared_tones import HOP, RATE_HZ, write_prepared

NAME = "train-000000.tar"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_prepared(folder / "prepare", [20, 25, 30])
    write_shards(folder / "prepare", folder / "out", sample_rate_hz=RATE_HZ, hop=HOP)
    return folder / "out"


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A folder with one shard of three utterances, to be damaged."""
    for path in made.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def read_all(folder: Path) -> list[Packed]:
    shards = Shards.open(folder)
    shards.tables()
    shards.lengths()
    return [packed for shard in shards.listing.shards for packed in shards.read(shard)]


def rewrite(folder: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    """Change what a shard holds, and its digest with it: only the contents can tell."""
    with tarfile.open(folder / NAME) as tar:
        members = [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar]
    change(members)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    replaced(folder, stream.getvalue())


def replaced(folder: Path, data: bytes) -> None:
    (folder / NAME).write_bytes(data)
    listing = json.loads((folder / SHARDS).read_text(encoding="utf-8"))
    listing["shards"][0]["sha256"] = sha256(data)
    (folder / SHARDS).write_text(json.dumps(listing), encoding="utf-8")


def edit(folder: Path, **values: object) -> None:
    listing = json.loads((folder / SHARDS).read_text(encoding="utf-8"))
    (folder / SHARDS).write_text(json.dumps({**listing, **values}), encoding="utf-8")


@pytest.mark.parametrize("name", [NAME, SHARDS, LENGTHS, "tables.json"])
def test_a_missing_file_is_named(out: Path, name: str) -> None:
    (out / name).unlink()
    with pytest.raises(CorpusError, match=f"{name}: cannot be read"):
        read_all(out)


@pytest.mark.parametrize("name", [NAME, LENGTHS, "tables.json"])
@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_one_changed_byte_is_found(out: Path, name: str, at: float) -> None:
    data = bytearray((out / name).read_bytes())
    data[int(at * (len(data) - 1))] ^= 1
    (out / name).write_bytes(data)
    with pytest.raises(CorpusError, match=f"{name}: is damaged"):
        read_all(out)


def test_a_cut_off_shard_is_damaged(out: Path) -> None:
    (out / NAME).write_bytes((out / NAME).read_bytes()[:-512])
    with pytest.raises(CorpusError, match=f"{NAME}: is damaged"):
        read_all(out)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members.pop(), "holds 5 files, expected 6"),
        (lambda members: members.append((tarfile.TarInfo("more.txt"), b"")), "holds 'more.txt'"),
        (lambda members: members.append(members[0]), "holds 'train-000000-000000.json' twice"),
        (lambda members: members.reverse(), "holds 6 files, expected 6 from"),
        (lambda members: setattr(members[0][0], "name", "../escape.json"), "holds '../escape.json'"),
        (lambda members: setattr(members[0][0], "name", "train-000000-000000.pickle"), "holds .*pickle"),
        (lambda members: setattr(members[0][0], "type", tarfile.SYMTYPE), "or not as a plain file"),
    ],
)
def test_a_shard_of_anything_else_is_refused(
    out: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], message: str
) -> None:
    rewrite(out, change)
    with pytest.raises(CorpusError, match=f"{NAME}: .*{message}"):
        read_all(out)


def test_a_shard_that_is_no_tar_is_refused(out: Path) -> None:
    huge = bytearray((out / NAME).read_bytes())
    huge[124:136] = b"\x80" + b"\x7f" * 11  # a member of 10^26 bytes, with a header that adds up
    huge[148:156] = b" " * 8
    huge[148:156] = b"%06o\0 " % sum(huge[:512])
    for data in (b"no tar" * 1000, b"", bytes(huge)):
        replaced(out, data)
        with pytest.raises(CorpusError, match=f"{NAME}: (is no tar archive|holds)"):
            read_all(out)


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"{", "is no prepared row"),
        (b"[1]", "it holds list"),
        (b"\xff", "is no prepared row"),
        (b"[" * 100_000, "is no prepared row"),
        (b"{}", "is no prepared row"),
        (pickle.dumps(_Trap()), "is no prepared row"),
    ],
)
def test_a_row_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=f"train-000000-000007.json: .*{message}"):
        Packed("train-000000-000007", row, b"").prepared()
    assert list(tmp_path.iterdir()) == []


def test_audio_of_another_kind_rate_or_length_is_refused(out: Path) -> None:
    import soundfile

    packed = read_all(out)[0]
    n_samples = packed.prepared().n_samples
    assert len(packed.samples(sample_rate_hz=RATE_HZ, n_samples=n_samples)) == n_samples
    wave = io.BytesIO()
    soundfile.write(wave, packed.samples(sample_rate_hz=RATE_HZ, n_samples=n_samples), RATE_HZ, format="WAV")
    for audio, wanted, message in (
        (packed.flac, (RATE_HZ, n_samples + 1), "expected FLAC of"),
        (packed.flac, (RATE_HZ * 2, n_samples), "at 16,000 Hz in 1 channel"),
        (wave.getvalue(), (RATE_HZ, n_samples), "is WAV of"),
        (packed.flac[: len(packed.flac) // 2], (RATE_HZ, n_samples), "cannot be read as audio|is FLAC of"),
        (b"", (RATE_HZ, n_samples), "cannot be read as audio"),
    ):
        with pytest.raises(CorpusError, match=message):
            Packed("here", b"", audio).samples(sample_rate_hz=wanted[0], n_samples=wanted[1])


@given(st.data())
def test_whatever_the_bytes_are_only_our_errors_are_raised(made: Path, data: st.DataObject) -> None:
    """A digest keeps chance from doing this; a forged list could still lead to such bytes."""
    whole = (made / NAME).read_bytes()
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        header = data.draw(st.integers(0, 2)) * 512
        changed[header + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    try:
        packed = unpack(bytes(changed), "train-000000", address="here", n_utterances=3)
        [(it.prepared(), it.samples(sample_rate_hz=RATE_HZ, n_samples=2000)) for it in packed]
    except CorpusError:
        pass


@pytest.mark.parametrize(
    "name", ["../train-000000.tar", "/etc/passwd", "train-0.tar", "pipe:ls", "train-000000.tar\n", ""]
)
def test_a_name_that_leads_elsewhere_is_refused(out: Path, name: str) -> None:
    edit(out, shards=[{"name": name, "utterances": 3, "seconds": 1.0, "sha256": "0" * 64}])
    with pytest.raises(ConfigError, match=r"shards\.json: .*it must be like train-000000\.tar"):
        Shards.open(out)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not valid JSON"), ("[]", "mapping"), ("{}", "Field required"), ("\udcff", "is not valid JSON")],
)
def test_a_list_that_is_none_is_refused(out: Path, text: str, message: str) -> None:
    (out / SHARDS).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SonorantError, match=message):
        Shards.open(out)


def test_lengths_of_other_utterances_are_refused(out: Path) -> None:
    listing = json.loads((out / SHARDS).read_text(encoding="utf-8"))
    listing["shards"][0]["utterances"] = 4
    edit(out, shards=listing["shards"])
    with pytest.raises(CorpusError, match=f"{LENGTHS}: has no n_frames of 4 utterances"):
        Shards.open(out).lengths()
    listing["shards"][0]["utterances"] = 3
    edit(out, shards=listing["shards"])
    lengths = Shards.open(out).lengths()
    impossible = replace(lengths, weights=np.array([1, np.inf, 1], dtype=np.float32))
    none = replace(lengths, n_frames=np.array([20, 0, 30], dtype=np.int32))
    for data, message in (
        (impossible.to_bytes(), "has weights that are not above 0"),
        (none.to_bytes(), "has n_frames that are not above 0"),
        (b"{}", "is no safetensors file"),
    ):
        (out / LENGTHS).write_bytes(data)
        edit(out, files={**listing["files"], LENGTHS: sha256(data)})
        with pytest.raises(CorpusError, match=f"{LENGTHS}: {message}"):
            Shards.open(out).lengths()


def test_a_shard_stands_in_the_list_once(out: Path) -> None:
    listing = json.loads((out / SHARDS).read_text(encoding="utf-8"))
    edit(out, shards=listing["shards"] * 2)
    with pytest.raises(ConfigError, match="stands in the list twice"):
        Shards.open(out)


def test_an_address_is_read_through_webdataset(out: Path) -> None:
    pytest.importorskip("webdataset")
    shards = Shards.open(out.as_uri())
    (shard,) = shards.listing.shards
    assert [it.flac for it in shards.read(shard)] == [it.flac for it in Shards.open(out).read(shard)]
    assert shards.read(shard)[0].place == f"{out.as_uri()}/{NAME}/train-000000-000000"
    (out / NAME).unlink()
    with pytest.raises(CorpusError, match=f"file:///.*{NAME}: cannot be read"):
        shards.read(shard)


@pytest.mark.parametrize("address", ["pipe://touch trapped", "PIPE://touch trapped", "pipe:touch trapped; echo "])
def test_an_address_that_is_a_command_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=r"is a command to run|cannot be read"):
        Place(address).read(SHARDS)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_webdataset_cannot_open_is_said() -> None:
    pytest.importorskip("webdataset")
    with pytest.raises(CorpusError, match="webdataset cannot open s3://"):
        Place("s3://bucket/shards").read(SHARDS)


def test_splits_and_stems_come_from_the_name() -> None:
    shard = Shard(name="validation-000012.tar", utterances=1, seconds=2.0)
    assert (shard.split, shard.stem) == ("validation", "validation-000012")
