"""Where shards lie: a folder, or an address that webdataset can read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sonorant.errors import CorpusError, MissingExtraError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Place:
    """A folder; or the address of one, with a scheme that webdataset opens: https, gs, hf, ..."""

    base: str

    def address(self, name: str) -> str:
        """Of one of its files."""
        return f"{self.base.rstrip('/')}/{name}" if _SCHEME.match(self.base) else str(Path(self.base) / name)

    def read(self, name: str) -> bytes:
        """A file's contents. Raises CorpusError when it cannot be read, MissingExtraError without webdataset."""
        address = self.address(name)
        scheme = _SCHEME.match(self.base)
        try:
            return Path(address).read_bytes() if scheme is None else _fetched(address, scheme[1].lower())
        except OSError as error:
            # Of a failed transfer only that: webdataset's message quotes its command, which may hold a password.
            raise CorpusError(f"{address}: cannot be read ({error.strerror or 'the transfer failed'})") from None


def _fetched(address: str, scheme: str) -> bytes:
    if scheme == "pipe":
        raise CorpusError(f"{address}: is a command to run; name a folder or an address to read shards from")
    try:
        from webdataset.gopen import gopen
    except ImportError:
        raise MissingExtraError(f"reading {address}", package="webdataset", extra="train") from None
    try:
        with gopen(address, "rb") as stream:
            return cast(bytes, stream.read())
    except ImportError as error:  # hf:// has a package of its own
        raise MissingExtraError(f"reading {address}", package=str(error.name), extra="train") from None
    except ValueError:
        raise CorpusError(f"{address}: webdataset cannot open {scheme}://; copy the shards to where it can") from None
