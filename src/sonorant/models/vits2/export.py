"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from sonorant.models.averages import kept
from sonorant.models.exporting import exported
from sonorant.models.trained import Trained
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS

_PREDICTOR = "predictor."


def read(
    cfg: Vits2Config,
    discriminators: DiscriminatorConfig,
    prepared: Path,
    trained: Path,
    durations: Path,
    stage: str | None,
    step: int | None,
) -> Trained:
    """The averaged weights of a run's checkpoint.

    stage: None for all that is there; the name of `trained` leaves out the durations that a stage of their own has
    trained on its last step. step: of the stage named, or of `trained`, then without that stage; None for the last of
    `trained` and the best of `durations`. Raises TrainingError, CorpusError.
    """
    is_of_durations = stage == durations.name
    taken = kept(trained, None if is_of_durations else step, best=False)
    weights, steps = dict(taken.weights), dict(taken.steps)
    if is_of_durations or (stage is None and step is None and checkpoints.steps(durations / CHECKPOINTS)):
        learned = kept(durations, step, best=True)
        steps |= learned.steps
        for name, tensor in learned.weights.items():
            if name.startswith(_PREDICTOR):
                weights["duration." + name.removeprefix(_PREDICTOR)] = tensor
    return exported(
        "vits2",
        cfg,
        partial(Vits2, cfg),
        prepared,
        replace(taken, steps=steps, weights=weights),
        discriminators=discriminators,
        by_speaker=Vits2.by_speaker,
    )
