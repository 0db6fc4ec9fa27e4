"""A run's weights on their way into a voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sonorant.config import plain
from sonorant.data.prepare import Tables, read_corpus
from sonorant.models import Purpose
from sonorant.models.latent_network import LatentNetwork
from sonorant.models.trained import Trained
from sonorant.text.symbols import SymbolTable


def exported(
    system: str,
    cfg: Any,
    build: Callable[[int, int, int], LatentNetwork],
    *,
    prepared: Path,
    step: int,
    weights: Mapping[str, Tensor],
) -> Trained:
    """What a run has made, from its averaged weights at a step.

    build: a network for training, from its numbers of symbols, speakers and languages. Raises CorpusError.
    """
    tables: Tables = read_corpus(prepared).tables
    n_symbols = SymbolTable(tables.symbols).n_rows

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = build(n_symbols, len(tables.speakers), len(tables.frontend.languages))
        network.load_state_dict(weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system=system,
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        step=step,
        weights=weights,
        for_voice=for_voice,
    )
