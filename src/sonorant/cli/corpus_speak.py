"""`sonorant corpus speak` and `join`: a corpus said by a voice, and several corpora as one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sonorant.cli.progress import progress_bar

if TYPE_CHECKING:
    from sonorant.data.manifest import Utterance
    from sonorant.voice.voice import Voice

_NAME_DIGITS = 16


def speak(
    texts: Annotated[Path, typer.Argument(help="A UTF-8 file, an utterance a line.")],
    out: Annotated[Path, typer.Argument(help="The folder to make: manifest.jsonl and audio/.")],
    voice: Annotated[str | None, typer.Option("--voice", "-v", help="Who speaks: a voice's name or folder.")] = None,
    speaker: Annotated[str | None, typer.Option("--speaker", "-s", help="One of the voice's speakers.")] = None,
    language: Annotated[str | None, typer.Option("--language", "-l", help="One of the voice's languages.")] = None,
    weight: Annotated[
        float, typer.Option(min=0, max=100, help="How often an epoch of training holds each, on average.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other samples.")] = 0,
) -> None:
    """Make a corpus of what a voice says: a teacher's speech, to learn from beside recordings of people.

    Its corpus is named after the voice, so a manifest and the card of what learns from it show what is synthetic.
    After a stop the same command goes on: what was said is not said again.
    """
    from sonorant.data.manifest import write_manifest
    from sonorant.errors import CorpusError
    from sonorant.evaluation.texts import read_sentences
    from sonorant.voice.voice import load_voice

    sentences = tuple(dict.fromkeys(read_sentences(texts)))
    manifest = out / "manifest.jsonl"
    if manifest.exists():
        raise CorpusError(f"{manifest}: there is a corpus already; name another folder")
    teacher = load_voice(voice)
    said = _Saying(teacher, speaker, language, seed, weight, out)
    utterances = list(progress_bar(map(said, sentences), n_total=len(sentences), doing=f"{teacher.name} speaks"))
    write_manifest(manifest, utterances)
    minutes = sum(utterance.duration_s for utterance in utterances) / 60
    typer.echo(f"{manifest}: {len(utterances):,} utterances, {minutes:,.1f} minutes, by {teacher.name}")


def join(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST…", help="Two or more manifests.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The manifest to write.")],
    weight: Annotated[
        list[float] | None,
        typer.Option(min=0, max=100, help="Once for each manifest: its utterances' weights are multiplied by it."),
    ] = None,
) -> None:
    """Make one manifest of several. Recordings stay where they are.

    A weight says how often an epoch of training holds an utterance, on average.
    """
    from sonorant.data.manifest import read_manifest, write_manifest
    from sonorant.data.relocation import relocated
    from sonorant.errors import CorpusError

    if len(manifests) < 2:
        raise CorpusError(f"found one manifest ({manifests[0]}), expected two or more to join")
    weights = weight or [1.0] * len(manifests)
    if len(weights) != len(manifests):
        raise CorpusError(f"found {len(weights)} of --weight, expected one for each of {len(manifests)} manifests")
    if out.exists():
        raise CorpusError(f"{out}: is there already; name another file with --out")
    if not out.parent.is_dir():
        raise CorpusError(f"{out}: the folder {out.parent} does not exist; make it first")
    joined: dict[str, Utterance] = {}
    found_in: dict[str, Path] = {}
    for manifest, factor in zip(manifests, weights, strict=True):
        for utterance in relocated(read_manifest(manifest), source=manifest, target=out):
            if utterance.id in joined:
                raise CorpusError(
                    f"{manifest}: the id {utterance.id} stands in {found_in[utterance.id]} already; "
                    "ids must differ: join each manifest once, or import one of them anew"
                )
            found_in[utterance.id] = manifest
            product = utterance.weight * factor
            if product > 100:
                raise CorpusError(f"{manifest}: {utterance.id} would have the weight {product:g}, expected at most 100")
            joined[utterance.id] = replace(utterance, weight=product)
    if not any(utterance.weight for utterance in joined.values()):
        raise CorpusError("every utterance would have the weight 0, expected some to learn from: raise a --weight")
    write_manifest(out, joined.values())
    typer.echo(f"{out}: {len(joined):,} utterances of {len(manifests)} manifests")


class _Saying:
    """Says texts into files named after what decides about their sound."""

    def __init__(
        self, voice: Voice, speaker: str | None, language: str | None, seed: int, weight: float, out: Path
    ) -> None:
        voice.stream((), speaker=speaker, language=language)  # checks both
        self._voice = voice
        self._speaker = speaker if speaker is not None else voice.speakers[0]
        self._language = language if language is not None else voice.manifest.native_language(self._speaker)
        self._seed = seed
        self._weight = weight
        self._out = out
        weights = sorted(voice.manifest.components.values())
        self._of = "\n".join([*weights, self._speaker, self._language, str(seed)])

    def __call__(self, text: str) -> Utterance:
        from sonorant.data.corpora.recordings import header_duration_s
        from sonorant.data.manifest import Utterance

        name = hashlib.sha256(f"{self._of}\n{text}".encode()).hexdigest()[:_NAME_DIGITS]
        audio = f"audio/{name[:2]}/{name}.flac"
        path = self._out / audio
        if not path.is_file():
            self._say(text, path)
        manifest = self._voice.manifest
        is_alone = len(self._voice.speakers) == 1
        return Utterance(
            id=f"{manifest.name}/{name}",
            audio=audio,
            text=text,
            speaker=manifest.name if is_alone else f"{manifest.name}-{self._speaker}",
            language=self._language,
            duration_s=header_duration_s(path),
            corpus=f"synthetic speech by {manifest.name}",
            licence=manifest.licence,
            weight=self._weight,
        )

    def _say(self, text: str, path: Path) -> None:
        from sonorant.audio.io import AudioWriter
        from sonorant.seeds import seed_of

        path.parent.mkdir(parents=True, exist_ok=True)
        speech = self._voice.say(
            text, speaker=self._speaker, language=self._language, seed=seed_of(self._seed, text) % 2**31
        )
        with AudioWriter(path, speech.sample_rate_hz) as writer:
            writer.write(speech.samples)
