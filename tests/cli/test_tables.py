"""Tables line up."""

from __future__ import annotations

from sonorant.cli.tables import table


def test_words_stand_left_and_numbers_right() -> None:
    assert table(("name", "n", "meaning"), [("a", "1,234", "first"), ("longer", "5.6", "")]) == [
        "name        n  meaning",
        "a       1,234  first",
        "longer    5.6",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert table(("name", "number"), []) == ["name  number"]
