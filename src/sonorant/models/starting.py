"""What is written down of a start from other weights."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.training.transfer import Transferred

STARTED_FROM = "started_from.json"


def write_outcome(source: str, outcome: Transferred, folder: Path) -> None:
    """Write into a stage's folder what became of each weight. Raises AudioError when it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / STARTED_FROM) as part:
        report = {"source": source, **asdict(outcome)}
        part.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
