"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sonorant.errors import TrainingError
from sonorant.models.averages import kept
from sonorant.models.exporting import exported
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.trained import Trained
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS


def read(
    cfg: NaturalSpeechConfig,
    discriminators: DiscriminatorConfig,
    prepared: Path,
    stages: Sequence[Path],
    step: int | None,
) -> Trained:
    """The averaged weights of a checkpoint of the last of the stages that has one.

    step: None for the last one. Raises TrainingError, CorpusError.
    """
    trained = [folder for folder in stages if checkpoints.steps(folder / CHECKPOINTS)]
    if not trained:
        raise TrainingError(f"{prepared.parent}: holds no checkpoint of {', '.join(folder.name for folder in stages)}")
    return exported(
        "naturalspeech",
        cfg,
        partial(NaturalSpeech, cfg),
        prepared,
        kept(trained[-1], step, best=False),
        discriminators=discriminators,
        by_speaker=NaturalSpeech.by_speaker,
    )
