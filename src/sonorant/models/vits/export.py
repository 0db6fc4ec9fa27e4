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
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.text.symbols import SymbolTable


def read(cfg: VitsConfig, prepared: Path, trained: Path, step: int | None) -> Trained:
    """The averaged weights of a run's checkpoint. step: None for the best. Raises TrainingError, CorpusError."""
    tables = read_corpus(prepared).tables
    step, weights = averaged_weights(trained, step, best=True)
    n_symbols = SymbolTable(tables.symbols).n_rows

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = Vits(cfg, n_symbols, len(tables.speakers))
        network.load_state_dict(weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system="vits",
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        step=step,
        weights=weights,
        for_voice=for_voice,
    )
