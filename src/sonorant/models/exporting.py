"""A run's weights on their way into a voice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sonorant.config import plain
from sonorant.data.prepare import Tables, read_corpus
from sonorant.errors import ParameterError
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
    by_speaker: tuple[str, ...],
) -> Trained:
    """What a run has made, from what is kept of it.

    build: a network for training, from its numbers of symbols, speakers and languages. Raises CorpusError.
    """
    tables: Tables = read_corpus(prepared).tables
    n_symbols = SymbolTable(tables.symbols).n_rows

    def without_weights() -> LatentNetwork:
        with torch.device("meta"):
            return build(n_symbols, len(tables.speakers), len(tables.frontend.languages))

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        network = without_weights()
        network.load_state_dict(kept.weights, assign=True)
        return network.for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING).state_dict()

    return Trained(
        system=system,
        model=plain(cfg),
        sample_rate_hz=cfg.spectrogram.sample_rate_hz,
        tables=tables,
        n_symbols=n_symbols,
        steps=kept.steps,
        weights=kept.weights,
        judges=Judges(plain(discriminators), kept.judges) if kept.judges else None,
        for_voice=for_voice,
        by_speaker=by_speaker,
        noises=without_weights().noises,
    )


def without_speakers(trained: Trained, names: Collection[str]) -> Trained:
    """What a run has made, less some speakers: a teacher, say, who is not to be part of a voice.

    Raises ParameterError for a speaker it has not, or when fewer than two would be left.
    """
    tables = trained.tables
    if unknown := sorted(set(names) - set(tables.speakers)):
        raise ParameterError(f"there is no speaker {unknown[0]!r} to leave out, only {', '.join(tables.speakers)}")
    rows = [row for row, name in enumerate(tables.speakers) if name not in names]
    if len(rows) < 2:
        raise ParameterError(
            f"{len(rows)} of {len(tables.speakers)} speakers would be left, but a model of several keeps 2 at least"
        )

    def left(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: weight[rows] if name in trained.by_speaker else weight for name, weight in weights.items()}

    return replace(
        trained,
        tables=replace(
            tables,
            speakers=tuple(tables.speakers[row] for row in rows),
            language_of_speaker=tuple(tables.language_of_speaker[row] for row in rows),
        ),
        weights=left(trained.weights),
        for_voice=lambda converts: left(trained.for_voice(converts)),
    )
