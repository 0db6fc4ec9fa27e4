"""A shard's bytes: a tar file of prepared rows in JSON, each with its audio in FLAC. Nothing else is read from one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np

from sonorant.audio.io import Samples
from sonorant.data.prepare import Prepared
from sonorant.errors import CorpusError

if TYPE_CHECKING:
    import pydantic

_ROW, _AUDIO = ".json", ".flac"
_OF_THE_RECORDING = ("audio", "start_s", "end_s")
_AGAIN = "make the shards again with 'sonorant corpus shard'"


@dataclass(frozen=True)
class Packed:
    """An utterance as its shard holds it. place: the shard's address and the key, to be named in errors."""

    place: str
    row: bytes
    flac: bytes

    def prepared(self) -> Prepared:
        """Its row; the audio named in it is the place. Raises CorpusError for a row that is none."""
        import pydantic

        try:
            row = json.loads(self.row)
            return _rows().validate_python({**row, "audio": self.place + _AUDIO, "start_s": 0.0, "end_s": None})
        except pydantic.ValidationError as error:
            fault = error.errors()[0]
            what = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        except TypeError:
            what = f"it holds {type(row).__name__}"
        except (ValueError, RecursionError) as error:
            what = str(error)
        raise CorpusError(f"{self.place}{_ROW}: is no prepared row ({what}); {_AGAIN}")

    def samples(self, *, sample_rate_hz: int, n_samples: int) -> Samples:
        """Its audio: float32 [n_samples]. Raises CorpusError when it is no FLAC of that rate and length."""
        import soundfile

        wanted = ("FLAC", sample_rate_hz, 1, n_samples)
        try:
            with soundfile.SoundFile(io.BytesIO(self.flac)) as file:
                found = (file.format, file.samplerate, file.channels, file.frames)
                samples = file.read(dtype="float32") if found == wanted else np.zeros(0, dtype=np.float32)
        except (soundfile.SoundFileError, OSError) as error:
            raise CorpusError(f"{self.place}{_AUDIO}: cannot be read as audio ({error}); {_AGAIN}") from None
        if len(samples) != n_samples:
            raise CorpusError(
                f"{self.place}{_AUDIO}: is {_described(*found)}, expected {_described(*wanted)}; {_AGAIN}"
            )
        return cast(Samples, samples)


def flac(samples: Samples, sample_rate_hz: int) -> bytes:
    """Samples, float32 [N], as 16-bit FLAC.

    What a mono recording of 16 bits holds comes back bit for bit. Anything finer is rounded to the nearest 2^-15, and
    what lies outside [-1, 1) is clipped.
    """
    import soundfile

    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, pcm, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return stream.getvalue()


def pack(stem: str, utterances: Iterable[tuple[Prepared, bytes]]) -> bytes:
    """A shard of utterances, each with its FLAC. The same ones give the same bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for index, (utterance, audio) in enumerate(utterances):
            row = {name: value for name, value in vars(utterance).items() if name not in _OF_THE_RECORDING}
            for suffix, data in ((_ROW, json.dumps(row, ensure_ascii=False).encode()), (_AUDIO, audio)):
                member = tarfile.TarInfo(_key(stem, index) + suffix)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def unpack(data: bytes, stem: str, *, address: str, n_utterances: int) -> tuple[Packed, ...]:
    """The utterances of a shard, in order. address: what to call it in errors.

    Raises CorpusError when it holds anything but so many utterances.
    """
    contents = _files(data, address)
    keys = [_key(stem, index) for index in range(n_utterances)]
    names = [key + suffix for key in keys for suffix in (_ROW, _AUDIO)]
    if list(contents) != names:
        odd = next((name for name in contents if name not in names), None)
        found = f"{len(contents):,} files" if odd is None else repr(odd)
        raise CorpusError(f"{address}: holds {found}, expected {len(names):,} from {names[0]} to {names[-1]}; {_AGAIN}")
    return tuple(Packed(f"{address}/{key}", contents[key + _ROW], contents[key + _AUDIO]) for key in keys)


def _key(stem: str, index: int) -> str:
    """What an utterance's files are called: unique among all shards, and without a dot, at which webdataset splits."""
    return f"{stem}-{index:06d}"


def _files(data: bytes, address: str) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.name in contents:
                    raise CorpusError(f"{address}: holds {member.name!r} twice, or not as a plain file; {_AGAIN}")
                contents[member.name] = data[member.offset_data : member.offset_data + member.size]
    except (tarfile.TarError, OverflowError) as error:
        raise CorpusError(f"{address}: is no tar archive ({error}); {_AGAIN}") from None
    return contents


def _described(kind: str, sample_rate_hz: int, n_channels: int, n_samples: int) -> str:
    return f"{kind} of {n_samples:,} samples at {sample_rate_hz:,} Hz in {n_channels} channel(s)"


@cache
def _rows() -> pydantic.TypeAdapter[Prepared]:
    import pydantic

    return pydantic.TypeAdapter(Prepared)
