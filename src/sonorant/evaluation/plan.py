"""Who says what: the rows of the table before anything is said, so that mistakes are found first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonorant.errors import CorpusError, TextError, VoiceError
from sonorant.evaluation.held_out import HeldOut, Recording
from sonorant.evaluation.texts import Texts
from sonorant.text.comparison import base_language, spoken_form
from sonorant.voice import default
from sonorant.voice.bundle import Bundle
from sonorant.voice.manifest import VoiceManifest

_SHOWN = 12


@dataclass(frozen=True)
class Line:
    """A text to be said. recording: of a person saying it."""

    id: str
    text: str
    recording: Recording | None = None


@dataclass(frozen=True)
class Part:
    """What becomes a row: a speaker of a voice, or a recorded person, and what is said in which language."""

    voice: str | None
    """None for recordings."""
    folder: Path | None
    speaker: str
    language: str
    lines: tuple[Line, ...]
    beside: str | None
    """The recorded speaker it is compared with: itself, or another of the same language."""

    @property
    def is_recorded(self) -> bool:
        """Whether it is what recordings say."""
        return self.lines[0].recording is not None


def plan(
    voices: Sequence[str],
    texts: Texts,
    held_out: HeldOut,
    *,
    speakers: Sequence[str] = (),
    every_language: bool = False,
) -> list[Part]:
    """The rows, recordings before the voices that are compared with them.

    speakers: only these; none for all that were recorded, or without recordings all of the voices. A voice that has
    none of the recorded speakers speaks as its first, and is compared with the first that was recorded in its language,
    or with all of `speakers`. every_language: not in their own language alone.
    Raises VoiceError, TextError and CorpusError for what does not go together.
    """
    recorded = {key: recordings for key, recordings in held_out.items() if not speakers or key[0] in speakers}
    bundles = {name: Bundle.read(folder, verify=False) for name, folder in _folders(voices).items()}
    known = {name for name, _ in held_out} | {s for bundle in bundles.values() for s in bundle.manifest.speakers}
    for speaker in speakers:
        if speaker not in known:
            where = "no voice and no recording has" if held_out else "no voice has"
            raise VoiceError(f"{where} the speaker {speaker!r}; there are {_listed(sorted(known))}")
    parts = []
    for name, bundle in bundles.items():
        own = list(_of_voice(name, bundle, texts, recorded, speakers=speakers, every_language=every_language))
        if not own:
            codes = ", ".join(language.code for language in bundle.manifest.frontend.languages)
            raise TextError(f"voice {name!r} speaks {codes}, but there is no text in that; give one, as en=FILE")
        parts += own
    wanted = {(part.beside, base_language(part.language)) for part in parts}
    people = [
        Part(None, None, speaker, language, _lines(recordings), speaker)
        for (speaker, language), recordings in recorded.items()
        if not voices or (speaker, base_language(language)) in wanted
    ]
    for part in (*people, *parts):
        for line in part.lines:
            if not spoken_form(line.text, part.language):
                raise (CorpusError if line.recording else TextError)(
                    f"{line.id}: no word is said in {line.text!r}, so nothing can be compared with it; leave it out"
                )
    return [*people, *parts]


def _of_voice(
    name: str, bundle: Bundle, texts: Texts, recorded: HeldOut, *, speakers: Sequence[str], every_language: bool
) -> Iterator[Part]:
    codes = [language.code for language in bundle.manifest.frontend.languages]
    people = {person for person, _ in recorded}
    for speaker in _speakers(bundle.manifest, recorded, speakers):
        native = bundle.manifest.native_language(speaker)
        for language in (native, *(code for code in codes if code != native)) if every_language else (native,):
            alike = [key for key in recorded if base_language(key[1]) == base_language(language)]
            of_itself = [key for key in alike if key[0] == speaker]
            compared = of_itself or ([] if speaker in people else alike if speakers else alike[:1])
            for key in compared:
                yield Part(name, bundle.folder, speaker, language, _lines(recorded[key]), key[0])
            if own := texts.of(language, is_first=language == codes[0]):
                lines = tuple(Line(own.id_of(index), sentence) for index, sentence in enumerate(own.sentences))
                beside = speaker if speaker in people else compared[0][0] if compared else None
                yield Part(name, bundle.folder, speaker, language, lines, beside)


def _speakers(manifest: VoiceManifest, recorded: HeldOut, wanted: Sequence[str]) -> Sequence[str]:
    people = {person for person, _ in recorded}
    if wanted:
        if found := [speaker for speaker in manifest.speakers if speaker in wanted]:
            return found
        if len(manifest.speakers) > 1:
            raise VoiceError(
                f"voice {manifest.name!r} has no speaker {_listed(wanted)}; it has {_listed(manifest.speakers)}"
            )
        return manifest.speakers
    if recorded:
        return [speaker for speaker in manifest.speakers if speaker in people] or manifest.speakers[:1]
    return manifest.speakers


def _folders(voices: Sequence[str]) -> dict[str, Path]:
    """The folders by the names the table calls them: the voice's own, or where two have the same, what was given."""
    folders = [default.find(voice) for voice in voices]
    for index, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:index]]:
            raise VoiceError(f"the voice {voices[index]!r} is given twice; give it once")
    names = [Bundle.read(folder, verify=False).manifest.name for folder in folders]
    return {
        name if names.count(name) == 1 else given: folder
        for name, given, folder in zip(names, voices, folders, strict=True)
    }


def _lines(recordings: Sequence[Recording]) -> tuple[Line, ...]:
    return tuple(Line(recording.id, recording.text, recording) for recording in recordings)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
