"""`sonorant convert`: a recording of one of a voice's speakers, said by another."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sonorant.errors import AudioError

if TYPE_CHECKING:
    from sonorant.audio.io import Samples


def convert(
    recording: Annotated[Path, typer.Argument(metavar="IN", help="A .wav, .flac, .ogg, .mp3 or other audio file.")],
    speaker: Annotated[str, typer.Option("--speaker", "-s", help="The voice's speaker who is to be heard.")],
    source: Annotated[
        str | None,
        typer.Option(help="The voice's speaker who is heard in IN; needed unless the voice has just two."),
    ] = None,
    voice: Annotated[str | None, typer.Option("--voice", "-v", help="A voice's name or folder.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write: .wav, .flac, .ogg or .mp3.")] = Path(
        "converted.wav"
    ),
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same samples.")] = None,
    noise_scale: Annotated[float, typer.Option(help="1 as in training; 0 leaves chance out.")] = 1.0,
) -> None:
    """Give a recording of one of a voice's speakers to another: the same words and times, another sound."""
    from sonorant.audio.blocks import AudioReader
    from sonorant.audio.io import FORMATS, AudioWriter, check_target
    from sonorant.voice.voice import load_voice

    check_target(out, FORMATS, kind="audio")
    if out.exists() and recording.exists() and out.samefile(recording):
        raise AudioError(f"{out}: is the recording itself; name another file")
    with AudioReader(recording) as reader:
        loaded = load_voice(voice)
        with _progress(reader.n_samples, reader.sample_rate_hz) as advance:
            pieces = loaded.convert_stream(
                _told(reader.blocks(), advance),
                reader.sample_rate_hz,
                speaker=speaker,
                source=source,
                seed=seed,
                noise_scale=noise_scale,
            )
            duration_s, drawn = 0.0, 0
            with AudioWriter(out, loaded.sample_rate_hz) as writer:
                for piece in pieces:
                    writer.write(piece.samples)
                    duration_s += piece.duration_s
                    drawn = piece.seed
    heard = source if source is not None else loaded.source_for(speaker)
    typer.echo(f"{out}: {duration_s:.2f} s, {heard} as {speaker} by {loaded.name}, seed {drawn}", err=True)


def _told(blocks: Iterator[Samples], advance: Callable[[int], None]) -> Iterator[Samples]:
    for block in blocks:
        yield block
        advance(len(block))


@contextmanager
def _progress(n_samples: int, sample_rate_hz: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error, for recordings longer than a minute."""
    if not sys.stderr.isatty() or n_samples < 60 * sample_rate_hz:
        yield lambda n: None
        return
    with typer.progressbar(length=n_samples, label="Converting", file=sys.stderr) as bar:
        yield bar.update
