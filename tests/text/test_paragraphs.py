"""Text as it arrives: paragraphs, encodings, limits."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import TextError
from sonorant.text.paragraphs import MAX_LINE_CHARS, decoded_lines, paragraphs


def test_blank_lines_divide_and_line_breaks_join() -> None:
    assert list(paragraphs(["One", "two.", "", " ", "Three."])) == ["One two.", "Three."]


def test_bullets_start_paragraphs_of_their_own() -> None:
    assert list(paragraphs(["Buy:", "- milk", "- bread and", "  butter", "1. eat"])) == [
        "Buy:", "- milk", "- bread and butter", "1. eat",
    ]  # fmt: skip


def test_a_long_block_is_given_in_parts() -> None:
    parts = list(paragraphs(["word " * 200] * 100))
    assert len(parts) > 3
    assert sum(part.count("word") for part in parts) == 20_000


@given(st.lists(st.text()))
def test_no_word_is_lost(lines: list[str]) -> None:
    def letters(texts: list[str]) -> str:
        return "".join(c for text in texts for c in text if c.isalnum())

    assert letters(list(paragraphs(lines))) == letters(lines)


def test_utf8_is_decoded_line_by_line() -> None:
    assert list(decoded_lines(io.BytesIO("é\nя".encode()), source="s")) == ["é\n", "я"]


def test_other_encodings_are_refused_with_their_place() -> None:
    with pytest.raises(TextError, match=r"book line 2: byte 0xe9 at column 4 is not UTF-8"):
        list(decoded_lines(io.BytesIO(b"ok\ncaf\xe9\n"), source="book"))


@pytest.mark.parametrize("char", ["a", "é", "😀"])
def test_a_line_without_end_is_refused(char: str) -> None:
    stream = io.BytesIO((char * (MAX_LINE_CHARS + 1)).encode())
    with pytest.raises(TextError, match="line 1: longer than 200,000 characters"):
        list(decoded_lines(stream, source="s"))
    with pytest.raises(TextError, match="longer than"):
        list(paragraphs([char * (MAX_LINE_CHARS + 1)]))
