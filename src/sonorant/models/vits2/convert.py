"""How a VITS2 converts speech between its speakers (VITS, appendix C): what a runtime needs to do it in pieces."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Synthesizer
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.transformer_flow import ATTENDED_FRAMES


class Vits2Converter:
    """A network with a posterior and several speakers, as a `sonorant.models.Converter`."""

    def __init__(self, network: Vits2) -> None:
        self._network = network

    @property
    def spectrogram(self) -> SpectrogramConfig:
        return self._network.cfg.spectrogram

    @property
    def context_frames(self) -> int:
        return context_frames(self._network.cfg)

    def convert(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
    ) -> Tensor:
        """See `Vits2.convert`."""
        return self._network.convert(spec, spec_lengths, source, target, noise=noise)


def converter_in(network: Synthesizer) -> Vits2Converter | None:
    """The converter in a VITS2; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits2)
    return Vits2Converter(network) if network.posterior is not None and network.n_speakers > 1 else None


def context_frames(cfg: Vits2Config) -> int:
    """How much, in frames, a piece is given on each side: what the convolutions reach, and some for the attention."""
    n_shifts = max(0, 2 * cfg.flow.n_couplings - 1)
    convolved = cfg.posterior.wavenet.context_frames + n_shifts * cfg.flow.wavenet.context_frames
    return convolved + ATTENDED_FRAMES + cfg.decoder.context_frames
