"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sonorant.models.averages import averaged_weights
from sonorant.models.exporting import exported
from sonorant.models.trained import Trained
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS

_PREDICTOR = "predictor."


def read(cfg: Vits2Config, prepared: Path, trained: Path, durations: Path, step: int | None) -> Trained:
    """The averaged weights of a run's checkpoint.

    step: None for the last, with the durations that a stage of their own has trained on it, if there was one.
    Raises TrainingError, CorpusError.
    """
    is_last = step is None
    step, averaged = averaged_weights(trained, step, best=False)
    weights = dict(averaged)
    if is_last and checkpoints.steps(durations / CHECKPOINTS):
        _, predictor = averaged_weights(durations, None, best=True)
        for name, tensor in predictor.items():
            if name.startswith(_PREDICTOR):
                weights["duration." + name.removeprefix(_PREDICTOR)] = tensor
    return exported("vits2", cfg, partial(Vits2, cfg), prepared=prepared, step=step, weights=weights)
