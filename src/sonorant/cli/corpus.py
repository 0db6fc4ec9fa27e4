"""`sonorant corpus`: recordings and their texts, made ready for training."""

from __future__ import annotations

from collections.abc import Sequence

import typer

app = typer.Typer(help="Corpora: recordings and their texts, made ready for training.", no_args_is_help=True)


@app.command("list")
def list_corpora() -> None:
    """List the corpora that can be imported."""
    from sonorant.data.corpora import CORPORA

    rows = [("name", "corpus", "languages", "size", "licence")]
    rows += [(each.name, each.title, each.languages, each.size, each.licence) for each in CORPORA.values()]
    _print_table(rows)


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
