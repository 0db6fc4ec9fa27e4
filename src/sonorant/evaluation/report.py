"""The report: a folder with the table, all numbers, and a page to look at and listen to. Whole or not at all."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sonorant import __version__
from sonorant.errors import ConfigError
from sonorant.evaluation import page, table
from sonorant.evaluation.bootstrap import N_RESAMPLES
from sonorant.evaluation.rows import Row
from sonorant.evaluation.takes import Take
from sonorant.voice.bundle import write_whole

SCHEMA = 1
JSON, TABLE, PAGE = "report.json", "table.md", "index.html"
# Below so many, an interval is known to be too narrow.
_FEW = 10


@dataclass(frozen=True)
class Report:
    """All that was measured. asked: what was asked for, by the names of the options."""

    rows: Sequence[Row]
    asked: Mapping[str, Any]

    @property
    def notes(self) -> list[str]:
        """What a reader of the table must know."""
        notes = [
            f"With each figure stands its 95 % interval, from {N_RESAMPLES:,} resamples of the texts; "
            "with the likeness of halves, where 95 % of all halvings lie."
        ]
        if any(len(row.takes) < _FEW for row in self.rows):
            notes.append(f"Intervals of fewer than {_FEW} texts are too narrow.")
        if not self.asked.get("asr"):
            notes.append("No recogniser was given, so what is heard was not measured.")
        else:
            deaf = {row.part.language for row in self.rows if not any(take.errors for take in row.takes)}
            notes += [f"The recogniser does not know {language}." for language in sorted(deaf)]
        if any(row.part.beside not in (None, row.part.speaker) for row in self.rows):
            notes.append("A row with somebody under 'beside' is compared with another person's recordings.")
        for row in self.rows:
            who = f"{row.voice}, {row.part.speaker}, {row.part.language}, {row.texts} texts"
            if n := sum(bool(take.faults) for take in row.takes):
                reason = Counter(fault for take in row.takes for fault in take.faults).most_common(1)[0][0]
                notes.append(f"{who}: {n} could not be judged in full ({reason}).")
            if row.unknown:
                shown = ", ".join(f"{symbol!r} ×{count}" for symbol, count in sorted(row.unknown.items())[:10])
                notes.append(f"{who}: left out what the voice has no symbol for: {shown}.")
        return notes


def check_target(folder: Path) -> None:
    """Raise ConfigError, before the work rather than after it, when no report can be written there."""
    if folder.exists():
        raise ConfigError(f"{folder}: exists already; name another folder for the report or remove it")
    if not folder.parent.is_dir():
        raise ConfigError(f"{folder}: the folder {folder.parent} does not exist; make it first")
    if not os.access(folder.parent, os.W_OK):
        raise ConfigError(f"{folder}: the folder {folder.parent} cannot be written to; name another with --report")


def write_report(report: Report, folder: Path) -> None:
    """Make the report's folder. Raises VoiceError where it cannot be written."""

    def build(part: Path) -> None:
        text = json.dumps(plain(report), ensure_ascii=False, indent=1, allow_nan=False)
        (part / JSON).write_text(text + "\n", encoding="utf-8")
        (part / TABLE).write_text(table.markdown(report.rows, report.notes), encoding="utf-8")
        page.write_page(part / PAGE, report.rows, notes=report.notes, asked=report.asked)

    write_whole(folder, build)


def plain(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it."""
    return {
        "schema": SCHEMA,
        "made_with": f"sonorant {__version__}",
        "asked": dict(report.asked),
        "notes": report.notes,
        "rows": [
            {
                "voice": row.voice,
                "speaker": row.part.speaker,
                "language": row.part.language,
                "texts": row.texts,
                "beside": row.part.beside,
                "figures": {name: asdict(found) for name, found in row.figures.items()},
                "nearest": asdict(row.nearest) if row.nearest else None,
                "unknown": dict(row.unknown),
                "takes": [_plain_take(take) for take in row.takes],
            }
            for row in report.rows
        ],
    }


def _plain_take(take: Take) -> dict[str, Any]:
    compared = take.comparison
    found: dict[str, Any] = {
        "id": take.id,
        "text": take.text,
        "duration_s": round(take.duration_s, 4),
        "made_in_s": take.made_in_s and round(take.made_in_s, 4),
        "heard": take.heard,
        "errors": asdict(take.errors) if take.errors else None,
        "quality": asdict(take.quality) if take.quality else None,
        "comparison": None,
        "faults": list(take.faults),
    }
    if compared:
        found["comparison"] = {
            "distortion_db": compared.distortion_db,
            "pitch": asdict(compared.pitch),
            "said_s": compared.duration.said_s,
            "recorded_s": compared.duration.recorded_s,
        }
    return found
