"""How a NaturalSpeech converts speech between its speakers: what a runtime needs to do it in pieces."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Synthesizer
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.transformer_flow import ATTENDED_FRAMES, PlainCouplingConfig


class NaturalSpeechConverter:
    """A network with a posterior and several speakers, as a `sonorant.models.Converter`."""

    def __init__(self, network: NaturalSpeech) -> None:
        self._network = network

    @property
    def spectrogram(self) -> SpectrogramConfig:
        return self._network.cfg.spectrogram

    @property
    def context_frames(self) -> int:
        cfg = self._network.cfg
        attended = 0 if isinstance(cfg.flow.coupling, PlainCouplingConfig) else ATTENDED_FRAMES
        n_shifts = max(0, 2 * cfg.flow.n_couplings - 1)
        convolved = cfg.posterior.wavenet.context_frames + n_shifts * cfg.flow.wavenet.context_frames
        return convolved + attended + cfg.decoder.context_frames

    def convert(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
    ) -> Tensor:
        """See `NaturalSpeech.convert`."""
        return self._network.convert(spec, spec_lengths, source, target, noise=noise)


def converter_in(network: Synthesizer) -> NaturalSpeechConverter | None:
    """The converter in a NaturalSpeech; None if it has one speaker or no posterior."""
    assert isinstance(network, NaturalSpeech)
    return NaturalSpeechConverter(network) if network.posterior is not None and network.n_speakers > 1 else None
