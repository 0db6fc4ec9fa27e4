"""How a VITS aligns a text with its recording (2.2.1), with nothing left to chance."""

from __future__ import annotations

import torch
from torch import Tensor

from sonorant.models import Synthesizer
from sonorant.models.aligning import NetworkAligner
from sonorant.models.vits.model import Vits
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import StillNoise, log_likelihood
from sonorant.nn.mask import length_mask, pair_mask
from sonorant.nn.posterior import Posterior
from sonorant.nn.text_encoder import Prior


def aligner_in(network: Synthesizer) -> NetworkAligner | None:
    """The aligner in a VITS; None if it has no posterior."""
    assert isinstance(network, Vits)
    encoder = network.posterior
    if encoder is None:
        return None

    @torch.inference_mode()
    def durations(
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        language: Tensor,
    ) -> Tensor:
        """The language is not looked at."""
        token_mask = length_mask(token_lengths, tokens.shape[1])
        frame_mask = length_mask(spec_lengths, spec.shape[2])
        embedding = network.embed(speaker)
        prior: Prior = network.text_encoder(tokens, token_mask)
        noise = StillNoise(spec.shape[0], spec.device).per_frame(network.cfg.d_latent, spec.shape[2])
        posterior: Posterior = encoder(spec, frame_mask, noise, embedding)
        z_p = network.flow(posterior.z, frame_mask, embedding)
        value = log_likelihood(z_p, prior.mean, prior.log_std)
        return monotonic_alignment(value, pair_mask(token_mask, frame_mask))

    return NetworkAligner(network, network.cfg.spectrogram, durations)
