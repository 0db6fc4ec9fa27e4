"""Long recordings cut into pieces at their pauses, where it is safe to say which words lie on which side.

The marks of the text (sentence ends, commas) are matched to the dips of the recording by a semi-Markov model: between
two marks that are heard as pauses, the speech lasts about as long as its letters need; a pause at a mark is longer than
the closed mouth of a consonant; and not every mark is heard. The forward-backward sums over all ways to match give each
mark's probability of lying at each dip, and only marks that are all but certain become cuts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.speech_activity import Dip, Span

# What a mark must reach to be cut at.
_CERTAIN = 0.95

# Standard deviation of how long letters take, in seconds and as a part of the time they need on average.
_DEVIATION_S = 0.1
_DEVIATION = 0.09

# The log odds of a pause against a consonant rise with the length of the dip; they are even at the second number.
_LOG_ODDS_PER_S = 30.0
_EVEN_S = 0.13
_MAX_LOG_ODDS = 5.0

# How often no pause is heard at a mark.
_SILENT_SENTENCE_END = 0.03
_SILENT_MARK = 0.4

# So many marks in a row may go unheard.
_MAX_UNHEARD = 6

_MARK = re.compile(r"[^\W\d_][^\s\w]*[,;:.!?…](?=\s)|\s[-–—](?=\s)|\d[^\s\w]*[,;:](?=\s)")


@dataclass(frozen=True)
class Piece:
    """A part of a recording and what is said in it."""

    span: Span
    text: str


@dataclass(frozen=True)
class _Clause:
    """A stretch of the text up to a mark."""

    text: str
    n_letters: int
    ends_sentence: bool


@dataclass(frozen=True)
class _Cut:
    """A mark that lies at a dip for all but certain."""

    after_clause: int
    dip: Dip
    ends_sentence: bool


def cut(
    whole: Span, dips: Sequence[Dip], text: str, *, language: str, max_duration_s: float, margin_s: float
) -> list[Piece | str]:
    """Pieces of a recording no longer than `max_duration_s`, and in place of each that cannot be had, the reason.

    whole: where the recording speaks; dips: those within. Around a cut at most `margin_s` of the pause is kept.
    """
    clauses = _clauses(text, language)
    cuts = _cuts(whole, dips, clauses)
    ends: list[_Cut | None] = [*cuts, None]
    pieces: list[Piece | str] = []
    start_s, first, at = whole.start_s, 0, 0
    while at < len(ends):
        reachable = [n for n in range(at, len(ends)) if _end_s(ends[n], whole, margin_s) - start_s <= max_duration_s]
        at_sentence_ends = [n for n in reachable if _ends_sentence(ends[n])]
        n = (at_sentence_ends or reachable or [at])[-1]
        end = ends[n]
        after = len(clauses) if end is None else end.after_clause
        said = "".join(clause.text for clause in clauses[first:after]).strip()
        span = Span(start_s, _end_s(end, whole, margin_s))
        if reachable:
            pieces.append(Piece(span, said))
        else:
            pieces.append(f"{span.duration_s:.1f} s without a pause that is safe to cut at: {said!r}")
        if end is not None:
            start_s = max(end.dip.quietest_s, end.dip.span.end_s - margin_s)
        first, at = after, n + 1
    return pieces


def _ends_sentence(end: _Cut | None) -> bool:
    return end is None or end.ends_sentence


def _end_s(end: _Cut | None, whole: Span, margin_s: float) -> float:
    return whole.end_s if end is None else min(end.dip.quietest_s, end.dip.span.start_s + margin_s)


def _clauses(text: str, language: str) -> list[_Clause]:
    from sonorant.text.normalize import normalizer_for
    from sonorant.text.sentences import sentence_ends

    normalize = normalizer_for(language)
    sentences = set(sentence_ends(text, language))
    marks = sorted(sentences | {match.end() for match in _MARK.finditer(text)} | {0, len(text)})
    clauses: list[_Clause] = []
    held = ""
    for start, end in pairwise(marks):
        held += text[start:end]
        n_letters = sum(character.isalpha() for piece in normalize(held) for character in piece.spoken)
        if n_letters or not clauses:
            clauses.append(_Clause(held, n_letters, end in sentences))
            held = ""
    if held:
        clauses[-1] = _Clause(clauses[-1].text + held, clauses[-1].n_letters, True)
    return clauses


def _cuts(whole: Span, dips: Sequence[Dip], clauses: Sequence[_Clause]) -> list[_Cut]:
    """The marks that lie at a dip for all but certain."""
    if len(clauses) < 2 or not dips:
        return []
    probability = _probabilities(whole, dips, clauses)
    cuts = []
    for mark, row in enumerate(probability):
        if row.max() >= _CERTAIN:
            cuts.append(_Cut(mark + 1, dips[int(row.argmax())], clauses[mark].ends_sentence))
    return cuts


def _probabilities(whole: Span, dips: Sequence[Dip], clauses: Sequence[_Clause]) -> NDArray[np.float64]:
    """How probably each mark but the last lies at each dip: [marks, dips]."""
    # A clock that stands still in dips, so that a long pause costs no letters. Its first and last tick stand for the
    # ends of the recording, at which the text starts and ends.
    silent = np.array([dip.span.duration_s for dip in dips])
    middle = np.array([(dip.span.start_s + dip.span.end_s) / 2 for dip in dips])
    clock = np.concatenate([[whole.start_s], middle - np.cumsum(silent) + silent / 2, [whole.end_s - silent.sum()]])
    letters = np.concatenate([[0], np.cumsum([clause.n_letters for clause in clauses])])
    s_per_letter = (clock[-1] - clock[0]) / letters[-1]
    n_marks, n_ticks = len(clauses), len(clock)

    unheard = np.array([_SILENT_SENTENCE_END if clause.ends_sentence else _SILENT_MARK for clause in clauses])
    log_odds = np.clip(_LOG_ODDS_PER_S * (silent - _EVEN_S), -np.inf, _MAX_LOG_ODDS)
    # A mark before the last is heard at a dip, the last one at the end of the recording.
    at_tick = np.full((n_marks + 1, n_ticks), -np.inf)
    at_tick[0, 0] = at_tick[n_marks, -1] = 0.0
    at_tick[1:n_marks, 1:-1] = np.log1p(-unheard[:-1, None]) + log_odds

    def step(first: int, after: int) -> NDArray[np.float64]:
        """The log probability that the clauses between two heard marks fill the time between two ticks."""
        expected_s = (letters[after] - letters[first]) * s_per_letter
        deviation_s = np.hypot(_DEVIATION_S, _DEVIATION * expected_s)
        took_s = clock[None, :] - clock[:, None]
        fit = -0.5 * ((took_s - expected_s) / deviation_s) ** 2 - np.log(deviation_s)
        return np.where(took_s > 0, fit + np.log(unheard[first : after - 1]).sum(), -np.inf)

    steps = {
        (first, after): step(first, after)
        for after in range(1, n_marks + 1)
        for first in range(max(0, after - _MAX_UNHEARD - 1), after)
    }
    forward, backward = at_tick.copy(), np.full_like(at_tick, -np.inf)
    forward[1:] = -np.inf
    backward[n_marks, -1] = 0.0
    for after in range(1, n_marks + 1):
        ways = [forward[first][:, None] + steps[first, after] for first, end in steps if end == after]
        forward[after] = at_tick[after] + _log_sum(np.concatenate(ways, axis=0), axis=0)
    for first in range(n_marks - 1, -1, -1):
        ways = [
            steps[first, after] + (at_tick[after] + backward[after])[None, :] for end, after in steps if end == first
        ]
        backward[first] = _log_sum(np.concatenate(ways, axis=1), axis=1)
    total = forward[n_marks, -1]
    if not np.isfinite(total):
        return np.zeros((n_marks - 1, len(dips)))
    result: NDArray[np.float64] = np.exp(forward[1:n_marks, 1:-1] + backward[1:n_marks, 1:-1] - total)
    return result


def _log_sum(logs: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    peak = logs.max(axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        summed: NDArray[np.float64] = np.log(np.exp(logs - peak).sum(axis=axis)) + np.squeeze(peak, axis=axis)
    return summed
