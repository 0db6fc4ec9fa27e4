"""How a VITS2 aligns a text with its recording (2.2), with nothing left to chance."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Synthesizer
from sonorant.models.aligning import deciding
from sonorant.models.vits2.model import Vits2
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import StillNoise


class Vits2Aligner:
    """A network with a posterior, as a `sonorant.models.aligning.Aligner`."""

    def __init__(self, network: Vits2) -> None:
        self._network = network

    @property
    def spectrogram(self) -> SpectrogramConfig:
        return self._network.cfg.spectrogram

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return deciding(self._network.state_dict())

    def to(self, device: torch.device) -> None:
        self._network.to(device)

    @torch.inference_mode()
    def durations(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        language: Tensor,
    ) -> Tensor:
        """See `Aligner`."""
        return self._network.explain(
            tokens,
            token_lengths,
            spec,
            spec_lengths,
            speaker,
            language,
            align=monotonic_alignment,
            noise=StillNoise(spec.shape[0], spec.device),
        ).durations


def aligner_in(network: Synthesizer) -> Vits2Aligner | None:
    """The aligner in a VITS2; None if it has no posterior."""
    assert isinstance(network, Vits2)
    return Vits2Aligner(network) if network.posterior is not None else None
