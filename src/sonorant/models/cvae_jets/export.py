"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sonorant.models.averages import kept
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.exporting import exported
from sonorant.models.trained import Trained
from sonorant.nn.discriminators import DiscriminatorConfig


def read(
    cfg: CvaeJetsConfig, discriminators: DiscriminatorConfig, prepared: Path, trained: Path, step: int | None
) -> Trained:
    """The averaged weights of a run's checkpoint. step: None for the last. Raises TrainingError, CorpusError."""
    return exported(
        "cvae_jets",
        cfg,
        partial(CvaeJets, cfg),
        prepared,
        kept(trained, step, best=False),
        discriminators=discriminators,
        by_speaker=CvaeJets.by_speaker,
    )
