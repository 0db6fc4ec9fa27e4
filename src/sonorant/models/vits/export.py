"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from pathlib import Path

from sonorant.models.averages import kept
from sonorant.models.exporting import exported
from sonorant.models.trained import Trained
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.nn.discriminators import DiscriminatorConfig


def read(
    cfg: VitsConfig, discriminators: DiscriminatorConfig, prepared: Path, trained: Path, step: int | None
) -> Trained:
    """The averaged weights of a run's checkpoint. step: None for the best. Raises TrainingError, CorpusError."""

    def build(n_symbols: int, n_speakers: int, n_languages: int) -> Vits:
        del n_languages
        return Vits(cfg, n_symbols, n_speakers)

    return exported(
        "vits",
        cfg,
        build,
        prepared,
        kept(trained, step, best=True),
        discriminators=discriminators,
        by_speaker=Vits.by_speaker,
    )
