"""`sonorant say`: text to speech, to a file or a pipe."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from sonorant.errors import AudioError, ParameterError, TextError

if TYPE_CHECKING:
    from sonorant.text.frontend import LanguageConfig
    from sonorant.voice.prosody import Curves, Prosody
    from sonorant.voice.speech import Speech, Timeline
    from sonorant.voice.voice import Voice

_CLIPPED_UNHEARD = 1e-3
"""A share of clipped samples that is not told of: single peaks."""


def say(
    text: Annotated[list[str] | None, typer.Argument(help="What to say; without it, FILE or standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A UTF-8 text file; - is standard input.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Where to write (say.wav): .wav, .flac, .ogg or .mp3."),
    ] = None,
    output_raw: Annotated[
        bool, typer.Option("--output-raw", help="Write signed 16-bit little-endian PCM to standard output instead.")
    ] = False,
    subtitles: Annotated[
        Path | None, typer.Option("--subtitles", help="Also write times: .srt, .vtt, .TextGrid or .json.")
    ] = None,
    voice: Annotated[str | None, typer.Option("--voice", "-v", help="A voice's name or folder.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", "-s", help="One of the voice's speakers.")] = None,
    language: Annotated[str | None, typer.Option("--language", "-l", help="One of the voice's languages.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same samples.")] = None,
    length_scale: Annotated[float | None, typer.Option(help="Above 1 is slower.")] = None,
    noise_scale: Annotated[float | None, typer.Option(help="Liveliness of the sound.")] = None,
    noise_scale_duration: Annotated[
        float | None, typer.Option(help="Liveliness of the rhythm; of a voice that draws its durations.")
    ] = None,
    sentence_pause: Annotated[float | None, typer.Option(help="Silence after a sentence, in seconds.")] = None,
    paragraph_pause: Annotated[float | None, typer.Option(help="Silence after a paragraph, in seconds.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Pronunciations: lines of word<TAB>ipa.")] = None,
    pitch_shift: Annotated[float | None, typer.Option(help="In semitones; of a voice that draws its pitch.")] = None,
    pitch_range: Annotated[float | None, typer.Option(help="Above 1 is livelier, 0 monotonous; likewise.")] = None,
    energy_gain: Annotated[float | None, typer.Option(help="Speaking up, in dB; likewise.")] = None,
    energy_range: Annotated[float | None, typer.Option(help="Above 1 stresses more, 0 not at all; likewise.")] = None,
    prosody: Annotated[
        Path | None,
        typer.Option(
            help="All of that, for single words and as curves, too: a .json file. Options replace its numbers."
        ),
    ] = None,
    curves: Annotated[
        Path | None, typer.Option(help="Also write the pitch and energy that were drawn: a .json file for --prosody.")
    ] = None,
) -> None:
    """Speak a text into a file.

    Paragraphs are divided by blank lines. The text may hold [[ipa]] and [pause:0.5s].
    """
    from sonorant.audio.io import FORMATS, AudioWriter, check_target, write_raw
    from sonorant.text.lexicon import Lexicon
    from sonorant.voice import subtitles as subtitle_files
    from sonorant.voice.prosody import Prosody
    from sonorant.voice.voice import load_voice

    if text and file is not None:
        raise TextError("found both a text and --file; give one of them")
    if output_raw and out is not None:
        raise AudioError("found both --output-raw and --out; give one of them")
    target = out if out is not None else Path("say.wav")
    if not output_raw:
        check_target(target, FORMATS, kind="audio")
    if subtitles is not None:
        subtitle_files.check(subtitles)
    if curves is not None:
        check_target(curves, frozenset({".json"}), kind="a file of curves")
    if curves is not None and subtitles is not None and curves.resolve() == subtitles.resolve():
        raise AudioError(f"{curves}: is named by both --subtitles and --curves; name two files")
    asked = _prosody(
        prosody,
        pitch_shift=pitch_shift,
        pitch_range=pitch_range,
        energy_gain_db=energy_gain,
        energy_range=energy_range,
    )
    with ExitStack() as stack:
        lines, n_bytes = _lines(text, file, stack)
        loaded = load_voice(voice)
        pieces = loaded.stream(
            lines.text,
            speaker=speaker,
            language=language,
            seed=seed,
            length_scale=length_scale,
            noise_scale=noise_scale,
            noise_scale_duration=noise_scale_duration,
            sentence_pause_s=sentence_pause,
            paragraph_pause_s=paragraph_pause,
            lexicon=Lexicon.read(lexicon) if lexicon else None,
            prosody=asked if asked is not None or curves is None else Prosody(),
        )
        tally = _Tally(keep_times=subtitles is not None, keep_curves=curves is not None)
        if output_raw:
            for piece in tally.over(pieces):
                write_raw(sys.stdout.buffer, piece.samples)
        else:
            with AudioWriter(target, loaded.sample_rate_hz) as writer, _progress(n_bytes) as advance:
                for piece in tally.over(pieces):
                    writer.write(piece.samples)
                    advance(lines.n_read)
        if subtitles is not None:
            subtitle_files.write(subtitles, tally.timeline(), duration_s=tally.duration_s)
        if curves is not None:
            _write_curves(tally.curves, curves)
    report_unknown(tally.unknown)
    if tally.clipped_share > _CLIPPED_UNHEARD:
        typer.echo(
            f"sonorant: warning: {tally.clipped_share:.1%} of the samples were too loud and are clipped: "
            "ask for less energy",
            err=True,
        )
    spoken = language or loaded.manifest.native_language(speaker or loaded.speakers[0])
    _report_other_script(lines.letters, loaded.frontend(spoken).language, loaded)
    if not output_raw:
        typer.echo(f"{target}: {tally.duration_s:.2f} s by {loaded.name}, seed {tally.seed}", err=True)


def _prosody(path: Path | None, **asked: float | None) -> Prosody | None:
    """What a file and the options ask for, the options before the file; None where nothing is."""
    from dataclasses import replace

    from sonorant.config import parse, read_json
    from sonorant.voice.prosody import Prosody, check

    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if path is None:
        return Prosody(**given) if given else None
    asked_for = parse(Prosody, read_json(path), source=str(path))
    try:
        check(asked_for)
    except ParameterError as error:
        raise ParameterError(f"{path}: {error}") from None
    return replace(asked_for, **given)


def _write_curves(curves: Sequence[Curves], path: Path) -> None:
    from sonorant.audio.io import whole_file
    from sonorant.config import plain

    with whole_file(path) as part:
        part.write_text(json.dumps({"curves": [plain(each) for each in curves]}) + "\n", encoding="utf-8")


def _report_other_script(letters: Mapping[str, int], language: LanguageConfig, voice: Voice) -> None:
    """Warn, on standard error, when espeak-ng will have spelled most of a text, for it is of another script."""
    from sonorant.text.phonemize import EspeakConfig
    from sonorant.text.scripts import is_written_in, other_script

    if not isinstance(language.phonemizer, EspeakConfig):
        return
    script = other_script(letters, language.phonemizer.voice)
    if script is not None:
        others = [other for other in voice.languages if is_written_in(other, script)]
        advice = f"say it with --language {others[0]}" if others else f"this voice speaks {', '.join(voice.languages)}"
        typer.echo(
            f"sonorant: warning: most letters are {script}, which {language.code} can only spell: {advice}", err=True
        )


class _Lines:
    """Lines to speak, counting the bytes taken so far, and letters by their scripts."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.n_read = 0
        self.letters: Counter[str] = Counter()
        self.text = self._counted(lines)

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        from sonorant.text.scripts import letters_by_script

        for line in lines:
            self.n_read += len(line.encode("utf-8", "surrogatepass"))
            self.letters += letters_by_script(line)
            yield line


