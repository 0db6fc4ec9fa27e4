"""A voice's weights into its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from sonorant.errors import VoiceError
from sonorant.models import Purpose
from sonorant.models.latent_network import LatentNetwork
from sonorant.nn.hifigan import HifiGan, WideHifiGan

Network = TypeVar("Network", bound=LatentNetwork)
_HEARING = ("posterior.", "aligner.")
"""Parts that only what converts or aligns speech has."""


def filled(build: Callable[[Purpose], Network], weights: Mapping[str, Tensor], *, source: str) -> Network:
    """A network with a voice's weights, ready to speak on a CPU; with what hears speech among them it does that too.

    Raises VoiceError for weights that do not fit it, naming the first.
    """
    purpose = Purpose.CONVERSION if any(name.startswith(_HEARING) for name in weights) else Purpose.SPEAKING
    with torch.device("meta"):
        network = build(purpose)
    fill(network, weights, source=source)
    if isinstance(network.decoder, HifiGan):
        network.decoder = WideHifiGan(network.decoder)
    return network


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Give a network that was made on the meta device its weights, in float32, and put it in evaluation mode.

    Raises VoiceError for weights that do not fit it, naming the first.
    """
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
