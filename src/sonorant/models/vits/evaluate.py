"""A VITS in training, as the evaluation sees it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sonorant.data.batch import Batch
from sonorant.losses.divergence import sampled_kl
from sonorant.models import Purpose, Synthesis
from sonorant.models.evaluation import Reconstruction
from sonorant.models.vits.model import Vits
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import ItemNoise, expand, log_likelihood
from sonorant.nn.mask import length_mask, pair_mask


class VitsSubject:
    """A `sonorant.models.evaluation.Subject`."""

    def __init__(self, network: nn.Module) -> None:
        assert isinstance(network, Vits)
        self._network = network.for_inference(Purpose.CONVERSION)

    @property
    def device(self) -> torch.device:
        return self._network.text_encoder.embedding.weight.device

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        network = self._network
        assert network.posterior is not None
        token_mask = length_mask(batch.token_lengths, batch.tokens.shape[1])
        frame_mask = length_mask(batch.frame_lengths, spec.shape[2])
        speaker = network.embed(batch.speakers)
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device)
        prior = network.text_encoder(batch.tokens, token_mask)
        drawn = noise.per_frame(network.cfg.d_latent, spec.shape[2])
        posterior = network.posterior(spec, frame_mask, drawn, speaker)
        z_p = network.flow(posterior.z, frame_mask, speaker)
        value = log_likelihood(z_p, prior.mean, prior.log_std)
        durations = monotonic_alignment(value, pair_mask(token_mask, frame_mask))
        kl = sampled_kl(
            z_p=z_p,
            posterior_log_std=posterior.log_std,
            prior_mean=expand(prior.mean, durations, spec.shape[2]),
            prior_log_std=expand(prior.log_std, durations, spec.shape[2]),
            mask=frame_mask,
        )
        samples = network.decoder.decode_in_windows(posterior.mean, speaker).squeeze(1)
        return Reconstruction(samples, durations, float(kl) / batch.n_frames[0])

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        return self._network.synthesize(batch.tokens, batch.token_lengths, batch.speakers, noise=noise)
