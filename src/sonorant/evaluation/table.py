"""The table, as text."""

from __future__ import annotations

from collections.abc import Sequence

from sonorant.evaluation.figures import FIGURES, Figure
from sonorant.evaluation.rows import Row

LABELS = ("voice", "speaker", "language", "texts", "n", "beside")


def labels(row: Row) -> tuple[str, ...]:
    """Who says what, as LABELS name it. beside: whose recordings it is compared with, where it is not the same."""
    part = row.part
    beside = part.beside if part.beside and part.beside != part.speaker else ""
    return row.voice, part.speaker, part.language, row.texts, str(len(row.takes)), beside


def figures_in(rows: Sequence[Row], *kinds: str) -> list[Figure]:
    """The figures of some kinds that any row has."""
    return [figure for figure in FIGURES if figure.kind in kinds and any(figure.name in row.figures for row in rows)]


def cell(row: Row, figure: Figure) -> str:
    """ "3.1 (1.2–5.0)", or "" where the row has no such figure."""
    if figure.name not in row.figures:
        return ""
    value, bounds = figure.shown(row.figures[figure.name])
    return f"{value} ({bounds})"


def nearest_cell(row: Row) -> str:
    """ "anna 0.913", or "" where there is nobody else."""
    return f"{row.nearest.speaker} {row.nearest.likeness:.3f}" if row.nearest else ""


def lines_of(rows: Sequence[Row], *kinds: str) -> tuple[list[str], list[list[str]]]:
    """A header and the cells of all rows, with the figures of some kinds; columns that say nothing are left out."""
    figures = figures_in(rows, *kinds)
    with_nearest = "heard" in kinds and any(row.nearest for row in rows)
    header = [*LABELS, *(figure.heading for figure in figures), *(["nearest"] if with_nearest else [])]
    cells = [
        [*labels(row), *(cell(row, figure) for figure in figures), *([nearest_cell(row)] if with_nearest else [])]
        for row in rows
        if set(kinds) != {"compared"} or any(figure.name in row.figures for figure in figures)
    ]
    filled = [at for at in range(len(header)) if any(line[at] for line in cells)]
    return [header[at] for at in filled], [[line[at] for at in filled] for line in cells]


def markdown(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """One table of all figures, and notes below it."""
    header, cells = lines_of(rows, "heard", "compared")
    lines = [header, ["---"] * len(header), *cells]
    table = "\n".join("| " + " | ".join(one.replace("|", "\\|") for one in line) + " |" for line in lines)
    figures = figures_in(rows, "heard", "compared")
    meanings = [f"{figure.title}: {figure.meaning}." for figure in figures]
    return f"{table}\n\n" + "".join(f"- {line}\n" for line in (*meanings, *notes))
