"""How a VITS converts speech between its speakers (appendix C): what a runtime needs to know to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, convolved_frames
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a VITS; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits)
    if network.posterior is None or network.speaker is None:
        return None
    return NetworkConverter(network.cfg.spectrogram, context_frames(network.cfg), network.convert)


def context_frames(cfg: VitsConfig) -> int:
    """How far, in frames, the samples of one frame look; exactly, on the side where they look farther."""
    return convolved_frames(
        posterior=cfg.posterior.wavenet,
        flow=cfg.flow.wavenet,
        n_couplings=cfg.flow.n_couplings,
        decoder=cfg.decoder,
    )
