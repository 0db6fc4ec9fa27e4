"""`sonorant corpus check` and `split`: commands that read a manifest and write it again, with more in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sonorant.cli.progress import available_cores, progress_bar

if TYPE_CHECKING:
    from sonorant.data.amounts import Amount
    from sonorant.data.manifest import Utterance

T = TypeVar("T")

_Manifest = Annotated[Path, typer.Argument(help="A manifest, as 'sonorant corpus import' makes it.")]
_Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write here instead of over MANIFEST.")]
_MAX_ROWS = 20


def check(
    manifest: _Manifest,
    out: _Out = None,
    asr: Annotated[
        Path | None, typer.Option(help="A Whisper folder for faster-whisper: measure what it hears, too.")
    ] = None,
    asr_cuda: Annotated[bool, typer.Option("--asr-cuda", help="Run it on an NVIDIA GPU.")] = False,
    max_cer: Annotated[float | None, typer.Option(help="Highest character error rate (0.3).")] = None,
    max_silence: Annotated[float | None, typer.Option(help="Longest silence at an end, in seconds (1).")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes (one for each core).")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 when any fault was found.")] = False,
) -> None:
    """Measure every utterance and find its faults; both are written into the manifest. Audio is only read.

    What an earlier check found is replaced. A character error rate stays without --asr, while audio and text do.
    """
    from sonorant.audio.recognition import Recogniser
    from sonorant.config import parse
    from sonorant.data.checks.check import check as run_check
    from sonorant.data.checks.kinds import Limits
    from sonorant.data.manifest import read_manifest, write_manifest
    from sonorant.data.relocation import relocated
    from sonorant.errors import ParameterError

    if asr_cuda and asr is None:
        raise ParameterError("--asr-cuda says where a recogniser runs, but there is none; name one with --asr")
    given = {"max_cer": max_cer, "max_silence_s": max_silence}
    limits = parse(Limits, {name: value for name, value in given.items() if value is not None}, source="limits")
    target = _target(manifest, out)
    utterances = read_manifest(manifest)
    n_jobs = jobs or available_cores()
    recogniser = Recogniser(asr, jobs=n_jobs, device="cuda" if asr_cuda else "cpu") if asr else None
    checked = run_check(manifest, utterances, limits=limits, recogniser=recogniser, jobs=n_jobs, progress=progress_bar)
    write_manifest(target, relocated(checked.utterances, source=manifest, target=target))
    _print_check(checked.utterances)
    for language, n in sorted(checked.n_not_heard.items()):
        typer.echo(f"{n:,} utterances in {language} were not heard: the recogniser does not know the language")
    typer.echo(f"{target}: written")
    if strict and any(utterance.faults for utterance in checked.utterances):
        raise typer.Exit(2)


def split(
    manifest: _Manifest,
    out: _Out = None,
    validation: Annotated[str, typer.Option(help="Utterances to validate with: a number, or a share.")] = "2%",
    test: Annotated[str, typer.Option(help="Utterances to test with: a number, or a share.")] = "0",
    seed: Annotated[int, typer.Option(help="Another seed, another choice.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Replace the splits the manifest has.")] = False,
) -> None:
    """Set utterances aside for validation and test, of every speaker, none said alike in two splits.

    What 'sonorant corpus check' found at fault stays in train, where the selection of a run decides about it.
    """
    from sonorant.data.manifest import read_manifest, write_manifest
    from sonorant.data.relocation import relocated
    from sonorant.data.split import Portion
    from sonorant.data.split import split as assign

    portions = {"validation": Portion.parse(validation), "test": Portion.parse(test)}
    target = _target(manifest, out)
    utterances = read_manifest(manifest)
    assigned = assign(utterances, validation=portions["validation"], test=portions["test"], seed=seed, again=again)
    write_manifest(target, relocated(assigned, source=manifest, target=target))
    _print_splits(assigned)
    for name, portion in portions.items():
        n, n_asked = sum(u.split == name for u in assigned), portion.of(len(assigned))
        if n < n_asked:
            typer.echo(
                f"{name} has {n:,} of the {n_asked:,} asked for: more cannot be set aside with nothing in common"
            )
    typer.echo(f"{target}: written")


def _print_check(utterances: Sequence[Utterance]) -> None:
    from sonorant.cli.tables import table
    from sonorant.data.amounts import Amount, amount, amounts
    from sonorant.data.checks.kinds import FAULTS

    of_kind = amounts(utterances, lambda u: u.faults)
    if of_kind:
        kinds = [kind for kind in FAULTS if kind in of_kind] + sorted(of_kind.keys() - FAULTS.keys())
        kind_rows = [(kind, *of_kind[kind].cells, FAULTS.get(kind, "found by others")) for kind in kinds]
        _print_lines([*table(("fault", "utterances", "minutes", "meaning"), kind_rows), ""])
    clean = [utterance for utterance in utterances if not utterance.faults]
    of_clean = amounts(clean, _speaker)
    rows = [(*key, *all_.cells, *of_clean.get(key, Amount()).cells) for key, all_ in _largest(utterances)]
    _print_lines([*table(("speaker", "language", "utterances", "minutes", "clean", "minutes"), rows), ""])
    (n, minutes), (n_clean, clean_minutes) = amount(utterances).cells, amount(clean).cells
    typer.echo(f"{n_clean} of {n} utterances are clean, {clean_minutes} of {minutes} minutes")


def _print_splits(utterances: Sequence[Utterance]) -> None:
    from sonorant.cli.tables import table
    from sonorant.data.amounts import Amount, amount, amounts
    from sonorant.data.checks.repeats import SPLITS

    cells = amounts(utterances, lambda u: [(u.speaker, u.language, u.split)])
    rows = [
        (*key, *(cell for name in SPLITS for cell in cells.get((*key, name), Amount()).cells))
        for key, _ in _largest(utterances)
    ]
    totals = [amount(u for u in utterances if u.split == name).cells for name in SPLITS]
    rows.append(("all", "", *(cell for pair in totals for cell in pair)))
    header = ("speaker", "language", *(cell for name in SPLITS for cell in (name, "minutes")))
    _print_lines([*table(header, rows), ""])


def _speaker(utterance: Utterance) -> list[tuple[str, str]]:
    return [(utterance.speaker, utterance.language)]


def _largest(utterances: Sequence[Utterance]) -> list[tuple[tuple[str, str], Amount]]:
    """The speakers, in a language each, who say most."""
    from sonorant.data.amounts import amounts

    by_size = sorted(amounts(utterances, _speaker).items(), key=lambda item: (-item[1].duration_s, item[0]))
    if len(by_size) > _MAX_ROWS:
        typer.echo(f"The {_MAX_ROWS} of {len(by_size):,} speakers who say most:")
    return by_size[:_MAX_ROWS]


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _target(manifest: Path, out: Path | None) -> Path:
    """Where to write. Raises CorpusError before the work rather than after it when that cannot be."""
    from sonorant.errors import CorpusError

    target = out or manifest
    if target.exists() and not target.is_file():
        raise CorpusError(f"{target}: is not a regular file; name a file to write the manifest to")
    if not target.parent.is_dir():
        raise CorpusError(f"{target}: the folder {target.parent} does not exist; make it first")
    if not os.access(target.parent, os.W_OK):
        raise CorpusError(f"{target}: the folder {target.parent} cannot be written to; name another with --out")
    return target
