"""How long speech takes, beside a recording of the same text."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sonorant.audio.io import Samples
from sonorant.audio.speech_activity import Span, SpeechActivity
from sonorant.errors import AudioError


@dataclass(frozen=True)
class DurationError:
    """How much longer or shorter was said than was recorded."""

    said_s: float
    recorded_s: float

    @property
    def ratio(self) -> float:
        """Above 1 where speech is slower than the recording."""
        return self.said_s / self.recorded_s

    @property
    def log_ratio(self) -> float:
        """|ln ratio|: the same for half and for twice the duration, 0 for equal ones, about 0.1 for a tenth more."""
        return abs(math.log(self.ratio))


def spoken_part(samples: Samples, sample_rate_hz: int, activity: SpeechActivity) -> Span:
    """From the first speech to the last, pauses between them included. samples: [N] in [-1, 1].

    Raises AudioError where there is no sound.
    """
    spans = activity(samples, sample_rate_hz)
    if not spans:
        raise AudioError(f"nothing is said in a recording of {len(samples) / sample_rate_hz:.2f} s; leave it out")
    return Span(spans[0].start_s, spans[-1].end_s)


def part_of(samples: Samples, sample_rate_hz: int, span: Span) -> Samples:
    """The samples of a stretch of a recording."""
    return samples[round(span.start_s * sample_rate_hz) : round(span.end_s * sample_rate_hz)]


def duration_error(said: Span, recorded: Span) -> DurationError:
    """How the durations of two spoken parts differ."""
    return DurationError(said_s=said.duration_s, recorded_s=recorded.duration_s)
