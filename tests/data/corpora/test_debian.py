"""Debian packages are fetched with their hash checked, and unpacked without letting them out of their folder."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sonorant.data.corpora.debian import Package, fetch, unpack
from sonorant.errors import CorpusError
from tests.data.corpora.packages import ar, deb, tar


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, counting, and says nothing."""

    asked: list[str]

    def __init__(self, *arguments: object, asked: list[str], **more: object) -> None:
        self.asked = asked
        super().__init__(*arguments, **more)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A server of packages: its address, its folder, and what was asked of it."""
    folder = tmp_path / "pool"
    folder.mkdir()
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, asked=asked, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder, asked
    server.shutdown()
    server.server_close()
    thread.join()


def package(contents: bytes, name: str = "a.deb") -> Package:
    return Package(name, len(contents), hashlib.sha256(contents).hexdigest())


def ignore(_n_bytes: int) -> None:
    """No progress is shown."""


def test_a_package_is_fetched_once(pool: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, asked = pool
    contents = b"x" * 200_000
    (folder / "a.deb").write_bytes(contents)
    (tmp_path / "to").mkdir()
    for _ in range(2):
        counted: list[int] = []
        got = fetch(package(contents), base_url=url, folder=tmp_path / "to", progress=counted.append)
        assert got.read_bytes() == contents
        assert sum(counted) == len(contents)
    assert asked == ["/a.deb"]


def test_a_package_cut_short_is_fetched_again(pool: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, asked = pool
    (folder / "a.deb").write_bytes(b"whole")
    (tmp_path / "a.deb").write_bytes(b"who")
    assert fetch(package(b"whole"), base_url=url, folder=tmp_path, progress=ignore).read_bytes() == b"whole"
    assert asked == ["/a.deb"]


@pytest.mark.parametrize("served", [b"changed", b"expected, and much more" * 10_000, b""])
def test_another_package_is_refused_and_not_kept(
    pool: tuple[str, Path, list[str]], tmp_path: Path, served: bytes
) -> None:
    url, folder, _ = pool
    (folder / "a.deb").write_bytes(served)
    (tmp_path / "to").mkdir()
    with pytest.raises(CorpusError, match="its SHA-256 is"):
        fetch(package(b"expected"), base_url=url, folder=tmp_path / "to", progress=ignore)
    assert list((tmp_path / "to").iterdir()) == []


def test_what_cannot_be_fetched_is_told(pool: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, _, _ = pool
    (tmp_path / "to").mkdir()
    with pytest.raises(CorpusError, match=r"missing\.deb: cannot be downloaded \(File not found\)"):
        fetch(package(b"x", "missing.deb"), base_url=url, folder=tmp_path / "to", progress=ignore)
    with pytest.raises(CorpusError, match="cannot be downloaded"):
        fetch(package(b"x"), base_url="http://127.0.0.1:9/", folder=tmp_path / "to", progress=ignore)
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
