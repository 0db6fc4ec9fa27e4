"""Speech beside a recording of the same text: timbre, pitch and duration, in one alignment."""

from __future__ import annotations

from dataclasses import dataclass

from sonorant.audio.io import Samples
from sonorant.audio.pitch import PitchTrack, PitchTracker
from sonorant.audio.speech_activity import Span, SpeechActivity
from sonorant.evaluation.alignment import Path, align
from sonorant.evaluation.cepstra import Cepstra, distortions_db, mel_cepstra
from sonorant.evaluation.durations import DurationError, duration_error, part_of, spoken_part
from sonorant.evaluation.pitch import PitchDifference, pitch_difference


@dataclass(frozen=True)
class Spoken:
    """What is compared of a recording: its spoken part, without the silence before and after."""

    span: Span
    f0_hz: PitchTrack
    """[T], every 8 ms from the start of `span` on, 0 where there is no voice."""
    cepstra: Cepstra
    """[T, 24]"""


@dataclass(frozen=True)
class Comparison:
    """How far speech is from a recording of the same text."""

    distortion_db: float
    """Mel-cepstral distortion, the mean over the aligned pairs of frames."""
    pitch: PitchDifference
    duration: DurationError
    path: Path
    """[P, 2]: a frame of the speech, a frame of the recording."""


class Comparer:
    """Compares speech with recordings. Raises MissingExtraError where a package it measures with is not installed."""

    def __init__(self) -> None:
        self._activity = SpeechActivity()
        self._pitch = PitchTracker()

    def measure(self, samples: Samples, sample_rate_hz: int) -> Spoken:
        """What is compared of a recording. samples: [N] in [-1, 1]. Raises AudioError where there is no sound."""
        span = spoken_part(samples, sample_rate_hz, self._activity)
        part = part_of(samples, sample_rate_hz, span)
        f0_hz = self._pitch(part, sample_rate_hz)
        return Spoken(span, f0_hz, mel_cepstra(part, sample_rate_hz, f0_hz=f0_hz))


def compare(said: Spoken, recorded: Spoken) -> Comparison:
    """How far speech is from a recording. Raises AudioError where either is longer than 40 s."""
    path = align(said.cepstra, recorded.cepstra)
    return Comparison(
        distortion_db=float(distortions_db(said.cepstra, recorded.cepstra, path).mean()),
        pitch=pitch_difference(said.f0_hz, recorded.f0_hz, path),
        duration=duration_error(said.span, recorded.span),
        path=path,
    )
