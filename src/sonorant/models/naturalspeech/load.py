"""A NaturalSpeech from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonorant.config import parse
from sonorant.models import Purpose
from sonorant.models.filling import fill
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.hifigan import HifiGan, WideHifiGan


def load(
    model: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    *,
    n_symbols: int,
    n_speakers: int,
    n_languages: int,
    source: str,
) -> NaturalSpeech:
    """Build the network and fill it, ready to speak on a CPU; with a posterior among the weights it can convert too.

    Raises ConfigError for a bad configuration, VoiceError for weights that do not fit it, naming the first.
    """
    cfg = parse(NaturalSpeechConfig, dict(model), source=f"{source}: model")
    purpose = Purpose.CONVERSION if any(name.startswith("posterior.") for name in weights) else Purpose.SPEAKING
    with torch.device("meta"):
        network = NaturalSpeech(cfg, n_symbols, n_speakers, n_languages, purpose)
    fill(network, weights, source=source)
    if isinstance(network.decoder, HifiGan):
        network.decoder = WideHifiGan(network.decoder)
    return network
