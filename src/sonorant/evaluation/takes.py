"""A take: one text said once, by a voice or by a person, and what all judges make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sonorant.audio.io import Samples
from sonorant.audio.recognition import Recogniser
from sonorant.errors import AudioError
from sonorant.evaluation.comparison import Comparer, Comparison, Spoken, compare
from sonorant.evaluation.likeness import Embeddings, SpeakerEncoder
from sonorant.evaluation.packages import required
from sonorant.evaluation.quality import Quality, QualityJudge, levelled
from sonorant.evaluation.recognition import Errors, error_rates, hear, knows

T = TypeVar("T")


@dataclass(frozen=True)
class Sound:
    """samples: [N] in [-1, 1]. made_in_s: how long it took to make them; None for a recording."""

    samples: Samples
    sample_rate_hz: int
    made_in_s: float | None = None

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True)
class Take:
    """What was measured is None where no judge for it was there, or where it could not judge."""

    id: str
    text: str
    duration_s: float
    made_in_s: float | None
    sound: Sound | None
    """Kept only where it is to be listened to."""
    heard: str | None
    errors: Errors | None
    quality: Quality | None
    embedding: Embeddings | None
    """[256]"""
    spoken: Spoken | None
    comparison: Comparison | None
    faults: tuple[str, ...]
    """Why something could not be judged."""


@dataclass(frozen=True)
class Judges:
    """Those who judge; None stays away."""

    quality: QualityJudge
    recogniser: Recogniser | None
    encoder: SpeakerEncoder | None
    comparer: Comparer | None

    @classmethod
    def assembled(cls, *, recogniser: Recogniser | None, with_recordings: bool) -> Judges:
        """All judges there is work for. with_recordings: those, too, who compare with recordings.

        Raises MissingExtraError where a package that any of them needs is not installed.
        """
        required("jiwer", need="counting what was heard wrongly", package="jiwer")
        required("pyloudnorm", need="judging at one loudness", package="pyloudnorm")
        return cls(
            quality=QualityJudge(),
            recogniser=recogniser,
            encoder=SpeakerEncoder() if with_recordings else None,
            comparer=Comparer() if with_recordings else None,
        )

    def judge(
        self, sound: Sound, *, id_: str, text: str, language: str, recorded: Take | None = None, is_kept: bool = False
    ) -> Take:
        """What all judges make of a text as it was said. recorded: the recording to compare it with."""
        samples, rate_hz = levelled(sound.samples, sound.sample_rate_hz), sound.sample_rate_hz
        faults: list[str] = []
        heard = errors = spoken = comparison = None
        if self.recogniser is not None and knows(self.recogniser, language):
            heard = hear(self.recogniser, samples, rate_hz, language=language)
            (errors,) = error_rates([text], [heard], language=language)
        quality = _unless_it_cannot_be(lambda: self.quality(samples, rate_hz), faults)
        encoder, comparer = self.encoder, self.comparer
        embedding = None
        if encoder is not None:
            embedding = _unless_it_cannot_be(lambda: encoder(samples, rate_hz), faults)
        if comparer is not None:
            spoken = _unless_it_cannot_be(lambda: comparer.measure(samples, rate_hz), faults)
        if spoken is not None and recorded is not None and recorded.spoken is not None:
            said, other = spoken, recorded.spoken
            comparison = _unless_it_cannot_be(lambda: compare(said, other), faults)
        return Take(
            id=id_,
            text=text,
            duration_s=sound.duration_s,
            made_in_s=sound.made_in_s,
            sound=sound if is_kept else None,
            heard=heard,
            errors=errors,
            quality=quality,
            embedding=embedding,
            spoken=spoken,
            comparison=comparison,
            faults=tuple(dict.fromkeys(faults)),
        )

    def speaker_of(self, sound: Sound) -> Embeddings | None:
        """The embedding alone, [256]; None for silence, or where nobody knows speakers."""
        encoder = self.encoder
        if encoder is None:
            return None
        samples = levelled(sound.samples, sound.sample_rate_hz)
        return _unless_it_cannot_be(lambda: encoder(samples, sound.sample_rate_hz), [])


def _unless_it_cannot_be(measure: Callable[[], T], faults: list[str]) -> T | None:
    """A measure; None, and the reason among the faults, where a sound cannot be judged, such as silence."""
    try:
        return measure()
    except AudioError as error:
        faults.append(str(error))
        return None
