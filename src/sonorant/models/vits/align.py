"""How a VITS aligns a text with its recording (2.2.1), with nothing left to chance."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Synthesizer
from sonorant.models.aligning import deciding
from sonorant.models.vits.model import Vits
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import StillNoise, log_likelihood
from sonorant.nn.mask import length_mask, pair_mask
from sonorant.nn.posterior import Posterior
from sonorant.nn.text_encoder import Prior


class VitsAligner:
    """A network with a posterior, as a `sonorant.models.aligning.Aligner`."""

    def __init__(self, network: Vits) -> None:
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
        """See `Aligner`; the language is not looked at."""
        network = self._network
        assert network.posterior is not None, "made for speaking: there is no posterior"
        token_mask = length_mask(token_lengths, tokens.shape[1])
        frame_mask = length_mask(spec_lengths, spec.shape[2])
        embedding = network.embed(speaker)
        prior: Prior = network.text_encoder(tokens, token_mask)
        noise = StillNoise(spec.shape[0], spec.device).per_frame(network.cfg.d_latent, spec.shape[2])
        posterior: Posterior = network.posterior(spec, frame_mask, noise, embedding)
        z_p = network.flow(posterior.z, frame_mask, embedding)
        value = log_likelihood(z_p, prior.mean, prior.log_std)
        return monotonic_alignment(value, pair_mask(token_mask, frame_mask))


def aligner_in(network: Synthesizer) -> VitsAligner | None:
    """The aligner in a VITS; None if it has no posterior."""
    assert isinstance(network, Vits)
    return VitsAligner(network) if network.posterior is not None else None
