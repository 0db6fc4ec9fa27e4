"""A NaturalSpeech from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonorant.config import parse
from sonorant.models.filling import filled
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech


def load(
    model: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    n_symbols: int,
    n_speakers: int,
    n_languages: int,
    source: str,
) -> NaturalSpeech:
    """Build the network and fill it, as `filled` does. Raises ConfigError for a bad configuration, VoiceError."""
    cfg = parse(NaturalSpeechConfig, dict(model), source=f"{source}: model")
    return filled(
        lambda purpose: NaturalSpeech(cfg, n_symbols, n_speakers, n_languages, purpose), weights, source=source
    )
