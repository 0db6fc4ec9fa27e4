"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sonorant.models.averages import averaged_weights
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.exporting import exported
from sonorant.models.trained import Trained


def read(cfg: CvaeJetsConfig, prepared: Path, trained: Path, step: int | None) -> Trained:
    """The averaged weights of a run's checkpoint. step: None for the last. Raises TrainingError, CorpusError."""
    step, weights = averaged_weights(trained, step, best=False)
    return exported("cvae_jets", cfg, partial(CvaeJets, cfg), prepared=prepared, step=step, weights=weights)
