"""Recordings that no voice was trained on, by speaker: what speech is compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sonorant.audio.io import Samples, read
from sonorant.data.manifest import Split, Utterance, audio_path, read_manifest
from sonorant.errors import CorpusError


@dataclass(frozen=True)
class Recording:
    """A recording of a speaker saying a text."""

    id: str
    text: str
    speaker: str
    language: str
    path: Path
    start_s: float
    end_s: float | None

    def read(self) -> tuple[Samples, int]:
        """Samples, [N] in [-1, 1], and their rate in Hz. Raises AudioError."""
        return read(self.path, start_s=self.start_s, end_s=self.end_s)


HeldOut = Mapping[tuple[str, str], tuple[Recording, ...]]
"""The held-out recordings of each speaker in each language that the speaker was recorded in."""


def read_held_out(manifest: Path, *, split: Split | None = None, limit: int | None = None) -> HeldOut:
    """The recordings of a manifest's split without a fault, at most `limit` of a speaker in a language.

    split: None for the test recordings, else, where a speaker has none, those for validation.
    Raises CorpusError for a manifest that cannot be read or holds no such recording.
    """
    of_split: defaultdict[tuple[str, str], dict[str, list[Utterance]]] = defaultdict(dict)
    for utterance in read_manifest(manifest):
        if not utterance.faults:
            of_split[utterance.speaker, utterance.language].setdefault(utterance.split, []).append(utterance)
    found: dict[tuple[str, str], tuple[Recording, ...]] = {}
    for key, utterances in of_split.items():
        wanted = (split,) if split else ("test", "validation")
        if chosen := next((utterances[name] for name in wanted if name in utterances), []):
            found[key] = tuple(_recording(manifest, utterance) for utterance in chosen[:limit])
    if not found:
        raise CorpusError(
            f"{manifest}: holds no recording for {split or 'test or validation'}; "
            "'sonorant corpus split' sets some aside"
        )
    return found


def _recording(manifest: Path, utterance: Utterance) -> Recording:
    return Recording(
        id=utterance.id,
        text=utterance.text,
        speaker=utterance.speaker,
        language=utterance.language,
        path=audio_path(manifest, utterance),
        start_s=utterance.start_s,
        end_s=utterance.end_s,
    )
