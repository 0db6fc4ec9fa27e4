"""A VITS2 from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from sonorant.config import parse
from sonorant.models.filling import filled
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2


def load(
    model: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    n_symbols: int,
    n_speakers: int,
    n_languages: int,
    source: str,
) -> Vits2:
    """Build the network and fill it, as `filled` does. Raises ConfigError for a bad configuration, VoiceError."""
    cfg = parse(Vits2Config, dict(model), source=f"{source}: model")
    return filled(partial(Vits2, cfg, n_symbols, n_speakers, n_languages), weights, source=source)
