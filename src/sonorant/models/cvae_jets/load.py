"""A CVAE-JETS from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from sonorant.config import parse
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.filling import filled


def load(
    model: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    n_symbols: int,
    n_speakers: int,
    n_languages: int,
    source: str,
) -> CvaeJets:
    """Build the network and fill it, as `filled` does. Raises ConfigError for a bad configuration, VoiceError."""
    cfg = parse(CvaeJetsConfig, dict(model), source=f"{source}: model")
    return filled(partial(CvaeJets, cfg, n_symbols, n_speakers, n_languages), weights, source=source)
