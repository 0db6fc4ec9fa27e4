"""From a run's checkpoint to weights that others start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sonorant.config import plain
from sonorant.errors import TrainingError
from sonorant.models.averages import kept
from sonorant.models.phoneme_encoder.config import PhonemeEncoderConfig
from sonorant.models.phoneme_encoder.prepare import read_prepared
from sonorant.models.trained import Trained
from sonorant.text.symbols import SymbolTable


def read(cfg: PhonemeEncoderConfig, prepared: Path, trained: Path, step: int | None) -> Trained:
    """The averaged weights of a run's checkpoint, the heads and sup-phonemes among them. step: None for the best.

    Raises TrainingError, CorpusError; and TrainingError when a voice is asked for.
    """
    tables = read_prepared(prepared).tables
    taken = kept(trained, step, best=True)

    def for_voice(converts: bool) -> Mapping[str, Tensor]:
        raise TrainingError(
            f"{trained.parent}: is a phoneme encoder, which cannot speak; 'sonorant train … --init-from "
            f"{trained.parent}' starts a voice's training from it"
        )

    return Trained(
        system="phoneme_encoder",
        model=plain(cfg),
        sample_rate_hz=0,
        tables=tables,
        n_symbols=SymbolTable(tables.symbols).n_rows,
        steps=taken.steps,
        weights=taken.weights,
        for_voice=for_voice,
    )
