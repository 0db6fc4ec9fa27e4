"""How a VITS2 converts speech between its speakers (VITS, appendix C): what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, context_frames
from sonorant.models.vits2.model import Vits2


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a VITS2; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits2)
    if network.posterior is None or network.n_speakers == 1:
        return None
    cfg = network.cfg
    context = context_frames(posterior=cfg.posterior, flow=cfg.flow, decoder=cfg.decoder)
    return NetworkConverter(cfg.spectrogram, context, network.convert)
