"""The manifest: one JSON object a line, one utterance each. All that training knows of a corpus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import Any, Literal

from sonorant.audio.io import whole_file
from sonorant.config import config, found_and_expected
from sonorant.errors import CorpusError

Split = Literal["train", "validation", "test"]


@config
class Utterance:
    """A recording of one speaker saying one text."""

    id: str
    """Unique in its manifest."""
    audio: str
    """The recording; a relative path starts at the manifest's folder."""
    text: str
    speaker: str
    language: str
    """As espeak-ng and the voices name it: en-us, es-419, fr-fr."""
    duration_s: float
    """Of the part that is used: of the whole recording, or from start_s to end_s."""
    start_s: float = 0.0
    end_s: float | None = None
    """Where the utterance ends in the recording; None for its end."""
    split: Split = "train"
    corpus: str = ""
    licence: str = ""
    weight: float = 1.0
    """How often an epoch holds it, on average."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """What was measured of it, by name: loudness_lufs, cer, …"""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What speaks against it, by kind, each with its reason."""

    def __post_init__(self) -> None:
        for name in ("id", "audio", "text", "speaker", "language"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if not self.duration_s > 0:
            raise ValueError(f"duration_s is {self.duration_s}: it must be positive")
        if self.start_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise ValueError(f"start_s is {self.start_s} and end_s {self.end_s}: they must be 0 <= start_s < end_s")
        if not 0 <= self.weight <= 100:
            raise ValueError(f"weight is {self.weight}: it must lie in 0 to 100")


@config
class Rejected:
    """A recording that became no utterance, and why."""

    audio: str
    reason: str


_DEFAULTS: dict[str, Any] = {"start_s": 0.0, "end_s": None, "corpus": "", "licence": "", "weight": 1.0}


def read_manifest(path: Path) -> list[Utterance]:
    """The utterances of a manifest, in its order.

    Raises CorpusError for a file that cannot be read, a bad line (with its number and id), an id used twice, or a
    manifest without utterances.
    """
    import pydantic

    adapter = pydantic.TypeAdapter(Utterance)
    utterances: list[Utterance] = []
    line_of_id: dict[str, int] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            utterance = adapter.validate_json(line)
        except pydantic.ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"]))
            said = found_and_expected(fault)
            if fault["type"] == "json_invalid":
                said = (
                    f"found {line[:40]!r}, expected a JSON object, an utterance, as 'sonorant corpus import' writes it"
                )
            raise CorpusError(f"{path} line {number}{_id_of(line)}: {where + ': ' if where else ''}{said}") from None
        if (first := line_of_id.setdefault(utterance.id, number)) != number:
            raise CorpusError(f"{path} line {number} (id {utterance.id}): the id stands in line {first} already")
        utterances.append(utterance)
    if not utterances:
        raise CorpusError(f"{path}: holds no utterance; 'sonorant corpus import' makes a manifest")
    return utterances


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest, whole or not at all. Fields that say nothing are left out."""
    write_rows(path, (_plain(utterance) for utterance in utterances))


def write_rejected(path: Path, rejected: Iterable[Rejected]) -> None:
    """Write what was rejected, one JSON object a line."""
    write_rows(path, (asdict(row) for row in rejected))


def audio_path(manifest: Path, utterance: Utterance) -> Path:
    """Where an utterance's recording lies."""
    return manifest.parent / utterance.audio


def _plain(utterance: Utterance) -> dict[str, Any]:
    row = {part.name: getattr(utterance, part.name) for part in fields(utterance)}
    row = {name: value for name, value in row.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    return {name: value for name, value in row.items() if name not in ("measures", "faults") or value}


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, all or nothing."""
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); name a manifest, as 'sonorant corpus import' makes one"
        ) from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 at byte {error.start:,}") from None


def _id_of(line: str) -> str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return f" (id {row['id']})" if isinstance(row, dict) and isinstance(row.get("id"), str) else ""
