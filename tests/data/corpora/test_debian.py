"""Debian packages are fetched with their hash checked, and unpacked without letting them out of their folder."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from sonorant.data.corpora.debian import Package, fetch, unpack
from sonorant.errors import CorpusError
from tests.data.corpora.packages import ar, deb, fake_apt, tar


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where packages come from, and the file that says which were asked for."""
    folder = tmp_path / "pool"
    folder.mkdir()
    apt = fake_apt(tmp_path / "apt", folder)
    monkeypatch.setenv("PATH", f"{apt}:{os.environ['PATH']}")
    (tmp_path / "to").mkdir()
    return folder, apt / "asked"


NAME = "sounds_1.0-1_all.deb"
INSTEAD = "bring it yourself"


def package(contents: bytes, name: str = NAME) -> Package:
    return Package(name, len(contents), hashlib.sha256(contents).hexdigest())


def ignore(_n_bytes: int) -> None:
    """No progress is shown."""


def test_a_package_is_fetched_once(pool: tuple[Path, Path], tmp_path: Path) -> None:
    folder, asked = pool
    contents = b"x" * 200_000
    (folder / NAME).write_bytes(contents)
    for _ in range(2):
        counted: list[int] = []
        got = fetch(package(contents), folder=tmp_path / "to", instead=INSTEAD, progress=counted.append)
        assert got.read_bytes() == contents
        assert sum(counted) == len(contents)
    assert asked.read_text() == "download sounds=1.0-1\n"
    assert [path.name for path in (tmp_path / "to").iterdir()] == [NAME]


def test_a_package_cut_short_is_fetched_again(pool: tuple[Path, Path], tmp_path: Path) -> None:
    folder, asked = pool
    (folder / NAME).write_bytes(b"whole")
    (tmp_path / "to" / NAME).write_bytes(b"who")
    assert fetch(package(b"whole"), folder=tmp_path / "to", instead=INSTEAD, progress=ignore).read_bytes() == b"whole"
    assert asked.read_text() == "download sounds=1.0-1\n"


@pytest.mark.parametrize("served", [b"changed", b"expected, and much more" * 10_000, b""])
def test_another_package_is_refused_and_not_kept(pool: tuple[Path, Path], tmp_path: Path, served: bytes) -> None:
    (pool[0] / NAME).write_bytes(served)
    with pytest.raises(CorpusError, match="its SHA-256 is"):
        fetch(package(b"expected"), folder=tmp_path / "to", instead=INSTEAD, progress=ignore)
    assert list((tmp_path / "to").iterdir()) == []


def test_what_cannot_be_fetched_is_told(
    pool: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        CorpusError, match=r"apt-get cannot download it \(E: Unable to locate package missing\).*, or bring it yourself"
    ):
        fetch(package(b"x", "missing_1_all.deb"), folder=tmp_path / "to", instead=INSTEAD, progress=ignore)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorpusError, match="there is no apt-get here to download it with; bring it yourself"):
        fetch(package(b"x"), folder=tmp_path / "to", instead=INSTEAD, progress=ignore)
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("coding", ["xz", "gz", "bz2", ""])
def test_files_come_out_as_they_went_in(tmp_path: Path, coding: str) -> None:
    deb(tmp_path / "a.deb", {"usr/share/a.txt": b"A", "usr/share/deep/er/b": b"\0" * 1001}, coding=coding)
    unpack(tmp_path / "a.deb", tmp_path / "out")
    assert (tmp_path / "out" / "usr/share/a.txt").read_bytes() == b"A"
    assert (tmp_path / "out" / "usr/share/deep/er/b").read_bytes() == b"\0" * 1001


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    for name in ("../outside", "usr/../../outside"):
        deb(tmp_path / "a.deb", {name: b"X"})
        with pytest.raises(CorpusError, match="cannot be unpacked"):
            unpack(tmp_path / "a.deb", tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:xz") as archive:
        link = tarfile.TarInfo("usr/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (tmp_path / "a.deb").write_bytes(ar({"debian-binary": b"2.0\n", "data.tar.xz": held.getvalue()}))
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        unpack(tmp_path / "a.deb", tmp_path / "out")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "does not start as an ar archive"),
        (b"PK\3\4 a zip", "does not start as an ar archive"),
        (b"!<arch>\n", "has none of data.tar.xz"),
        (b"!<arch>\nbroken", "starts no member"),
        (ar({"debian-binary": b"2.0\n", "data.tar.zst": b"x"}), "unpack it yourself"),
        (ar({"data.tar.xz": b"no xz"}), "cannot be unpacked"),
        (ar({"data.tar.xz": tar({"a": b"A" * 9999})})[:-50], "cannot be unpacked"),
    ],
)
def test_what_is_no_package_is_told(tmp_path: Path, contents: bytes, message: str) -> None:
    (tmp_path / "a.deb").write_bytes(contents)
    with pytest.raises(CorpusError, match=message):
        unpack(tmp_path / "a.deb", tmp_path / "out")
