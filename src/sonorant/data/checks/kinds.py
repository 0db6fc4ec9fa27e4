"""What `sonorant corpus check` can find and measure, and where it draws the line."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from sonorant.config import config

FAULTS = {
    "unreadable": "the recording is missing or cannot be decoded",
    "truncated": "the recording ends before it should",
    "duration": "the recording is not as long as the manifest says",
    "not_finite": "samples are NaN or infinite",
    "no_speech": "nothing is spoken",
    "silence": "too long a silence at the start or the end",
    "clipping": "too many samples at full scale",
    "loudness": "too quiet, or far from the speaker's usual loudness",
    "unspeakable": "the text cannot be spoken, or holds no word",
    "symbols": "characters or phonemes that the front end does not know",
    "rate": "far slower or faster than the speaker usually is",
    "duplicate": "the same audio under another id",
    "leakage": "validation or test holds what an earlier split holds",
    "cer": "a recogniser hears another text",
}
"""Every kind of fault, and what it means."""

MEASURES = {
    "silence_start_s": "silence before the first speech",
    "silence_end_s": "silence after the last speech",
    "longest_pause_s": "the longest pause between two stretches of speech",
    "clipped_share": "share of the samples at full scale or on a flat top",
    "loudness_lufs": "loudness after ITU-R BS.1770",
    "n_phonemes": "phonemes of the text",
    "seconds_per_phoneme": "seconds of speech, pauses left out, for each phoneme",
    "cer": "edits per character between the text and what a recogniser hears",
    "per": "edits per phoneme between the two",
    "audio_hash": "a number that the same samples share",
    "text_hash": "a number that texts said alike share",
}
"""Every measure, and what it tells. A measure that could not be taken is absent."""


@config
class Limits:
    """Where a measure becomes a fault."""

    duration_tolerance_s: float = 0.1
    max_silence_s: float = 1.0
    max_clipped_share: float = 0.001
    min_loudness_lufs: float = -45.0
    max_loudness_z: float = 5.0
    """Robust z: distance from the median in MADs scaled to standard deviations."""
    min_loudness_apart_db: float = 6.0
    """No outlier is nearer to the median, however alike the others are."""
    max_rate_z: float = 5.0
    min_rate_apart: float = 1.5
    """No outlier is nearer to the median, as a factor."""
    min_group: int = 20
    """Outliers are looked for among so many utterances or more."""
    max_cer: float = 0.3
    """Only a fault where the phonemes differ as much: a recogniser may write "see" for the letter c."""
    min_phoneme_edits: int = 3
    """Only a fault where so many phonemes differ: a recogniser guesses at a word of two."""

    def __post_init__(self) -> None:
        for part in fields(self):
            if not math.isfinite(getattr(self, part.name)):
                raise ValueError(f"{part.name} is {getattr(self, part.name)}: it must be a finite number")
        for name in ("duration_tolerance_s", "max_silence_s", "max_clipped_share", "max_cer"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}: it may not be negative")
        if self.min_group < 2:
            raise ValueError(f"min_group is {self.min_group}: at least 2 are needed to tell an outlier")


@dataclass(frozen=True)
class Findings:
    """What was found in one utterance: measures by name, and faults by kind with their reasons."""

    measures: dict[str, float] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def hash_number(data: bytes) -> float:
    """A whole number that differs between data that differ: 52 bits of SHA-256, which a float holds exactly."""
    import hashlib

    return float(int.from_bytes(hashlib.sha256(data).digest()[:8], "big") >> 12)
