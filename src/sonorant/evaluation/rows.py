"""The rows of the table: each speaker of a voice, and the recordings, measured."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sonorant.data.progress import Progress
from sonorant.errors import TextError
from sonorant.evaluation.figures import Figures, embeddings_of, figures_of
from sonorant.evaluation.held_out import HeldOut
from sonorant.evaluation.likeness import Embeddings, likeness, nearest
from sonorant.evaluation.plan import Line, Part
from sonorant.evaluation.takes import Judges, Sound, Take
from sonorant.voice.voice import Voice, load

RECORDINGS = "recordings"
"""What the table calls the voice of those who were recorded."""


@dataclass(frozen=True)
class Nearest:
    """The recorded speaker that was most like, and how like."""

    speaker: str
    likeness: float


@dataclass(frozen=True)
class Row:
    """A speaker in a language, saying new texts or what was recorded."""

    part: Part
    takes: tuple[Take, ...]
    figures: Figures
    nearest: Nearest | None
    """In the recordings' own rows, the most like of the other speakers."""
    unknown: Mapping[str, int]
    """Symbols that the voice could not say, and how often each occurred."""

    @property
    def voice(self) -> str:
        return self.part.voice or RECORDINGS

    @property
    def texts(self) -> str:
        """Whether the texts are new or were recorded."""
        return "recorded" if self.part.is_recorded else "new"


class Measuring:
    """Lets all rows be said and judged, one after the other."""

    def __init__(self, judges: Judges, *, seed: int, n_kept: int, progress: Progress) -> None:
        """n_kept: the takes of a row whose sound is kept. seed: of the speech and of the intervals."""
        self._judges = judges
        self._seed = seed
        self._n_kept = n_kept
        self._progress = progress

    def rows(self, parts: Sequence[Part], held_out: HeldOut) -> list[Row]:
        """The rows, ordered so that what is compared stands together.

        Raises AudioError for a recording that cannot be read, VoiceError for a voice that cannot be loaded.
        """
        takes: dict[Part, tuple[Take, ...]] = {}
        recorded: dict[str, Take] = {}
        for part in parts:
            if part.voice is None:
                takes[part] = tuple(self._heard(part))
                recorded |= {take.id: take for take in takes[part]}
        people = self._people(held_out, recorded)
        unknown: dict[Part, Counter[str]] = {part: Counter() for part in parts}
        voice: Voice | None = None
        for part in parts:
            if part.folder is not None:
                if voice is None or voice.bundle.folder != part.folder:
                    voice = load(part.folder)
                takes[part] = tuple(self._said(voice, part, recorded, unknown[part]))
        order = {part: place for place, part in enumerate(parts)}
        languages = list(dict.fromkeys(part.language.partition("-")[0] for part in parts))
        return [
            self._row(part, takes[part], people, unknown[part])
            for part in sorted(
                parts,
                key=lambda p: (
                    languages.index(p.language.partition("-")[0]), p.beside or p.speaker, not p.is_recorded, order[p]
                ),
            )
        ]  # fmt: skip

    def _row(
        self, part: Part, takes: tuple[Take, ...], people: Mapping[str, Embeddings], unknown: Mapping[str, int]
    ) -> Row:
        own = embeddings_of(takes)
        others = {name: all_ for name, all_ in people.items() if not (part.voice is None and name == part.speaker)}
        beside = None if part.voice is None else people.get(part.beside or "", np.zeros((0, 256), np.float32))
        found = None
        if others and len(own):
            name = nearest(own, others)
            found = Nearest(name, likeness(own, others[name]))
        return Row(part, takes, figures_of(takes, recorded=beside, seed=self._seed), found, dict(unknown))

    def _heard(self, part: Part) -> Iterator[Take]:
        """Recordings, as the judges hear them."""
        for index, line in enumerate(self._over(part, doing=f"Hearing {part.speaker}")):
            assert line.recording is not None
            sound = Sound(*line.recording.read())
            yield self._judge(sound, line, part, index)

    def _said(self, voice: Voice, part: Part, recorded: Mapping[str, Take], unknown: Counter[str]) -> Iterator[Take]:
        """What a voice says, as the judges hear it."""
        self._say(voice, part, part.lines[0], unknown=Counter())  # the first call is slower than all others
        for index, line in enumerate(self._over(part, doing=f"{voice.name} as {part.speaker}")):
            sound = self._say(voice, part, line, unknown=unknown)
            yield self._judge(sound, line, part, index, recorded=recorded.get(line.id) if line.recording else None)

    def _say(self, voice: Voice, part: Part, line: Line, *, unknown: Counter[str]) -> Sound:
        began_s = time.perf_counter()
        try:
            # A text is a paragraph of its own: a pause after it would only be silence at its end.
            speech = voice.say(
                line.text, speaker=part.speaker, language=part.language, seed=self._seed, paragraph_pause_s=0.0
            )
        except TextError as error:
            raise TextError(f"{line.id}: {error}") from None
        made_in_s = time.perf_counter() - began_s
        unknown.update(speech.unknown)
        return Sound(speech.samples, speech.sample_rate_hz, made_in_s)

    def _judge(self, sound: Sound, line: Line, part: Part, index: int, *, recorded: Take | None = None) -> Take:
        return self._judges.judge(
            sound,
            id_=line.id,
            text=line.text,
            language=part.language,
            recorded=recorded,
            is_kept=index < self._n_kept,
        )

    def _people(self, held_out: HeldOut, recorded: Mapping[str, Take]) -> dict[str, Embeddings]:
        """The embeddings of everybody who was recorded: [m, 256] for each name."""
        people: dict[str, list[Embeddings]] = {}
        for (speaker, _), recordings in held_out.items():
            for recording in recordings:
                take = recorded.get(recording.id)
                embedding = take.embedding if take else self._judges.speaker_of(Sound(*recording.read()))
                if embedding is not None:
                    people.setdefault(speaker, []).append(embedding)
        return {name: np.stack(embeddings) for name, embeddings in people.items()}

    def _over(self, part: Part, *, doing: str) -> Iterator[Line]:
        yield from self._progress(part.lines, n_total=len(part.lines), doing=f"{doing}, {part.language}")