def _lines(text: list[str] | None, file: Path | None, stack: ExitStack) -> tuple[_Lines, int | None]:
    """The lines to speak and, where it is known, how many bytes they come to."""
    from sonorant.text.paragraphs import decoded_lines

    if text:
        joined = " ".join(text)
        try:
            joined.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TextError(
                f"the text's character {error.start + 1} is not UTF-8: use a UTF-8 terminal or --file"
            ) from None
        return _Lines(joined.splitlines()), len(joined.encode("utf-8"))
    if file is None or str(file) == "-":
        if file is None and sys.stdin.isatty():
            raise TextError("there is no text: give it as an argument, with --file, or on standard input")
        return _Lines(decoded_lines(sys.stdin.buffer, source="standard input")), None
    try:
        stream: BinaryIO = stack.enter_context(file.open("rb"))
    except OSError as error:
        raise TextError(f"{file}: cannot be read ({error.strerror})") from None
    return _Lines(decoded_lines(stream, source=str(file))), file.stat().st_size


class _Tally:
    """What has been said so far: its length, its seed, what could not be said, and the times if they are wanted."""

    def __init__(self, *, keep_times: bool, keep_curves: bool) -> None:
        self.duration_s = 0.0
        self.seed = 0
        self.n_samples = self.n_clipped = 0
        self.unknown: dict[str, int] = {}
        self.curves: list[Curves] = []
        self._keep_times = keep_times
        self._keep_curves = keep_curves
        self._timelines: list[Timeline] = []

    def over(self, pieces: Iterator[Speech]) -> Iterator[Speech]:
        from sonorant.voice.speech import Timeline

        for piece in pieces:
            if self._keep_times:
                self._timelines.append(Timeline(piece.words, piece.phonemes, piece.sentences).shifted(self.duration_s))
            if self._keep_curves:
                self.curves += piece.curves
            self.duration_s += piece.duration_s
            self.seed = piece.seed
            self.n_samples += len(piece.samples)
            self.n_clipped += int((abs(piece.samples) > 1).sum())
            for symbol, count in piece.unknown.items():
                self.unknown[symbol] = self.unknown.get(symbol, 0) + count
            yield piece

    @property
    def clipped_share(self) -> float:
        """Of samples louder than a file can hold."""
        return self.n_clipped / max(self.n_samples, 1)

    def timeline(self) -> Timeline:
        from sonorant.voice.speech import Timeline

        return Timeline(
            tuple(word for part in self._timelines for word in part.words),
            tuple(phoneme for part in self._timelines for phoneme in part.phonemes),
            tuple(sentence for part in self._timelines for sentence in part.sentences),
        )


def report_unknown(unknown: Mapping[str, int]) -> None:
    """Warn, on standard error, of what was left out for want of a symbol."""
    if unknown:
        shown = ", ".join(f"{symbol!r} ×{count}" for symbol, count in sorted(unknown.items())[:20])
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
        typer.echo(f"sonorant: warning: left out what the voice has no symbol for: {shown}{more}", err=True)


@contextmanager
def _progress(n_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error, for texts longer than a page."""
    if not sys.stderr.isatty() or (n_bytes is not None and n_bytes < 2000):
        yield lambda _: None
        return
    if n_bytes is None:
        yield lambda done: typer.echo(f"\r{done:,} bytes spoken", nl=False, err=True)
        typer.echo("", err=True)
        return
    with typer.progressbar(length=n_bytes, label="Speaking", file=sys.stderr) as bar:
        yield lambda done: bar.update(max(0, done - bar.pos))
