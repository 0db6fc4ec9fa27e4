"""How a CVAE-JETS converts speech between its speakers: what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, convolved_frames
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.nn.transformer_flow import ATTENDED_FRAMES, PlainCouplingConfig


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a CVAE-JETS; None if it has one speaker or no posterior."""
    assert isinstance(network, CvaeJets)
    latent = network.cfg.latent
    if latent is None or network.posterior is None or network.n_speakers == 1:
        return None
    convolved = convolved_frames(
        posterior=latent.posterior.wavenet,
        flow=latent.flow.wavenet,
        n_couplings=latent.flow.n_couplings,
        decoder=network.cfg.decoder,
    )
    attended = 0 if isinstance(latent.flow.coupling, PlainCouplingConfig) else ATTENDED_FRAMES
    return NetworkConverter(network.spectrogram, convolved + attended, network.convert)
