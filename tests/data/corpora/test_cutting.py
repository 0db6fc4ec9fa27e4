"""Long recordings are cut where it is safe, and only there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from sonorant.audio.speech_activity import Dip, Span
from sonorant.data.corpora.cutting import Piece, cut

SENTENCES = (
    "The conference will begin when the leader arrives.",
    "Press one.",
    "You may end the test by hanging up, or by pressing the pound key.",
    "Thank you.",
    "If you would like to learn more, stay on the line.",
    "Goodbye.",
)
S_PER_LETTER = 0.07


@dataclass(frozen=True)
class Reading:
    """How somebody might read sentences."""

    text: str
    whole: Span
    dips: list[Dip]
    ends_s: dict[str, float]
    """The middle of the pause after each sentence."""


def read_aloud(
    sentences: tuple[str, ...], *, seed: int, pause_s: float = 0.35, unevenness: float = 0.08, spoken: str | None = None
) -> Reading:
    """A reading at an uneven pace, with pauses after sentences, half of the commas, and some closed mouths.

    spoken: what is really said, if not the text.
    """
    rng = np.random.default_rng(seed)
    at_s, dips, ends_s = 0.0, [], {}

    def pause(duration_s: float) -> None:
        nonlocal at_s
        span = Span(at_s, at_s + duration_s)
        dips.append(Dip(span, span.start_s + duration_s / 2))
        at_s = span.end_s

    for number, sentence in enumerate(sentences):
        for part, clause in enumerate(sentence.split(",")):
            if part and rng.random() < 0.5:
                pause(rng.uniform(0.1, 0.2))
            for word in (spoken or clause).split():
                at_s += S_PER_LETTER * sum(map(str.isalpha, word)) * rng.normal(1, unevenness)
                if rng.random() < 0.2:
                    pause(rng.uniform(0.05, 0.09))
                    at_s += 0.02
        if number < len(sentences) - 1:
            pause(pause_s * rng.uniform(0.7, 1.3))
            ends_s[sentence] = dips[-1].quietest_s
    return Reading(" ".join(sentences), Span(0.0, at_s), dips, ends_s)


def pieces_of(reading: Reading, *, max_duration_s: float = 5.0) -> list[Piece | str]:
    return cut(
        reading.whole, reading.dips, reading.text, language="en-us", max_duration_s=max_duration_s, margin_s=0.08
    )


@pytest.mark.parametrize("seed", range(20))
def test_sentences_are_cut_at_their_ends(seed: int) -> None:
    reading = read_aloud(SENTENCES, seed=seed)
    pieces = [piece for piece in pieces_of(reading) if isinstance(piece, Piece)]
    assert len(pieces) >= 2
    for piece in pieces:
        last = next((sentence for sentence in SENTENCES if piece.text.endswith(sentence)), None)
        assert last is not None, piece.text
        if last in reading.ends_s:
            assert piece.span.end_s == pytest.approx(reading.ends_s[last], abs=0.25)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_short_enough_and_hold_the_text_in_order(seed: int) -> None:
    pieces = pieces_of(read_aloud(SENTENCES, seed=seed))
    said = [piece.text if isinstance(piece, Piece) else piece.partition(": '")[2][:-1] for piece in pieces]
    assert " ".join(said) == " ".join(SENTENCES)
    spans = [piece.span for piece in pieces if isinstance(piece, Piece)]
    assert all(span.duration_s <= 5.0 for span in spans)
    assert all(before.end_s <= after.start_s for before, after in pairwise(spans))


@pytest.mark.parametrize("seed", range(20))
def test_a_text_that_is_not_what_is_said_is_not_cut_up(seed: int) -> None:
    """Every sentence but the first is said as one long word: no pause lies where the letters want it."""
    text = ("Yes, no, yes.", "No.", *("A sentence that is not what anybody says at all here." for _ in range(3)))
    other = read_aloud(text, seed=seed, spoken="incomprehensibilities unquestionably", pause_s=0.12, unevenness=0.5)
    assert not [piece for piece in pieces_of(other, max_duration_s=2.0) if isinstance(piece, Piece)]


def test_pauses_of_the_same_length_everywhere_are_no_ground_to_cut() -> None:
    """Between two short sentences, any of many equal dips might be the end of the first."""
    dips = [Dip(Span(t, t + 0.1), t + 0.05) for t in np.arange(0.5, 10, 0.3)]
    outcome = cut(
        Span(0.0, 10.0), dips, "Some words to say here. Some more words to say.",
        language="en-us", max_duration_s=6.0, margin_s=0.08,
    )  # fmt: skip
    assert [type(piece) for piece in outcome] == [str]


@pytest.mark.parametrize("text", ["One sentence and no mark", "", "...", "One. Two. Three."])
def test_without_dips_there_are_no_cuts(text: str) -> None:
    (reason,) = cut(Span(0.0, 20.0), [], text, language="en-us", max_duration_s=14.0, margin_s=0.08)
    assert isinstance(reason, str)
    assert reason.startswith("20.0 s without a pause")


def test_only_a_margin_of_a_long_pause_is_kept() -> None:
    dip = Dip(Span(4.0, 6.0), 5.0)
    first, second = cut(
        Span(0.0, 10.0), [dip], "The first sentence has words. The second sentence has words.",
        language="en-us", max_duration_s=6.0, margin_s=0.08,
    )  # fmt: skip
    assert isinstance(first, Piece)
    assert isinstance(second, Piece)
    assert first.span == Span(0.0, 4.08)
    assert second.span == Span(5.92, 10.0)


def test_numbers_count_as_they_are_said() -> None:
    """By its characters alone, the first sentence would be the shorter one."""
    dips = [Dip(Span(2.6, 3.0), 2.8), Dip(Span(7.4, 7.8), 7.6)]
    first, second = cut(
        Span(0.0, 10.4), dips, "Dial 1234 or 8500. This one ends soon.",
        language="en-us", max_duration_s=8.0, margin_s=0.08,
    )  # fmt: skip
    assert isinstance(first, Piece)
    assert isinstance(second, Piece)
    assert first.text == "Dial 1234 or 8500."
    assert first.span.end_s == pytest.approx(7.48)
    assert second.text == "This one ends soon."
