"""What others take of a run: the moving average of what was trained, and those who judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sonorant.errors import TrainingError
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS

_AVERAGED = "module."


@dataclass(frozen=True)
class Kept:
    """weights: the moving average of what was trained. judges: the discriminators, empty where there were none.

    steps: which of each stage that they are of.
    """

    steps: Mapping[str, int]
    weights: Mapping[str, Tensor]
    judges: Mapping[str, Tensor]


def kept(trained: Path, step: int | None, *, best: bool) -> Kept:
    """What is kept of a training stage's checkpoint. step: None for the best one, or the last. Raises TrainingError."""
    checkpoint = checkpoints.read(trained / CHECKPOINTS, step, best=best)
    weights = {
        name.removeprefix(_AVERAGED): tensor
        for name, tensor in checkpoint.parts["average"].items()
        if name.startswith(_AVERAGED)
    }
    return Kept({trained.name: checkpoint.step}, weights, checkpoint.parts.get("discriminator", {}))


def last_state(trained: Path) -> Path:
    """The file that names all others of a training stage's last checkpoint, with their fingerprints.

    Raises TrainingError where there is none.
    """
    folder = trained / CHECKPOINTS
    if not (steps := checkpoints.steps(folder)):
        raise TrainingError(f"{folder}: holds no checkpoint, but later stages begin with it: put it back")
    return checkpoints.folder_of(folder, steps[-1]) / checkpoints.STATE
