"""From rows to utterances: every recording is opened, its length read from its header, every text looked at."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes
from sonorant.data.manifest import Rejected, Utterance
from sonorant.errors import AudioError, CorpusError


@dataclass(frozen=True)
class Imported:
    """What an import gave: the utterances, and what became none."""

    utterances: list[Utterance]
    rejected: list[Rejected]


def verified(rows: Iterable[Row | Rejected], wishes: Wishes, *, corpus: str, licence: str, out: Path) -> Imported:
    """Turn rows into utterances; what cannot be one is rejected with its reason.

    out: the manifest's folder. Recordings below it are named from it, all others in full.
    """
    utterances: dict[str, Utterance] = {}
    rejected: list[Rejected] = []
    for row in rows:
        outcome: Row | Utterance | Rejected = row
        if isinstance(row, Row):
            outcome = _utterance(row, wishes, corpus=corpus, licence=licence, out=out)
            if isinstance(outcome, Utterance) and outcome.id in utterances:
                outcome = Rejected(audio=_named_from(row.audio, out), reason=f"the id {row.id} is taken already")
        if isinstance(outcome, Utterance):
            utterances[outcome.id] = outcome
        elif isinstance(outcome, Rejected):
            rejected.append(replace(outcome, audio=_shown(outcome.audio), reason=_shown(outcome.reason)))
    return Imported(list(utterances.values()), rejected)


def _utterance(row: Row, wishes: Wishes, *, corpus: str, licence: str, out: Path) -> Utterance | Rejected:
    def refuse(reason: str) -> Rejected:
        return Rejected(audio=_named_from(row.audio, out), reason=reason)

    if any(_shown(part) != part for part in (row.id, str(row.audio), row.text, row.speaker, row.language)):
        return refuse("its path, speaker or text is not UTF-8")
    text = " ".join(unicodedata.normalize("NFC", row.text).split())
    if not text:
        return refuse("its text is empty")
    if not any(character.isalnum() for character in text):
        return refuse(f"its text {text!r} has neither letters nor digits")
    try:
        whole_s = header_duration_s(row.audio)
    except AudioError as error:
        return refuse(str(error))
    if row.start_s >= whole_s or (row.end_s is not None and row.end_s > whole_s + 0.001):
        return refuse(f"lasts {whole_s:.2f} s, but {row.start_s:.2f} to {row.end_s or whole_s:.2f} s was asked for")
    end_s = None if row.end_s is None else min(row.end_s, whole_s)
    duration_s = (whole_s if end_s is None else end_s) - row.start_s
    if duration_s < wishes.min_duration_s:
        return refuse(f"shorter than {wishes.min_duration_s:g} s: {duration_s:.2f} s")
    if duration_s > wishes.max_duration_s:
        return refuse(f"longer than {wishes.max_duration_s:g} s: {duration_s:.2f} s")
    try:
        return Utterance(
            id=row.id,
            audio=_named_from(row.audio, out),
            text=text,
            speaker=row.speaker,
            language=row.language,
            duration_s=round(duration_s, 4),
            start_s=round(row.start_s, 4),
            end_s=None if end_s is None else round(end_s, 4),
            split=row.split,
            corpus=corpus,
            licence=row.licence if row.licence is not None else licence,
        )
    except ValueError as error:
        return refuse(str(error))


def header_duration_s(path: Path) -> float:
    """How long a recording lasts, by its header. Raises AudioError when it is none, or empty."""
    import soundfile

    if not path.is_file():
        raise AudioError("no such file")
    if path.stat().st_size == 0:
        raise AudioError("the file is empty")
    try:
        header = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(
            f"cannot be read as audio ({str(error).removeprefix(f'Error opening {str(path)!r}: ')})"
        ) from None
    if not header.frames:
        raise AudioError("holds no samples")
    return float(header.frames) / float(header.samplerate)


def _shown(text: str) -> str:
    """The text with what is no character escaped: bytes of a file that is not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _named_from(audio: Path, out: Path) -> str:
    full = Path(os.path.abspath(audio))
    start = Path(os.path.abspath(out))
    return full.relative_to(start).as_posix() if full.is_relative_to(start) else str(full)


def check_places(source: Path | None, out: Path, *, may_be_file: bool) -> None:
    """Raise CorpusError when a corpus cannot be read from `source`, or a manifest not be written into `out`."""
    if source is not None:
        if not source.is_dir() and not (may_be_file and source.is_file()):
            raise CorpusError(f"{source}: no such folder; give the folder of the corpus")
        if out.resolve().is_relative_to(source.resolve()):
            raise CorpusError(f"{out}: lies in the corpus {source}, which is never written to; choose another folder")
    if (out / "manifest.jsonl").exists():
        raise CorpusError(f"{out}: holds a manifest.jsonl already, which is not written over; choose another folder")
    if out.exists() and not out.is_dir():
        raise CorpusError(f"{out}: is no folder; give a folder for the manifest")
