"""From a run's checkpoint to the weights of a voice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sonorant.config import plain
from sonorant.data.prepare import read_corpus
from sonorant.models import Purpose
from sonorant.models.averages import averaged_weights
from sonorant.models.trained import Trained
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS

_PREDICTOR = "predictor."


def read(cfg: Vits2Config, prepared: Path, trained: Path, durations: Path, step: int | None) -> Trained:
    """The averaged weights of a run's checkpoint.

    step: None for the last, with the durations that a stage of their own has trained on it, if there was one.
    Raises TrainingError, CorpusError.
    """
    tables = read_corpus(prepared).tables
    is_last = step is None
    step, averaged = averaged_weights(trained, step, best=False)
    weights = dict(averaged)
    if is_last and checkpoints.steps(durations / CHECKPOINTS):
        _, predictor = averaged_weights(durations, None, best=True)
        for name, tensor in predictor.items():
            if name.startswith(_PREDICTOR):
                weights["duration." + name.removeprefix(_PREDICTOR)] = tensor
    n_symbols = SymbolTable(tables.symbols).n_rows

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = Vits2(cfg, n_symbols, len(tables.speakers), len(tables.frontend.languages))
        network.load_state_dict(weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system="vits2",
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        step=step,
        weights=weights,
        for_voice=for_voice,
    )
