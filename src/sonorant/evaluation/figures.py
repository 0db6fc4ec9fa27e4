"""The figures of a row of the table, each with its interval, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sonorant.evaluation.bootstrap import Interval, interval
from sonorant.evaluation.likeness import Embeddings, halves, likeness_of
from sonorant.evaluation.takes import Take

Kind = Literal["heard", "compared", "scale"]


@dataclass(frozen=True)
class Figure:
    """A figure by its name in the report. factor: from the number to what is shown."""

    name: str
    title: str
    unit: str
    factor: float
    n_decimals: int
    aim: Literal["lower", "higher", "one"]
    kind: Kind
    """heard: of the speech alone; compared: beside recordings; scale: one of the scales behind a figure."""
    meaning: str

    @property
    def heading(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def shown(self, found: Interval) -> tuple[str, str]:
        """The value, and its bounds."""
        value, low, high = (f"{self.factor * x:.{self.n_decimals}f}" for x in (found.value, found.low, found.high))
        return value, f"{low}–{high}"


FIGURES = (
    Figure("character_error_rate", "CER", "%", 100, 1, "lower", "heard", "characters that a recogniser heard wrongly"),
    Figure("word_error_rate", "WER", "%", 100, 1, "lower", "heard", "words that a recogniser heard wrongly"),
    Figure("quality_overall", "DNSMOS", "", 1, 2, "higher", "heard", "sound quality, 1 to 5, as DNSMOS guesses"),
    Figure(
        "likeness", "Likeness", "", 1, 3, "higher", "heard",
        "cosine to the speaker's recordings; in the recordings' own row, between two halves of them",
    ),
    Figure(
        "real_time_factor", "RTF", "", 1, 3, "lower", "heard", "seconds it took to make one second of speech, here"
    ),
    Figure("distortion_db", "MCD", "dB", 1, 2, "lower", "compared", "mel-cepstral distortion: the distance in timbre"),
    Figure("pitch_rmse_cents", "F0 RMSE", "cents", 1, 0, "lower", "compared", "distance in pitch, where both have one"),
    Figure("voicing_error", "V/UV", "%", 100, 1, "lower", "compared", "frames in which only one of both is voiced"),
    Figure(
        "duration_error", "Duration", "%", 100, 1, "lower", "compared",
        "how far the length of a text is off, as the mean of |ln(said / recorded)|",
    ),
    Figure("pace", "Pace", "×", 1, 2, "one", "compared", "length of all that was said over that of the recordings"),
    Figure("quality_signal", "SIG", "", 1, 2, "higher", "scale", "DNSMOS of the speech itself"),
    Figure("quality_background", "BAK", "", 1, 2, "higher", "scale", "DNSMOS of what is not speech; 5: unnoticed"),
    Figure("quality_p808", "P.808", "", 1, 2, "higher", "scale", "DNSMOS on the single scale of P.808"),
)  # fmt: skip

Figures = Mapping[str, Interval]


def figures_of(takes: Sequence[Take], *, recorded: Embeddings | None, seed: int) -> Figures:
    """The figures there are, by name.

    recorded: the embeddings of the speaker's recordings, [m, 256]; None where the takes are the recordings themselves.
    """

    def ratio(pairs: Sequence[tuple[float, float]]) -> Interval | None:
        above, below = ([pair[at] for pair in pairs] for at in (0, 1))
        return interval(above, below, seed=seed) if sum(below) > 0 else None

    errors = [take.errors for take in takes if take.errors]
    qualities = [take.quality for take in takes if take.quality]
    compared = [take.comparison for take in takes if take.comparison]
    made = [(take.made_in_s, take.duration_s) for take in takes if take.made_in_s is not None]
    mean_square = ratio([(c.pitch.squared_cents, c.pitch.n_voiced) for c in compared])
    found = {
        "character_error_rate": ratio([(e.character_edits, e.n_characters) for e in errors]),
        "word_error_rate": ratio([(e.word_edits, e.n_words) for e in errors]),
        "quality_overall": ratio([(q.overall, 1) for q in qualities]),
        "quality_signal": ratio([(q.signal, 1) for q in qualities]),
        "quality_background": ratio([(q.background, 1) for q in qualities]),
        "quality_p808": ratio([(q.p808, 1) for q in qualities]),
        "likeness": _likeness(embeddings_of(takes), recorded, seed),
        "real_time_factor": ratio(made),
        # A pair of frames counts the same in a long recording and in a short one.
        "distortion_db": ratio([(c.distortion_db * len(c.path), len(c.path)) for c in compared]),
        "pitch_rmse_cents": mean_square.root() if mean_square else None,
        "voicing_error": ratio([(c.pitch.n_unlike, c.pitch.n_pairs) for c in compared]),
        "duration_error": ratio([(c.duration.log_ratio, 1) for c in compared]),
        "pace": ratio([(c.duration.said_s, c.duration.recorded_s) for c in compared]),
    }
    return {figure.name: measured for figure in FIGURES if (measured := found[figure.name]) is not None}


def embeddings_of(takes: Sequence[Take]) -> Embeddings:
    """[n, 256], of the takes that have one."""
    embeddings = [take.embedding for take in takes if take.embedding is not None]
    return np.stack(embeddings) if embeddings else np.zeros((0, 256), np.float32)


def _likeness(said: Embeddings, recorded: Embeddings | None, seed: int) -> Interval | None:
    if recorded is None:
        return halves(said, seed=seed) if len(said) > 1 else None
    return likeness_of(said, recorded) if len(said) and len(recorded) else None
