"""The weights of a run that are kept: the moving average of what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS

_AVERAGED = "module."


def averaged_weights(trained: Path, step: int | None, *, best: bool) -> tuple[int, Mapping[str, Tensor]]:
    """The averaged weights of a training stage's checkpoint, and its step.

    step: None for the best one, or for the last. Raises TrainingError.
    """
    checkpoint = checkpoints.read(trained / CHECKPOINTS, step, best=best)
    weights = {
        name.removeprefix(_AVERAGED): tensor
        for name, tensor in checkpoint.parts["average"].items()
        if name.startswith(_AVERAGED)
    }
    return checkpoint.step, weights


def last_state(trained: Path) -> Path:
    """The file that names all others of a training stage's last checkpoint, with their fingerprints."""
    folder = trained / CHECKPOINTS
    return checkpoints.folder_of(folder, checkpoints.steps(folder)[-1]) / checkpoints.STATE
