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
from sonorant.models.averages import Kept
from sonorant.models.latent_network import LatentNetwork
from sonorant.models.trained import Trained
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.text.symbols import SymbolTable
from sonorant.training.transfer import Judges


def exported(
    system: str,
    cfg: Any,
    build: Callable[[int, int, int], LatentNetwork],
    prepared: Path,
    kept: Kept,
    *,
    discriminators: DiscriminatorConfig,
) -> Trained:
    """What a run has made, from what is kept of it.

    build: a network for training, from its numbers of symbols, speakers and languages. Raises CorpusError.
    """
    tables: Tables = read_corpus(prepared).tables
    n_symbols = SymbolTable(tables.symbols).n_rows

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        with torch.device("meta"):
            network = build(n_symbols, len(tables.speakers), len(tables.frontend.languages))
        network.load_state_dict(kept.weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system=system,
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        step=kept.step,
        weights=kept.weights,
        judges=Judges(plain(discriminators), kept.judges) if kept.judges else None,
        for_voice=for_voice,
    )
