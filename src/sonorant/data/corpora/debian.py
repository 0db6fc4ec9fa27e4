"""Debian packages: fetched with their hash checked, and their files taken out without running anything.

A .deb is an `ar` archive of three members: debian-binary, control.tar.*, and data.tar.* with the files themselves.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import lzma
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sonorant.audio.io import whole_file
from sonorant.errors import CorpusError

_AR_START = b"!<arch>\n"
_AR_HEADER_BYTES = 60
# Python unpacks these; Debian itself has no others.
_DATA = ("data.tar.xz", "data.tar.gz", "data.tar.bz2", "data.tar")
_READ_BYTES = 1 << 16
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Package:
    """A package file as it stands in Debian's archive."""

    name: str
    n_bytes: int
    sha256: str


def fetch(package: Package, *, base_url: str, folder: Path, progress: Callable[[int], None]) -> Path:
    """The package's file in `folder`, downloaded unless it lies there whole already.

    progress is told the bytes of each piece. Raises CorpusError when it cannot be had, or is not what was expected.
    """
    target = folder / package.name
    if target.is_file() and _sha256(target) == package.sha256:
        progress(package.n_bytes)
        return target
    url = base_url + package.name
    with whole_file(target) as part:
        try:
            # The address is written in this package, and always http.
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, part.open("wb") as file:
                while piece := answer.read(_READ_BYTES):
                    file.write(piece)
                    progress(len(piece))
                    if file.tell() > package.n_bytes:
                        break
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", None) or error
            raise CorpusError(
                f"{url}: cannot be downloaded ({reason}); try again, or download it yourself and give its folder"
            ) from None
        if (found := _sha256(part)) != package.sha256:
            raise CorpusError(
                f"{url}: its SHA-256 is {found} ({part.stat().st_size:,} bytes), "
                f"but {package.sha256} ({package.n_bytes:,} bytes) was expected; try again"
            )
    return target


def unpack(deb: Path, folder: Path) -> None:
    """Put the files of a package under `folder`. Raises CorpusError for a broken one, or one that reaches outside."""
    try:
        with deb.open("rb") as file:
            for name, n_bytes in _members(file, deb):
                if name in _DATA:
                    with tarfile.open(fileobj=io.BytesIO(file.read(n_bytes))) as archive:
                        archive.extractall(folder, filter="data")
                    return
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise CorpusError(f"{deb}: cannot be unpacked ({error})") from None
    raise CorpusError(f"{deb}: has none of {', '.join(_DATA)}; unpack it yourself (dpkg -x) and give the folder")


def _members(file: BinaryIO, path: Path) -> Iterator[tuple[str, int]]:
    """The members of an ar archive, each with its size, the file standing at its first byte."""
    if file.read(len(_AR_START)) != _AR_START:
        raise CorpusError(f"{path}: is no Debian package: it does not start as an ar archive")
    while header := file.read(_AR_HEADER_BYTES):
        try:
            name, n_bytes = header[:16].decode("ascii").rstrip().rstrip("/"), int(header[48:58])
        except ValueError:
            raise CorpusError(f"{path}: is broken: byte {file.tell():,} starts no member of an ar archive") from None
        start = file.tell()
        yield name, n_bytes
        file.seek(start + n_bytes + n_bytes % 2)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
