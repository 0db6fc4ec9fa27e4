"""How a VITS converts speech between its speakers (appendix C): what a runtime needs to know to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, context_frames
from sonorant.models.vits.model import Vits


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a VITS; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits)
    if network.posterior is None or network.speaker is None:
        return None
    cfg = network.cfg
    context = context_frames(posterior=cfg.posterior, flow=cfg.flow, decoder=cfg.decoder)
    return NetworkConverter(cfg.spectrogram, context, network.convert)
