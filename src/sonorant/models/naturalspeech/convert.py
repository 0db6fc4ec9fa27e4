"""How a NaturalSpeech converts speech between its speakers: what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, context_frames
from sonorant.models.naturalspeech.model import NaturalSpeech


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a NaturalSpeech; None if it has one speaker or no posterior."""
    assert isinstance(network, NaturalSpeech)
    if network.posterior is None or network.n_speakers == 1:
        return None
    cfg = network.cfg
    context = context_frames(posterior=cfg.posterior, flow=cfg.flow, decoder=cfg.decoder)
    return NetworkConverter(cfg.spectrogram, context, network.convert)
