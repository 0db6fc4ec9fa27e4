"""A recording as blocks of samples, one after another, for recordings longer than the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from sonorant.audio.io import Samples
from sonorant.errors import AudioError, ParameterError

if TYPE_CHECKING:
    import soundfile
    import soxr

BLOCK_SAMPLES = 1 << 16
RATES_HZ = (1_000, 1_000_000)
"""Outside of these no speech is recorded, but a header may say anything."""
SILENT_PEAK = 1e-4
"""A recording that never gets louder, -80 dB of full scale, holds no speech: 16-bit silence with dither does not."""


class AudioReader:
    """Reads an audio file block by block, mono; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sample_rate_hz = 0
        self.n_samples = 0  # as the file promises
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> AudioReader:
        """Raises AudioError when it is no audio file."""
        import soundfile

        if not self.path.is_file():
            raise AudioError(f"{self.path}: there is no such file")
        if self.path.suffix.lower() == ".raw":
            raise AudioError(f"{self.path}: raw samples do not tell their rate; give a .wav or .flac file")
        try:
            self._file = soundfile.SoundFile(self.path)
        except (soundfile.SoundFileError, OSError) as error:
            raise AudioError(f"{self.path}: cannot be read as audio ({error})") from None
        self.sample_rate_hz = int(self._file.samplerate)
        self.n_samples = int(self._file.frames)
        return self

    def blocks(self) -> Iterator[Samples]:
        """The mean of the channels, float32 [N] each. Raises AudioError when the file ends early."""
        import soundfile

        assert self._file is not None
        n_read = 0
        while True:
            try:
                block = self._file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, OSError) as error:
                raise AudioError(f"{self.path}: cannot be read as audio ({error})") from None
            if not len(block):
                break
            n_read += len(block)
            yield block.mean(axis=1, dtype=np.float32)
        if n_read < self.n_samples:
            raise AudioError(
                f"{self.path}: is cut short: {self.n_samples:,} samples were promised, {n_read:,} are there"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()


def checked(blocks: Iterable[Samples], *, sample_rate_hz: int) -> Iterator[Samples]:
    """The same blocks, as float32, found to hold a recording.

    Raises ParameterError at once for a sample rate that is none; AudioError, or ParameterError for arrays of another
    kind, when the block is asked for, and at the end if all of it was silent.
    """
    low, high = RATES_HZ
    if not isinstance(sample_rate_hz, int | np.integer) or not low <= sample_rate_hz <= high:
        raise ParameterError(
            f"the recording's sample rate is {sample_rate_hz} Hz, expected a whole number from {low:,} to {high:,}"
        )
    return _checked(blocks, int(sample_rate_hz))


def _checked(blocks: Iterable[Samples], sample_rate_hz: int) -> Iterator[Samples]:
    n, peak = 0, 0.0
    for block in blocks:
        if not isinstance(block, np.ndarray) or block.ndim != 1 or block.dtype.kind != "f":
            found = f"{block.dtype} {list(block.shape)}" if isinstance(block, np.ndarray) else type(block).__name__
            raise ParameterError(f"the recording is {found}, expected an array of mono floats [N] in [-1, 1]")
        is_broken = ~np.isfinite(block)
        if is_broken.any():
            at_s = (n + int(is_broken.argmax())) / sample_rate_hz
            raise AudioError(f"the recording's sample at {at_s:.3f} s is no finite number; record or export it again")
        n += len(block)
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        yield block.astype(np.float32, copy=False)
    if not n:
        raise AudioError("the recording holds no samples; give one with speech")
    if peak < SILENT_PEAK:
        raise AudioError(f"the recording is silent, its loudest sample is {peak:.2g}; give one with speech")


def resampled(blocks: Iterable[Samples], *, from_hz: int, to_hz: int) -> Iterator[Samples]:
    """The same sound at another rate, the same samples as `sonorant.audio.resample.resample` gives for the whole."""
    if from_hz == to_hz:
        return iter(blocks)
    import soxr

    return _through(soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32"), blocks)


def _through(stream: soxr.ResampleStream, blocks: Iterable[Samples]) -> Iterator[Samples]:
    for block in blocks:
        for start in range(0, len(block), BLOCK_SAMPLES):
            yield stream.resample_chunk(block[start : start + BLOCK_SAMPLES])
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
