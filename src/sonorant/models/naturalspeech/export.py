"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sonorant.config import plain
from sonorant.data.prepare import read_corpus
from sonorant.errors import TrainingError
from sonorant.models import Purpose
from sonorant.models.averages import averaged_weights
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.trained import Trained
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS


def read(cfg: NaturalSpeechConfig, prepared: Path, stages: Sequence[Path], step: int | None) -> Trained:
    """The averaged weights of a checkpoint of the last of the stages that has one.

    step: None for the last one. Raises TrainingError, CorpusError.
    """
    trained = [folder for folder in stages if checkpoints.steps(folder / CHECKPOINTS)]
    if not trained:
        raise TrainingError(f"{prepared.parent}: holds no checkpoint of {', '.join(folder.name for folder in stages)}")
    tables = read_corpus(prepared).tables
    step, weights = averaged_weights(trained[-1], step, best=False)
    n_symbols = SymbolTable(tables.symbols).n_rows

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = NaturalSpeech(cfg, n_symbols, len(tables.speakers), len(tables.frontend.languages))
        network.load_state_dict(weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system="naturalspeech",
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        step=step,
        weights=weights,
        for_voice=for_voice,
    )
