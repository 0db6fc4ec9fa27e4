"""An utterance's text as symbols, and which are of which word."""

from __future__ import annotations

import pytest

from sonorant.data.reading import Reading, read_text
from sonorant.text.frontend import Frontend
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.text.symbols import SymbolTable


def read(text: str, *, blanks: bool = True) -> Reading:
    cfg = standard_config(["en"], read_as="characters", blanks=blanks)
    return read_text(Frontend(cfg, cfg.languages[0], SymbolTable(standard_symbols("characters"))), text)


def test_sentences_are_joined_and_words_know_their_symbols() -> None:
    reading = read("One  two. Go on!\nAt 3.")
    assert "".join(reading.symbols) == "one two. go on! at three."
    assert [word.text for word in reading.words] == ["One", "two", "Go", "on", "At", "3"]
    said = ["".join(reading.symbols[word.start : word.end]) for word in reading.words]
    assert said == ["one", "two", "go", "on", "at", "three"]


@pytest.mark.parametrize("blanks", [True, False])
def test_tokens_know_their_symbols(blanks: bool) -> None:
    reading = read("One. Two.", blanks=blanks)
    table = standard_symbols("characters")
    ids = [table[symbol] for symbol in reading.symbols]
    assert [t for t, s in zip(reading.tokens, reading.symbol_of_token, strict=True) if s >= 0] == ids
    assert [s for s in reading.symbol_of_token if s >= 0] == list(range(len(ids)))


@pytest.mark.parametrize(
    ("text", "fault"), [("Go.", ""), ("A ж b 😀", "no symbol for 😀"), ("...", "nothing in the text is spoken")]
)
def test_what_cannot_be_said_has_a_fault(text: str, fault: str) -> None:
    assert read(text).fault == fault
