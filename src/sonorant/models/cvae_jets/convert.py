"""How a CVAE-JETS converts speech between its speakers: what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, context_frames
from sonorant.models.cvae_jets.model import CvaeJets


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a CVAE-JETS; None if it has one speaker or no posterior."""
    assert isinstance(network, CvaeJets)
    latent = network.cfg.latent
    if latent is None or network.posterior is None or network.n_speakers == 1:
        return None
    context = context_frames(posterior=latent.posterior, flow=latent.flow, decoder=network.cfg.decoder)
    return NetworkConverter(network.spectrogram, context, network.convert)
