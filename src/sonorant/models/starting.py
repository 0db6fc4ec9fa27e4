"""Starting from what a run has made, and what is written down of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.config import plain
from sonorant.errors import TrainingError
from sonorant.models.preparing import to_stderr
from sonorant.models.trained import Trained
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.training.transfer import Source, Transferred

STARTED_FROM = "started_from.json"
ENCODER_FROM = "text_encoder_from.json"
"""Of a text encoder that the run itself has trained before, whatever the rest began as."""


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
        judges=trained.judges,
    )


def check_same_source(source: Source, folder: Path) -> None:
    """Raise TrainingError where a stage, in its folder, has started from other weights of the source's name."""
    path = folder / STARTED_FROM
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("fingerprint") != source.fingerprint:
        raise TrainingError(
            f"{folder}: began with other weights than {source.name} has now; bring those back, or begin another run"
        )


def start_judges(source: Source, judges: Discriminators, cfg: DiscriminatorConfig) -> str:
    """Give discriminators what a source's have learned, if they are of the same make; says what became of them."""
    if source.judges is None:
        return "anew, for the source has none"
    if source.judges.model != plain(cfg):
        return "anew, for the source's are of another make"
    judges.load_state_dict(dict(source.judges.weights))
    return "as they are"


def report_start(
    source: Source, outcome: Transferred, folder: Path, *, judges: str | None = None, into: str = STARTED_FROM
) -> None:
    """Tell what became of each weight, and of the discriminators, and write it into a file of a stage's folder.

    Raises AudioError when it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = {} if judges is None else {"discriminators": judges}
    with whole_file(folder / into) as part:
        told = {"source": source.name, "fingerprint": source.fingerprint, **said, **asdict(outcome)}
        part.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    to_stderr(f"{folder.name}: from {source.name}: {outcome}{f'; discriminators {judges}' if judges else ''}")
