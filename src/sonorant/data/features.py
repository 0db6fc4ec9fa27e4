"""What is computed from a recording: on the fly, or once and kept under a name that says all that decided it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples, read, whole_file
from sonorant.audio.pitch import pitch_of_frames, tracker, tracker_settings
from sonorant.audio.resample import resample
from sonorant.errors import AudioError, CorpusError

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """The part of a file that is an utterance. end_s: None for the file's end."""

    id: str
    path: Path
    start_s: float = 0.0
    end_s: float | None = None

    def identity(self) -> Mapping[str, Any]:
        """What tells it from any other, and from what it was before its file changed. Raises CorpusError."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise CorpusError(f"{self.path}: cannot be read ({error.strerror})") from None
        return {
            "path": str(self.path.resolve()),
            "bytes": status.st_size,
            "changed_ns": status.st_mtime_ns,
            "start_s": self.start_s,
            "end_s": self.end_s,
        }


class Feature(Protocol):
    """Something computed from one recording."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that decides the values but the recording, with a version that changes when the code's result does."""
        ...

    def __call__(self, recording: Recording) -> Values: ...


@dataclass(frozen=True)
class Waveform:
    """The recording's samples, mono, at one sample rate: float32 [N]."""

    sample_rate_hz: int
    name: str = "waveform"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"sample_rate_hz": self.sample_rate_hz, "version": 1}

    def __call__(self, recording: Recording) -> Samples:
        samples, rate = read(recording.path, start_s=recording.start_s, end_s=recording.end_s)
        return resample(samples, from_hz=rate, to_hz=self.sample_rate_hz)


@dataclass(frozen=True)
class Pitch:
    """The pitch of each of a spectrogram's frames, in Hz, 0 where there is no voice: float32 [T]."""

    sample_rate_hz: int
    hop: int
    name: str = "pitch"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"sample_rate_hz": self.sample_rate_hz, "hop": self.hop, **tracker_settings(), "version": 1}

    def __call__(self, recording: Recording) -> Values:
        return self.of(Waveform(self.sample_rate_hz)(recording))

    def of(self, samples: Samples) -> Values:
        """The same of samples, [N], T = N // hop. What holds a sample that is no finite number has no pitch."""
        n_frames = len(samples) // self.hop
        if not np.isfinite(samples).all():
            return np.zeros(n_frames, np.float32)
        track_hz = tracker()(samples[: n_frames * self.hop], self.sample_rate_hz)
        return pitch_of_frames(track_hz, sample_rate_hz=self.sample_rate_hz, hop=self.hop, n_frames=n_frames)


@dataclass(frozen=True)
class Cached:
    """A feature kept on disk, one file for each recording, below folder/<feature>-<fingerprint of its settings>/.

    A file's name holds the recording's place, size and time of change: a recording that changes is computed anew.
    """

    feature: Feature
    folder: Path

    @property
    def name(self) -> str:
        return self.feature.name

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.feature.settings

    @property
    def place(self) -> Path:
        """Where this feature's files lie."""
        return self.folder / f"{self.name}-{digest(self.settings)}"

    def __call__(self, recording: Recording) -> Values:
        """Raises CorpusError when the recording is gone or the file cannot be kept."""
        path = self.place / f"{digest(recording.identity())}.npy"
        try:
            return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            pass  # said below
        except (OSError, ValueError, EOFError) as error:
            raise CorpusError(f"{path}: cannot be read ({error}); delete it, it will be made again") from None
        values = self.feature(recording)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as part, part.open("wb") as file:
                np.save(file, values, allow_pickle=False)
        except (OSError, AudioError) as error:
            raise CorpusError(f"the cache cannot be kept ({error}); name another loader.cache, or none") from None
        return values


def digest(value: Mapping[str, Any]) -> str:
    """Of plain data, the same in every process."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]
