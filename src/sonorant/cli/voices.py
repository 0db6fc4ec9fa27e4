"""`sonorant voices`: list, show, check, import and export-run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Voices: list, show, check, import, export-run.", no_args_is_help=True)

_VoiceArgument = Annotated[str, typer.Argument(help="A voice's name or folder.")]
_OutArgument = Annotated[
    str, typer.Argument(help="The voice folder to make; a bare name goes among the installed voices.")
]


@app.command("list")
def list_voices() -> None:
    """List the installed voices."""
    from sonorant.errors import VoiceError
    from sonorant.voice import bundle as bundles
    from sonorant.voice.bundle import Bundle

    rows: list[tuple[str, ...]] = []
    for folder in bundles.installed():
        try:
            voice = Bundle.read(folder, verify=False).manifest
        except VoiceError as error:
            rows.append((folder.name, "broken", "", "", str(error)))
            continue
        languages = ",".join(language.code for language in voice.frontend.languages)
        rows.append(
            (folder.name, voice.system, languages, f"{len(voice.speakers)} speaker(s)", f"{voice.sample_rate_hz} Hz")
        )
    if not rows:
        typer.echo(f"No voices in {bundles.voices_home()} yet: 'sonorant voices import SOURCE OUT' makes one.")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def show(voice: _VoiceArgument) -> None:
    """Show what a voice is: system, languages, speakers, licence, files."""
    from sonorant.voice import default
    from sonorant.voice.bundle import Bundle

    bundle = Bundle.read(default.find(voice), verify=False)
    manifest = bundle.manifest
    speakers = [f"{speaker} ({manifest.native_language(speaker)})" for speaker in manifest.speakers[:20]]
    usual = manifest.synthesis
    of_durations = f", of durations {usual.noise_scale_duration:g}" if usual.noise_scale_duration else ""
    rows = [
        ("name", manifest.name),
        ("folder", str(bundle.folder)),
        ("system", manifest.system),
        ("sample rate", f"{manifest.sample_rate_hz} Hz"),
        ("languages", ", ".join(language.code for language in manifest.frontend.languages)),
        ("speakers", f"{len(manifest.speakers)}: {', '.join(speakers)}"),
        ("speaks with", f"noise {usual.noise_scale:g}{of_durations}; length {usual.length_scale:g}"),
        ("symbols", f"{len(manifest.symbols)}"),
        ("licence", manifest.licence or "not stated"),
        ("source", manifest.source or "not stated"),
        ("made with", manifest.made_with),
        *((name, f"SHA-256 {digest}") for name, digest in manifest.components.items()),
    ]
    for name, value in rows:
        typer.echo(f"{name:<12} {value}")


@app.command()
def check(voice: _VoiceArgument) -> None:
    """Check a voice: its files against their hashes, and its self-test."""
    from sonorant.errors import VoiceError
    from sonorant.voice import check as checks
    from sonorant.voice.voice import load_voice

    loaded = load_voice(voice)
    outcome = checks.run(loaded)
    summary = (
        f"{outcome.n_found:,} samples (expected {outcome.n_expected:,}), "
        f"bands within {outcome.worst_db:.2f} dB of the recorded ones"
    )
    if not outcome.passed:
        raise VoiceError(f"{loaded.bundle.folder}: the self-test fails: {summary}")
    typer.echo(f"{loaded.name}: hashes match; {summary}")


@app.command("export-run")
def export_run(
    run: Annotated[Path, typer.Argument(help="The folder of a run of 'sonorant train'.")],
    out: _OutArgument,
    name: Annotated[str | None, typer.Option(help="The voice's name; by default that of OUT.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="As it spoke after this stage of its training; by default the last.")
    ] = None,
    step: Annotated[
        int | None, typer.Option(help="Of the checkpoint; by default the best of a VITS, the last of the others.")
    ] = None,
    converts: Annotated[
        bool | None,
        typer.Option("--convert/--no-convert", help="Keep what converting between speakers needs; by default if > 1."),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(metavar="SPEAKER", help="Not part of the voice; again for others.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="The voice's licence; by default its corpus's.")] = None,
    half: Annotated[bool, typer.Option("--half", help="Keep weights in 16 bits: half the size.")] = False,
    noise_scale: Annotated[
        float | None, typer.Option(help="How lively it speaks unless told otherwise; less is safer. By default 0.667.")
    ] = None,
    noise_scale_duration: Annotated[
        float | None, typer.Option(help="The same of how long sounds last. By default 0.8.")
    ] = None,
    length_scale: Annotated[float | None, typer.Option(help="Its own pace; above 1 is slower. By default 1.")] = None,
    notes: Annotated[
        Path | None, typer.Option(help="A Markdown file for its card: who spoke, how it was trained, its faults.")
    ] = None,
) -> None:
    """Make a voice folder from a run's checkpoint."""
    from sonorant.errors import ParameterError
    from sonorant.models.exporting import without_speakers
    from sonorant.models.recipes import read_run
    from sonorant.voice.manifest import SynthesisSettings
    from sonorant.voice.write import NewVoice, halved, write_voice

    target = _target(out)
    told = _read_notes(notes)
    trained = read_run(run, stage=stage, step=step)
    if leave_out:
        trained = without_speakers(trained, leave_out)
    tables = trained.tables
    hours = tables.seconds / 3600
    asked = {"noise_scale": noise_scale, "noise_scale_duration": noise_scale_duration}
    for noise, value in asked.items():
        if noise not in trained.noises:
            if value is not None:
                option = noise.replace("_", "-")
                raise ParameterError(f"--{option}: a {trained.system} of this kind draws no such noise; leave it out")
            asked[noise] = 0.0
    asked["length_scale"] = length_scale
    keeps_posterior = len(tables.speakers) > 1 if converts is None else converts
    codes = [language.code for language in tables.frontend.languages]
    voice = NewVoice(
        name=name or target.name,
        system=trained.system,
        model=trained.model,
        weights=halved(trained.for_voice(keeps_posterior)) if half else trained.for_voice(keeps_posterior),
        n_symbols=trained.n_symbols,
        sample_rate_hz=trained.sample_rate_hz,
        symbols=tables.symbols,
        frontend=tables.frontend,
        speakers=tables.speakers,
        synthesis=replace(SynthesisSettings(), **{name: value for name, value in asked.items() if value is not None}),
        language_of_speaker={
            speaker: codes[row] for speaker, row in zip(tables.speakers, tables.language_of_speaker, strict=True) if row
        },
        licence="; ".join(tables.licences) if licence is None else licence,
        source=", ".join(tables.corpora),
        notes=(f"Its last run: up to {trained.age}; {hours:.2f} hours of speech, whatever their weights.", *told),
    )
    write_voice(voice, target)
    typer.echo(f"{target}: made from {run}: {trained.age}")


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="Piper .onnx, G_*.pth of official VITS, p0p4k VITS2 or heatz123 NaturalSpeech, or transformers "
            "VitsModel folder."
        ),
    ],
    out: _OutArgument,
    name: Annotated[str | None, typer.Option(help="The voice's name; by default that of OUT.")] = None,
    language: Annotated[str | None, typer.Option(help="For sources that do not say theirs, such as en-us.")] = None,
    symbols: Annotated[Path | None, typer.Option(help="For G_*.pth: a JSON list of symbols, in order.")] = None,
    licence: Annotated[str, typer.Option(help="The licence to put on the card.")] = "",
) -> None:
    """Make a voice folder from another program's voice."""
    from sonorant.voice.interchange import import_voice

    target = _target(out)
    import_voice(source, target, name=name or target.name, language=language, symbols=symbols, licence=licence)
    typer.echo(f"{target}: imported from {source}")


def _read_notes(path: Path | None) -> tuple[str, ...]:
    from sonorant.errors import VoiceError

    if path is None:
        return ()
    try:
        return (path.read_text(encoding="utf-8").strip(),)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise VoiceError(f"{path}: cannot be read ({reason})") from None


def _target(out: str) -> Path:
    from sonorant.voice import bundle as bundles

    return Path(out) if os.sep in out or not bundles.is_name(out) else bundles.voices_home() / out
