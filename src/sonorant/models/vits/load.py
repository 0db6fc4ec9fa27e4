"""A VITS from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from sonorant.config import parse
from sonorant.models.filling import filled
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits


def load(
    model: Mapping[str, Any], weights: Mapping[str, Tensor], *, n_symbols: int, n_speakers: int, source: str
) -> Vits:
    """Build the network and fill it, as `filled` does. Raises ConfigError for a bad configuration, VoiceError."""
    cfg = parse(VitsConfig, dict(model), source=f"{source}: model")
    return filled(partial(Vits, cfg, n_symbols, n_speakers), weights, source=source)
