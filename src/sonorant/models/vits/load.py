"""A VITS from a voice folder's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonorant.config import parse
from sonorant.errors import VoiceError
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Purpose, Vits
from sonorant.nn.hifigan import WideHifiGan


def load(
    model: Mapping[str, Any], weights: Mapping[str, Tensor], *, n_symbols: int, n_speakers: int, source: str
) -> Vits:
    """Build the network and fill it, ready to speak on a CPU; with a posterior among the weights it can convert too.

    Raises ConfigError for a bad configuration, VoiceError for weights that do not fit it, naming the first.
    """
    cfg = parse(VitsConfig, dict(model), source=f"{source}: model")
    purpose = Purpose.CONVERSION if any(name.startswith("posterior.") for name in weights) else Purpose.SPEAKING
    with torch.device("meta"):
        network = Vits(cfg, n_symbols, n_speakers, purpose)
    expected = network.state_dict()
    faults = [f"{name} is missing" for name in expected if name not in weights]
    faults += [f"{name} is not part of the model" for name in weights if name not in expected]
    faults += [
        f"{name} has shape {tuple(weights[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if faults:
        raise VoiceError(f"{source}: the weights do not fit the model: {faults[0]} ({len(faults)} in all)")
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, assign=True)
    network.eval()
    network.decoder = WideHifiGan(network.decoder)
    return network
