"""What whoever runs a recipe gives to its stages: ways to what lies outside the run's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sonorant.data.progress import Progress, silent
from sonorant.training.transfer import Source

if TYPE_CHECKING:
    from sonorant.models.corpus_aligning import AligningVoice


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Given:
    """source: reads what init_from names; None where it names nothing. aligning_voice: a voice or a run as one that
    aligns, by its name or its folder. should_stop: whether the run was asked to stop. progress: shows how far a
    stage has come that does not train."""

    aligning_voice: Callable[[str], AligningVoice]
    source: Callable[[], Source] | None = None
    should_stop: Callable[[], bool] = _never
    progress: Progress = silent
