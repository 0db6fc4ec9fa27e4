"""How a VITS converts speech between its speakers (appendix C): what a runtime needs to know to do it in pieces."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Synthesizer
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits


class VitsConverter:
    """A network with a posterior and several speakers, as a `sonorant.models.Converter`."""

    def __init__(self, network: Vits) -> None:
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
        """See `Vits.convert`."""
        return self._network.convert(spec, spec_lengths, source, target, noise=noise)


def converter_in(network: Synthesizer) -> VitsConverter | None:
    """The converter in a VITS; None if it has one speaker or no posterior."""
    assert isinstance(network, Vits)
    return VitsConverter(network) if network.posterior is not None and network.speaker is not None else None


def context_frames(cfg: VitsConfig) -> int:
    """How far, in frames, the samples of one frame look, by way of the posterior, the flow there and back, the decoder.

    Exactly, on the side where they look farther. The flow's last coupling and its own undoing for the other speaker
    look at the same half of the latent, and so no farther than one of them.
    """
    n_shifts = max(0, 2 * cfg.flow.n_couplings - 1)
    return (
        cfg.posterior.wavenet.context_frames + n_shifts * cfg.flow.wavenet.context_frames + cfg.decoder.context_frames
    )
