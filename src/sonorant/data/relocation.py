"""Manifests that are written to another folder than they were read from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sonorant.data.manifest import Utterance


def relocated(utterances: Sequence[Utterance], *, source: Path, target: Path) -> list[Utterance]:
    """The utterances of the manifest `source` for a manifest `target`: relative recordings are the same files."""
    old, new = source.parent.resolve(), target.parent.resolve()
    if old == new:
        return list(utterances)
    return [
        utterance
        if Path(utterance.audio).is_absolute()
        else replace(utterance, audio=_from(new, old / utterance.audio))
        for utterance in utterances
    ]


def _from(folder: Path, audio: Path) -> str:
    try:
        return os.path.relpath(audio, folder)
    except ValueError:  # another drive of Windows
        return str(audio)
