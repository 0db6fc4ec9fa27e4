"""Symbol tables and token layouts."""

from __future__ import annotations

import pytest

from sonorant.errors import ConfigError
from sonorant.text.standard import standard_symbols, vits_symbols
from sonorant.text.symbols import SymbolTable, TokenLayout

TABLE = SymbolTable({"_": 0, "^": 1, "$": 2, "a": 3, "b": 4, "ts": 5, "t": 6})


def test_the_longest_symbol_wins() -> None:
    assert TABLE.split("atsbt") == ["a", "ts", "b", "t"]


def test_what_no_symbol_covers_stands_alone() -> None:
    assert TABLE.split("a?ts") == ["a", "?", "ts"]


def test_vits_puts_a_blank_around_every_symbol() -> None:
    layout = TokenLayout(blank="_", blank_at_ends=True).arrange([3, 4], TABLE)
    assert layout.ids == (0, 3, 0, 4, 0)
    assert layout.symbol_of_token == (-1, 0, -1, 1, -1)


def test_piper_puts_its_blank_between_neighbours_marks_included() -> None:
    layout = TokenLayout(begin="^", end="$", blank="_").arrange([3, 4], TABLE)
    assert layout.ids == (1, 0, 3, 0, 4, 0, 2)
    assert layout.symbol_of_token == (-1, -1, 0, -1, 1, -1, -1)


def test_a_plain_layout_adds_nothing() -> None:
    assert TokenLayout().arrange([3, 4], TABLE).ids == (3, 4)


def test_a_layout_may_only_use_symbols_of_the_table() -> None:
    with pytest.raises(ConfigError, match=r"blank symbol '#' is not in the symbol table"):
        TokenLayout(blank="#").check(TABLE)


@pytest.mark.parametrize("ids", [{}, {"": 0}, {"a": -1}])
def test_a_broken_table_is_refused(ids: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        SymbolTable(ids)


def test_the_vits_table_is_the_published_one() -> None:
    table = vits_symbols()
    assert max(table.values()) + 1 == 178
    assert (table["_"], table[" "], table["A"], table["z"], table["'"]) == (0, 16, 17, 68, 176)
    assert 174 not in table.values()


def test_the_standard_table_keeps_the_vits_ids() -> None:
    assert standard_symbols().items() >= vits_symbols().items()
