"""Pronunciation lexicons."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.errors import TextError
from sonorant.text.lexicon import Lexicon, find


def hits(text: str, *lexicons: Lexicon) -> list[tuple[str, str]]:
    return [(text[hit.start : hit.end], hit.ipa) for hit in find(text, lexicons)]


def test_words_match_whole_and_whatever_their_case() -> None:
    lexicon = Lexicon({"gif": "dʒɪf"}, name="x")
    assert hits("A GIF, a gif; gifted.", lexicon) == [("GIF", "dʒɪf"), ("gif", "dʒɪf")]


def test_the_exact_case_wins() -> None:
    lexicon = Lexicon({"polish": "pɑlɪʃ", "Polish": "poʊlɪʃ"}, name="x")
    assert hits("Polish polish", lexicon) == [("Polish", "poʊlɪʃ"), ("polish", "pɑlɪʃ")]


def test_the_longest_entry_wins() -> None:
    lexicon = Lexicon({"new": "a", "new york": "b", "new york city": "c"}, name="x")
    assert hits("New York is new", lexicon) == [("New York", "b"), ("new", "a")]


def test_an_entry_may_hold_a_point_or_an_apostrophe() -> None:
    lexicon = Lexicon({"Dr.": "dɹ", "o'clock": "klɑk"}, name="x")
    assert hits("Dr. No at five o'clock.", lexicon) == [("Dr.", "dɹ"), ("o'clock", "klɑk")]


def test_earlier_lexicons_decide() -> None:
    first, second = Lexicon({"a": "1"}, name="1"), Lexicon({"a": "2", "b": "2"}, name="2")
    assert hits("a b", first, second) == [("a", "1"), ("b", "2")]


def test_a_file_holds_word_tab_ipa(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("# comment\n\nGIF\t/dʒɪf/\n", encoding="utf-8")
    assert Lexicon.read(path).entries == {"GIF": "dʒɪf"}


@pytest.mark.parametrize("line", ["GIF dʒɪf", "GIF\t", "\tdʒɪf"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "l.txt"
    path.write_text(f"# ok\n{line}\n", encoding="utf-8")
    with pytest.raises(TextError, match="line 2"):
        Lexicon.read(path)


def test_what_looks_the_same_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text("o'clock\tklɑk\ncafe\u0301\tkæfeɪ\n", encoding="utf-8-sig")
    assert hits("o’clock café", Lexicon.read(path)) == [("o’clock", "klɑk"), ("café", "kæfeɪ")]
