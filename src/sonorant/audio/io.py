"""Audio files: float32 in [-1, 1] in memory, integers only on disk. Files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sonorant.errors import AudioError

if TYPE_CHECKING:
    import soundfile

Samples = NDArray[np.float32]

# Suffix -> libsndfile's container and coding.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def to_pcm16(samples: Samples) -> bytes:
    """Signed 16-bit little-endian PCM; what lies outside [-1, 1] is clipped."""
    pcm: bytes = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
    return pcm


def check_target(path: Path, suffixes: dict[str, tuple[str, str]] | frozenset[str], *, kind: str) -> None:
    """Raise AudioError when a file cannot become `path`: its suffix, its folder, or what stands there already."""
    if path.suffix.lower() not in suffixes:
        found = path.suffix or "none"
        raise AudioError(f"{path}: the suffix is {found}, but {kind} is written as {', '.join(sorted(suffixes))}")
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise AudioError(f"{path}: is not a regular file, and cannot be written over with {kind}; name a file")
    if not path.parent.is_dir():
        raise AudioError(f"{path}: the folder {path.parent} does not exist; make it first")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that becomes it at the end, and vanishes if anything fails.

    Raises AudioError when the folder cannot be written to or the disk is full.
    """
    part = path.with_name(f".{path.stem[:64]}.{secrets.token_hex(4)}.part{path.suffix}")
    try:  # from the first moment on: a signal may come between any two lines
        try:
            part.open("xb").close()
            mode = part.stat().st_mode
        except OSError as error:
            raise AudioError(f"{path}: cannot be written ({error.strerror})") from None
        yield part
        try:
            with part.open("rb+") as written:
                os.fsync(written.fileno())
            part.chmod(mode)  # some libraries put a file of their own in its place, which only its owner may read
            part.replace(path)
        except OSError as error:
            raise AudioError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        if os.path.lexists(part):  # which is False, and no error, below what is no folder
            part.unlink()


class AudioWriter:
    """Writes audio piece by piece; use as a context manager. The format follows the suffix (see FORMATS).

    The file appears under its name only when the block ends without an error.
    """

    def __init__(self, path: Path, sample_rate_hz: int) -> None:
        """Raises AudioError for a suffix, a folder or a sample rate that cannot be written."""
        check_target(path, FORMATS, kind="audio")
        if path.suffix.lower() == ".mp3" and sample_rate_hz not in _MP3_RATES_HZ:
            raise AudioError(f"{path}: MP3 has no sample rate of {sample_rate_hz} Hz; write .wav, .flac or .ogg")
        self.path = path
        self.sample_rate_hz = sample_rate_hz
        self._whole = whole_file(path)
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> AudioWriter:
        import soundfile

        with ExitStack() as stack:
            part = stack.enter_context(self._whole)
            container, coding = FORMATS[self.path.suffix.lower()]
            try:
                self._file = soundfile.SoundFile(part, "w", self.sample_rate_hz, 1, coding, format=container)
            except (soundfile.SoundFileError, OSError) as error:
                raise AudioError(f"{self.path}: cannot be written ({error})") from None
            stack.pop_all()
        return self

    def write(self, samples: Samples) -> None:
        """Append samples, float32 [N] in [-1, 1]."""
        import soundfile

        assert self._file is not None
        try:
            self._file.write(np.frombuffer(to_pcm16(samples), dtype="<i2"))
        except (soundfile.SoundFileError, AssertionError, OSError):
            raise AudioError(f"{self.path}: cannot be written (is the disk full?)") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import soundfile

        assert self._file is not None
        try:
            self._file.close()
        except (soundfile.SoundFileError, OSError):
            if error is None:
                failed = AudioError(f"{self.path}: cannot be written (is the disk full?)")
                self._whole.__exit__(AudioError, failed, None)
                raise failed from None
        self._whole.__exit__(kind, error, trace)


_ROUNDING_S = 1e-3
"""A time may lie so much past a file's end, for times are written rounded."""


def read(path: Path, *, start_s: float = 0.0, end_s: float | None = None) -> tuple[Samples, int]:
    """Samples, mono float32 [N] in [-1, 1], and their rate in Hz; of a part of the file, if one is named.

    end_s: None for the file's end. Raises AudioError when it is no audio file, or ends before the part does.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            start = round(start_s * file.samplerate)
            end = file.frames if end_s is None else round(end_s * file.samplerate)
            if not start <= end <= file.frames + _ROUNDING_S * file.samplerate:
                raise AudioError(f"{path}: is {file.frames / file.samplerate:.3f} s long, but {end_s} s were asked for")
            end = min(end, file.frames)
            file.seek(start)
            samples = file.read(end - start, dtype="float32", always_2d=True)
            sample_rate_hz = int(file.samplerate)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({error})") from None
    if len(samples) < end - start:
        raise AudioError(f"{path}: is cut short: {end - start:,} samples were promised, {len(samples):,} are there")
    return samples.mean(axis=1, dtype=np.float32), sample_rate_hz


def write_raw(stream: BinaryIO, samples: Samples) -> None:
    """Samples as headerless signed 16-bit little-endian PCM, flushed at once."""
    stream.write(to_pcm16(samples))
    stream.flush()
