"""Symbols and their ids, and how a sentence's ids are laid out for a model. Both are data of a voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from sonorant.config import config
from sonorant.errors import ConfigError


class SymbolTable:
    """The ids of a voice's symbols. A symbol is one or more characters; an id is a row of its embedding."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        """Raises ConfigError for an empty table, an empty symbol or a negative id."""
        if not ids:
            raise ConfigError("the symbol table is empty: a voice needs at least one symbol")
        for symbol, row in ids.items():
            if not symbol or row < 0:
                raise ConfigError(
                    f"the symbol table has {symbol!r} with id {row}: symbols are not empty, ids not negative"
                )
        self.ids = dict(ids)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.ids

    def __getitem__(self, symbol: str) -> int:
        return self.ids[symbol]

    @property
    def n_rows(self) -> int:
        """Rows an embedding needs so that every id has one."""
        return max(self.ids.values()) + 1

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.ids))

    def split(self, text: str) -> list[str]:
        """Cut text into symbols, the longest first; a character no symbol covers stands alone."""
        if self._longest == 1:
            return list(text)
        symbols: list[str] = []
        at = 0
        while at < len(text):
            width = next(
                (w for w in range(min(self._longest, len(text) - at), 1, -1) if text[at : at + w] in self.ids), 1
            )
            symbols.append(text[at : at + width])
            at += width
        return symbols


class Layout(NamedTuple):
    """Token ids ready for a model, and for each the symbol it stands for (-1: none)."""

    ids: tuple[int, ...]
    symbol_of_token: tuple[int, ...]


@config
class TokenLayout:
    """What surrounds a sentence's symbols: begin and end marks, and a blank between neighbours.

    VITS puts a blank around every symbol; Piper puts its blank between neighbours, marks included.
    """

    begin: str | None = None
    end: str | None = None
    blank: str | None = None
    blank_at_ends: bool = False

    def check(self, table: SymbolTable) -> None:
        """Raises ConfigError when a mark is not in the table."""
        for role, symbol in (("begin", self.begin), ("end", self.end), ("blank", self.blank)):
            if symbol is not None and symbol not in table:
                raise ConfigError(f"the token layout's {role} symbol {symbol!r} is not in the symbol table")

    def arrange(self, ids: Sequence[int], table: SymbolTable) -> Layout:
        """Lay out the ids of a sentence's symbols."""
        marked = [(row, index) for index, row in enumerate(ids)]
        if self.begin is not None:
            marked.insert(0, (table[self.begin], -1))
        if self.end is not None:
            marked.append((table[self.end], -1))
        if self.blank is not None:
            blank = (table[self.blank], -1)
            spaced = [blank] if self.blank_at_ends else []
            for token in marked:
                spaced += (token, blank)
            marked = spaced if self.blank_at_ends or not marked else spaced[:-1]
        return Layout(tuple(row for row, _ in marked), tuple(index for _, index in marked))
