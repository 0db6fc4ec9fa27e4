"""What is said in an utterance: the symbols of its whole text, and which of them are whose."""

from __future__ import annotations

from dataclasses import dataclass

from sonorant.config import config
from sonorant.text.frontend import Frontend


@config
class SymbolSpan:
    """A word as written, and its symbols: from `start` up to, and without, `end`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """A text as a model sees it, its sentences joined.

    symbols: the phonemes, word breaks and marks. words: those that are said. tokens: ids as laid out for the model;
    symbol_of_token: index into `symbols`, -1 for blanks and marks of the layout. unknown: what has no symbol.
    """

    symbols: tuple[str, ...]
    words: tuple[SymbolSpan, ...]
    tokens: tuple[int, ...]
    symbol_of_token: tuple[int, ...]
    unknown: frozenset[str]

    @property
    def fault(self) -> str:
        """Why nothing can be learned from it, "" if something can."""
        if self.unknown:
            return f"no symbol for {' '.join(sorted(self.unknown))}"
        return "" if self.symbols else "nothing in the text is spoken"


def read_text(reader: Frontend, text: str) -> Reading:
    """An utterance's text through a front end. Raises TextError for broken markup."""
    symbols: list[str] = []
    words: list[SymbolSpan] = []
    unknown: set[str] = set()
    for sentence in reader(" ".join(text.split())):
        unknown |= set(sentence.unknown)
        if symbols and sentence.symbols and reader.cfg.word_break:
            symbols.append(reader.cfg.word_break)
        first_of: dict[int, int] = {}
        end_of: dict[int, int] = {}
        for place, owner in enumerate(sentence.word_of_symbol, len(symbols)):
            first_of.setdefault(owner, place)
            end_of[owner] = place + 1
        for index, word in enumerate(sentence.words):
            if index in first_of:
                words.append(SymbolSpan(text=word.text, start=first_of[index], end=end_of[index]))
        symbols += sentence.symbols
    layout = reader.cfg.layout.arrange([reader.table[symbol] for symbol in symbols], reader.table)
    return Reading(tuple(symbols), tuple(words), layout.ids, layout.symbol_of_token, frozenset(unknown))
