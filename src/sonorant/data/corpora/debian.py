"""Debian packages: fetched with their hash checked, and their files taken out without running anything.

A .deb is an `ar` archive of three members: debian-binary, control.tar.*, and data.tar.* with the files themselves.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from sonorant.errors import CorpusError

_AR_START = b"!<arch>\n"
_AR_HEADER_BYTES = 60
# Python unpacks these; Debian itself has no others.
_DATA = ("data.tar.xz", "data.tar.gz", "data.tar.bz2", "data.tar")
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Package:
    """A package file as it stands in Debian's archive."""

    name: str
    n_bytes: int
    sha256: str


def fetch(package: Package, *, folder: Path, instead: str, progress: Callable[[int], None]) -> Path:
    """The package's file in `folder`, downloaded with apt-get unless it lies there whole already.

    Nothing is installed. instead: what to do where apt-get cannot, for the message. progress is told the bytes of each
    file. Raises CorpusError when it cannot be had, or is not what was expected.
    """
    target = folder / package.name
    if target.is_file() and _sha256(target) == package.sha256:
        progress(package.n_bytes)
        return target
    apt = shutil.which("apt-get")
    if apt is None:
        raise CorpusError(f"{package.name}: there is no apt-get here to download it with; {instead}")
    name, version, _ = unquote(package.name).split("_")
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
        command = [apt, "download", f"{name}={version}"]
        done = subprocess.run(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        got = Path(scratch) / package.name
        if done.returncode or not got.is_file():
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise CorpusError(
                f"{package.name}: apt-get cannot download it ({said[-1]}); run 'apt-get update' and try again, or "
                f"{instead}"
            )
        if (found := _sha256(got)) != package.sha256:
            raise CorpusError(
                f"{package.name}: its SHA-256 is {found} ({got.stat().st_size:,} bytes), "
                f"but {package.sha256} ({package.n_bytes:,} bytes) was expected; try again"
            )
        got.replace(target)
    progress(package.n_bytes)
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
