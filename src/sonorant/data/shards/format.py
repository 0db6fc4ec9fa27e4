"""What shards are: a folder, here or on a server, that holds a prepared corpus as tar files.

    train-000000.tar ...   of each utterance its prepared row, <key>.json, and its audio, <key>.flac
    validation-000000.tar  likewise, where the corpus has the split
    lengths.safetensors    of every utterance in train, in the order of the shards: all that batches are planned from
    tables.json            as `prepare` wrote it
    shards.json            the list of the shards, with a SHA-256 for each file

The tar files are laid out as webdataset wants them. A shard is read whole and compared with its SHA-256 before anything
of it is used. Nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sonorant.config import config, parse
from sonorant.data.manifest import Split
from sonorant.data.prepare import TABLES, Framing, Tables
from sonorant.data.shards.packing import Packed, unpack
from sonorant.data.shards.place import Place
from sonorant.errors import CorpusError

SHARDS = "shards.json"
LENGTHS = "lengths.safetensors"

_NAME = re.compile(r"(train|validation|test)-\d{6}\.tar")


@config
class Shard:
    """One tar file."""

    name: str
    utterances: int
    seconds: float
    sha256: str | None = None
    """None while the shard is not made."""

    def __post_init__(self) -> None:
        # A name is joined to an address: it must not lead anywhere else.
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name is {self.name!r}: it must be like train-000000.tar")
        if self.utterances < 1:
            raise ValueError(f"utterances is {self.utterances}: a shard holds at least 1")

    @property
    def stem(self) -> str:
        return self.name.removesuffix(".tar")

    @property
    def split(self) -> Split:
        return cast(Split, self.name.partition("-")[0])


@config
class ShardList:
    """The contents of shards.json."""

    sample_rate_hz: int
    hop: int
    shard_s: float
    """The most audio that a shard was to hold, about."""
    seed: int
    """Of the order of the utterances."""
    made_from: str
    """The SHA-256 of the prepared rows."""
    files: Mapping[str, str]
    """The SHA-256 of each file beside the shards."""
    shards: tuple[Shard, ...]

    def __post_init__(self) -> None:
        if len({shard.name for shard in self.shards}) < len(self.shards):
            raise ValueError("a shard stands in the list twice")

    def of(self, split: Split) -> tuple[Shard, ...]:
        """The shards of a split, in order."""
        return tuple(shard for shard in self.shards if shard.split == split)


@dataclass(frozen=True)
class Lengths:
    """Of each utterance in train: frames and tokens, int32 [U], and how often an epoch holds it, float32 [U]."""

    n_frames: NDArray[np.int32]
    n_tokens: NDArray[np.int32]
    weights: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        from safetensors.numpy import save

        return save(vars(self))

    @classmethod
    def from_bytes(cls, data: bytes, *, n_utterances: int) -> Lengths:
        """Raises ValueError for bytes that are not the lengths of so many utterances."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(data)
        except SafetensorError as error:
            raise ValueError(f"is no safetensors file ({error})") from None
        kinds = {"n_frames": np.int32, "n_tokens": np.int32, "weights": np.float32}
        for name, kind in kinds.items():
            array = arrays.get(name)
            if array is None or array.dtype != kind or array.shape != (n_utterances,):
                raise ValueError(f"has no {name} of {n_utterances:,} utterances")
            if not (np.isfinite(array) & (array > 0)).all():
                raise ValueError(f"has {name} that are not above 0, or not finite")
        return cls(**{name: arrays[name] for name in kinds})


@dataclass(frozen=True)
class Shards:
    """A whole set of shards. index: where its list lies, and the files beside it."""

    place: Place
    index: Place
    listing: ShardList

    @classmethod
    def open(cls, location: str | Path, *, index: Path | None = None) -> Shards:
        """index: a folder with copies of the list and of the files beside it; None: they lie with the shards.

        Raises CorpusError when there is no list, or not all of its shards were made; ConfigError when it is not valid.
        """
        place = Place(str(location))
        beside = place if index is None else Place(str(index))
        source = beside.address(SHARDS)
        try:
            data = json.loads(beside.read(SHARDS))
        except CorpusError as error:
            raise CorpusError(f"{error}; name a folder that 'sonorant corpus shard' made") from None
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{source}: is not valid JSON ({error})") from None
        listing = parse(ShardList, data, source=source)
        n_missing = sum(shard.sha256 is None for shard in listing.shards)
        if n_missing:
            raise CorpusError(
                f"{source}: {n_missing:,} of {len(listing.shards):,} shards are not made yet; run 'sonorant corpus "
                "shard' again, and it goes on"
            )
        return cls(place, beside, listing)

    def check(self, framing: Framing) -> None:
        """Raise CorpusError unless a model of this framing can be trained on them."""
        listing = self.listing
        if (listing.sample_rate_hz, listing.hop) != (framing.sample_rate_hz, framing.hop):
            raise CorpusError(
                f"{self.place.base}: was made for {listing.sample_rate_hz:,} Hz and frames of {listing.hop} samples, "
                f"but the model has {framing.sample_rate_hz:,} Hz and {framing.hop}; make shards of one of its runs"
            )
        shortest = int(self.lengths().n_frames.min(initial=framing.min_frames))
        if shortest < framing.min_frames:
            raise CorpusError(
                f"{self.place.base}: its shortest utterance has {shortest} frames, but the model is trained on slices "
                f"of {framing.min_frames}; make shards of one of its runs"
            )

    def read(self, shard: Shard) -> tuple[Packed, ...]:
        """All utterances of a shard. Raises CorpusError when it is missing, damaged, or holds anything else."""
        data = self.place.read(shard.name)
        address = self.place.address(shard.name)
        _verify(data, shard.sha256, address)
        return unpack(data, shard.stem, address=address, n_utterances=shard.utterances)

    def file(self, name: str) -> bytes:
        """A file beside the list. Raises CorpusError when it is not what the list says."""
        data = self.index.read(name)
        _verify(data, self.listing.files.get(name), self.index.address(name))
        return data

    def tables(self) -> Tables:
        """What the rows' numbers mean."""
        return parse(Tables, json.loads(self.file(TABLES)), source=self.index.address(TABLES))

    def lengths(self) -> Lengths:
        """What batches are planned from."""
        data = self.file(LENGTHS)
        try:
            return Lengths.from_bytes(data, n_utterances=sum(shard.utterances for shard in self.listing.of("train")))
        except ValueError as error:
            raise CorpusError(f"{self.index.address(LENGTHS)}: {error}; make the shards again") from None


def sha256(data: bytes) -> str:
    """As shards.json writes it."""
    return hashlib.sha256(data).hexdigest()


def _verify(data: bytes, digest: str | None, address: str) -> None:
    if sha256(data) != digest:
        raise CorpusError(
            f"{address}: is damaged, or of other shards: its SHA-256 is not the one in {SHARDS}; fetch it again, or "
            "let 'sonorant corpus shard' make it again"
        )
