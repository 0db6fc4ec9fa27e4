"""The tables of cases, and the laws that hold on any text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import TextError
from sonorant.text.normalize import LANGUAGES, Piece, normalizer_for

CASES = Path(__file__).parent / "cases"
LETTERS_AND_SIGNS = "0123456789aZéяЖ가개월분ㅋIVX.,:;-–−+/'’\"$€£%°²½₂№#@&*_~^|\\()<>= \u00a0\n™"


def _rows(language: str) -> list[tuple[str, str, str]]:
    lines = (CASES / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [[*line.split("\t"), ""][:3] for line in lines if line.strip() and not line.startswith("# ")]
    return [(written, spoken, rule) for written, spoken, rule in rows]


def _spoken(pieces: list[Piece]) -> str:
    return "".join(piece.spoken for piece in pieces)


ROWS = [(language, *row) for language in LANGUAGES for row in _rows(language)]


@pytest.mark.parametrize(("language", "written", "spoken", "rule"), ROWS)
def test_is_said_as_in_the_table(language: str, written: str, spoken: str, rule: str) -> None:
    pieces = normalizer_for(language)(written)
    assert _spoken(pieces) == spoken
    assert not rule or rule in {piece.rule for piece in pieces}
    assert "".join(piece.text for piece in pieces) == written


@pytest.mark.parametrize(("language", "spoken"), [(row[0], row[2]) for row in ROWS])
def test_said_text_is_left_alone(language: str, spoken: str) -> None:
    assert _spoken(normalizer_for(language)(spoken)) == spoken


WRITTEN = [row[1] for row in ROWS]
MIXED = st.lists(st.sampled_from(WRITTEN).flatmap(lambda row: st.sampled_from([row, row[2:], row[:-2]]))).map("".join)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.text() | st.text(alphabet=LETTERS_AND_SIGNS, max_size=60) | MIXED)
def test_laws_hold_on_any_text(language: str, text: str) -> None:
    pieces = normalizer_for(language)(text)
    assert "".join(piece.text for piece in pieces) == text
    assert not set(_spoken(pieces)) & set("0123456789")
    for piece in pieces:
        assert piece.text
        if piece.rule:
            assert piece.text == piece.text.strip()
            assert piece.spoken == piece.spoken.strip()
        else:
            assert piece.spoken == piece.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "unit",
    ["1", "1,", "1.", "1,1", "1,111", "1 000 ", "111 ", "1-", "1/", "1:", "a", "a.", "a1", "a-", "a@", "A.", "V", "$",
     "$1", "*", "(1", ".1", "1%", "www.", "½", "²", "St. "],
)  # fmt: skip
def test_time_is_linear(language: str, unit: str) -> None:
    text = unit * (25_000 // len(unit))
    normalize = normalizer_for(language)
    normalize("1")
    began = time.process_time()
    normalize(text)
    # Measured under 0.5 s, with both threads of a core busy under 1 s; anything quadratic takes ten times as long.
    assert time.process_time() - began < 4


def test_a_written_unit_is_one_piece() -> None:
    normalize = normalizer_for("en")
    assert normalize("It is $3.50 at 5 p.m. now") == [
        Piece("It is ", "It is ", ""),
        Piece("$3.50", "three dollars and fifty cents", "money"),
        Piece(" at ", " at ", ""),
        Piece("5 p.m.", "five P M", "time"),
        Piece(" now", " now", ""),
    ]


def test_signs_written_tight_are_said_apart() -> None:
    assert normalizer_for("en")("2+2=4") == [Piece("2+2=4", "two plus two equals four", "number")]


@pytest.mark.parametrize(("tag", "spoken"), [("en-us", "three"), ("en_GB", "three"), ("es-419", "tres"), ("none", "3")])
def test_a_language_is_found_by_its_base(tag: str, spoken: str) -> None:
    assert _spoken(normalizer_for(tag)("3")) == spoken


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(TextError, match="'xx'; expected one of en, es, fr, it, ko, ru or none"):
        normalizer_for("xx")


def test_nothing_becomes_nothing() -> None:
    assert [normalizer_for(language)("") for language in (*LANGUAGES, "none")] == [[]] * 7
