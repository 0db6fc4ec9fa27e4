"""`sonorant corpus`: recordings and their texts, made ready for training."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sonorant.cli import corpus_manifest, corpus_shard, corpus_speak

if TYPE_CHECKING:
    from sonorant.data.corpora import Imported

app = typer.Typer(help="Corpora: recordings and their texts, made ready for training.", no_args_is_help=True)

# A corpus of a thousand speakers is summed up by its largest; the manifest knows the others.
_MOST_ROWS = 20
_SECONDS_BETWEEN_REPORTS = 0.1


@app.command("list")
def list_corpora() -> None:
    """List the corpora that can be imported."""
    from sonorant.data.corpora import CORPORA

    rows = [(each.name, each.title, each.languages, each.size, each.licence) for each in CORPORA.values()]
    _print_table(("name", "corpus", "languages", "size", "licence"), rows)


@app.command("import")
def import_(
    name: Annotated[str, typer.Argument(help="A corpus by its name in 'sonorant corpus list'.")],
    out: Annotated[Path, typer.Argument(help="The folder to make: manifest.jsonl, rejected.jsonl, decoded audio.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="The corpus's own folder, which is only read; none to download it.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="For a folder of wav|text: such as en-us.")] = None,
    speaker: Annotated[str | None, typer.Option(help="For a folder of wav|text: who speaks.")] = None,
    licence: Annotated[str | None, typer.Option(help="For a folder of your own: the licence to note.")] = None,
    min_duration: Annotated[
        float | None, typer.Option(min=0.05, max=600, help="Shorter recordings are rejected, in seconds.")
    ] = None,
    max_duration: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="Longer ones are cut or rejected, in seconds.")
    ] = None,
) -> None:
    """Make a manifest of a corpus: every recording verified, every one left out named with its reason."""
    from sonorant.data.corpora import import_corpus

    with _progress() as advance:
        imported = import_corpus(
            name, source, out, language=language, speaker=speaker, licence=licence,
            min_duration_s=min_duration, max_duration_s=max_duration, progress=advance,
        )  # fmt: skip
    _print_imported(imported, out)


app.command("check")(corpus_manifest.check)
app.command("split")(corpus_manifest.split)
app.command("shard")(corpus_shard.shard)
app.command("speak")(corpus_speak.speak)
app.command("join")(corpus_speak.join)


def _print_imported(imported: Imported, out: Path) -> None:
    from sonorant.data.amounts import amount, amounts

    n_utterances, minutes = amount(imported.utterances).cells
    typer.echo(f"{out / 'manifest.jsonl'}: {n_utterances} utterances, {minutes} minutes")
    voices = amounts(imported.utterances, lambda utterance: [(utterance.language, utterance.speaker)])
    largest = sorted(voices.items(), key=lambda voice: -voice[1].duration_s)[:_MOST_ROWS]
    _print_table(("language", "speaker", "utterances", "minutes"), [(*voice, *much.cells) for voice, much in largest])
    if len(voices) > _MOST_ROWS:
        typer.echo(f"and {len(voices) - _MOST_ROWS:,} more speakers")
    if imported.rejected:
        typer.echo(f"{out / 'rejected.jsonl'}: {len(imported.rejected):,} rejected")
        kinds = Counter(_kind(row.reason) for row in imported.rejected)
        _print_table(("number", "reason"), [(f"{count:,}", kind) for kind, count in kinds.most_common(_MOST_ROWS)])


def _kind(reason: str) -> str:
    """A reason without what is particular about it: quotations, numbers and names."""
    reason = re.sub(r"\d[\d.,]*", "#", reason.partition(": ")[0])
    return re.sub(r"'[^']*'|\"[^\"]*\"|/\S+", "...", reason)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """One line on a terminal's standard error, written over as the work goes on."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return
    last_s = 0.0

    def report(what: str, done: int, of: int) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if done == of or now_s - last_s >= _SECONDS_BETWEEN_REPORTS:
            last_s = now_s
            typer.echo(f"\r\033[K{done:,}{f' of {of:,}' if of else ''} {what}", nl=False, err=True)

    try:
        yield report
    finally:
        if last_s:
            typer.echo("\r\033[K", nl=False, err=True)


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from sonorant.cli.tables import table

    for line in table(header, rows):
        typer.echo(line)
