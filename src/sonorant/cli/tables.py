"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with every column as wide as it needs; a column of numbers stands at its right edge."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    is_number = [all(_is_number(row[at]) for row in rows) for at in range(len(header))]
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in (header, *rows)
    ]


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(",", "").replace(".", "", 1).isdecimal()
