"""`sonorant evaluate`: how good voices are, beside recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sonorant.cli.progress import progress_bar

if TYPE_CHECKING:
    from sonorant.data.manifest import Split
    from sonorant.evaluation.rows import Row

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def evaluate(
    voices: Annotated[list[str] | None, typer.Argument(metavar="VOICE…", help="Voices by name or folder.")] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LANGUAGE=]FILE",
            help="Sentences to say, one a line, again for each language; without one, for a voice's first.",
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="MANIFEST", help="Recordings to compare with, which no voice has learned.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of MANIFEST; by default test, or validation where a speaker has none.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to make for the report.")] = None,
    asr: Annotated[
        Path | None, typer.Option(help="A Whisper folder for faster-whisper: measure what it hears, too.")
    ] = None,
    speaker: Annotated[
        list[str] | None, typer.Option("--speaker", "-s", help="Only this speaker, again for others.")
    ] = None,
    every_language: Annotated[
        bool, typer.Option("--every-language", help="Speakers say the texts of all of the voice's languages.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many sentences, and recordings.")] = None,
    samples: Annotated[int, typer.Option(min=0, max=1000, help="Texts to listen to on the page, of each kind.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the speech and of the intervals.")] = 0,
) -> None:
    """Measure voices: what a recogniser hears, sound quality, likeness, timbre, pitch, duration, speed.

    DIR gets index.html to look at and listen to, table.md, and all numbers in report.json.
    """
    from sonorant.audio.recognition import Recogniser
    from sonorant.errors import ParameterError
    from sonorant.evaluation.held_out import HeldOut, read_held_out
    from sonorant.evaluation.plan import plan
    from sonorant.evaluation.report import PAGE, Report, check_target, write_report
    from sonorant.evaluation.rows import Measuring
    from sonorant.evaluation.takes import Judges
    from sonorant.evaluation.texts import read_texts

    if report is None:
        raise ParameterError("no --report: name the folder to make, as in 'sonorant evaluate VOICE --report DIR'")
    if not texts and against is None:
        raise ParameterError("there is nothing to say: name sentences with --texts, or recordings with --against")
    if not voices and against is None:
        raise ParameterError("there is nothing to measure: name a voice, or recordings with --against")
    if texts and not voices:
        raise ParameterError("--texts are said by voices, but none is named; name one, or leave --texts out")
    if split is not None and against is None:
        raise ParameterError("--split is a part of a manifest, but there is none; name one with --against")
    check_target(report)
    sentences = read_texts(texts or [], limit=limit)
    held_out: HeldOut = {}
    if against is not None:
        held_out = read_held_out(against, split=_split(split), limit=limit)
    parts = plan(voices or [], sentences, held_out, speakers=speaker or [], every_language=every_language)
    recogniser = Recogniser(asr) if asr else None
    judges = Judges.assembled(recogniser=recogniser, with_recordings=against is not None)
    rows = Measuring(judges, seed=seed, n_kept=samples, progress=progress_bar).rows(parts, held_out)
    asked = {
        "voices": list(voices or []),
        "texts": list(texts or []),
        "against": str(against) if against else None,
        "split": split,
        "asr": str(asr) if asr else None,
        "speakers": list(speaker or []),
        "every_language": every_language,
        "limit": limit,
        "seed": seed,
    }
    found = Report(rows, asked)
    write_report(found, report)
    _print_rows(rows)
    for note in found.notes:
        typer.echo(note)
    typer.echo(f"{report / PAGE}: written")


def _split(name: str | None) -> Split | None:
    from sonorant.errors import ParameterError

    if name is None:
        return None
    for known in _SPLITS:
        if name == known:
            return known
    raise ParameterError(f"--split {name}: there is no such split; expected one of {', '.join(_SPLITS)}")


def _print_rows(rows: list[Row]) -> None:
    """The table in two, or no terminal is wide enough."""
    from sonorant.cli.tables import table
    from sonorant.evaluation.table import lines_of

    for kind in ("heard", "compared"):
        header, cells = lines_of(rows, kind)
        if cells:
            for line in (*table(header, cells), ""):
                typer.echo(line)
