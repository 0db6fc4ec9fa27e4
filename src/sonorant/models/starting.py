"""Starting from what a run has made, and what is written down of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.models.trained import Trained
from sonorant.training.transfer import Source, Transferred

STARTED_FROM = "started_from.json"


def as_source(trained: Trained, name: str) -> Source:
    """What a run has made, as something to start from."""
    tables = trained.tables
    return Source(
        name=name,
        weights=trained.weights,
        symbols=tables.symbols,
        speakers=tables.speakers,
        languages=tuple(language.code for language in tables.frontend.languages),
        system=trained.system,
        model=trained.model,
    )


def write_outcome(source: str, outcome: Transferred, folder: Path) -> None:
    """Write into a stage's folder what became of each weight. Raises AudioError when it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / STARTED_FROM) as part:
        report = {"source": source, **asdict(outcome)}
        part.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
