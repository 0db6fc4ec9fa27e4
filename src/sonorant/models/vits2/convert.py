"""How a VITS2 converts speech between its speakers (VITS, appendix C): what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, convolved_frames
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.transformer_flow import ATTENDED_FRAMES


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a VITS2; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits2)
    if network.posterior is None or network.n_speakers == 1:
        return None
    return NetworkConverter(network.cfg.spectrogram, context_frames(network.cfg), network.convert)


def context_frames(cfg: Vits2Config) -> int:
    """How much, in frames, a piece is given on each side: what the convolutions reach, and some for the attention."""
    convolved = convolved_frames(
        posterior=cfg.posterior.wavenet,
        flow=cfg.flow.wavenet,
        n_couplings=cfg.flow.n_couplings,
        decoder=cfg.decoder,
    )
    return convolved + ATTENDED_FRAMES
