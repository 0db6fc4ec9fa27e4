"""How a NaturalSpeech converts speech between its speakers: what a runtime needs to do it in pieces."""

from __future__ import annotations

from sonorant.models import Synthesizer
from sonorant.models.converting import NetworkConverter, convolved_frames
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.transformer_flow import ATTENDED_FRAMES, PlainCouplingConfig


def converter_in(network: Synthesizer) -> NetworkConverter | None:
    """The converter in a NaturalSpeech; None if it has one speaker or no posterior."""
    assert isinstance(network, NaturalSpeech)
    if network.posterior is None or network.n_speakers == 1:
        return None
    return NetworkConverter(network.cfg.spectrogram, context_frames(network.cfg), network.convert)


def context_frames(cfg: NaturalSpeechConfig) -> int:
    """How much, in frames, a piece is given on each side: what the convolutions reach, and some for any attention."""
    convolved = convolved_frames(
        posterior=cfg.posterior.wavenet,
        flow=cfg.flow.wavenet,
        n_couplings=cfg.flow.n_couplings,
        decoder=cfg.decoder,
    )
    return convolved + (0 if isinstance(cfg.flow.coupling, PlainCouplingConfig) else ATTENDED_FRAMES)
