"""VITS: Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech.

Kim, Kong and Son 2021, arXiv:2106.06103. Section and equation numbers below are the paper's.
B batch, C channels, L tokens, T frames, N = T * hop samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sonorant.models import Purpose, Synthesis
from sonorant.models.durations import whole_frames
from sonorant.models.latent_network import LatentNetwork
from sonorant.models.vits.config import VitsConfig
from sonorant.nn.duration import (
    DurationConfig,
    DurationPredictor,
    StochasticDurationConfig,
    StochasticDurationPredictor,
)
from sonorant.nn.flow import residual_flow
from sonorant.nn.hifigan import HifiGan
from sonorant.nn.latent import ItemNoise, Noise, expand, log_likelihood, random_starts, sample, slice_segments
from sonorant.nn.mask import length_mask, pad_to_granule, pair_mask
from sonorant.nn.posterior import Posterior, PosteriorEncoder
from sonorant.nn.text_encoder import Prior, TextEncoder

Align = Callable[[Tensor, Tensor], Tensor]
"""Durations from how well each token explains each frame.

Takes the log-likelihoods, float32 [B, L, T], and their mask [B, L, T]; returns int64 [B, L] whose sums are the items'
frames, at least one for each real token and none for padding.
"""


@dataclass(frozen=True)
class VitsOutput:
    """What the losses are made of."""

    samples: Tensor  # [B, 1, segment_frames * hop], the decoded slice of each item
    slice_starts: Tensor  # int64 [B], in frames
    posterior: Posterior  # z, mean, log_std: [B, d_latent, T]
    z_p: Tensor  # [B, d_latent, T], z through the flow
    prior_mean: Tensor  # [B, d_latent, T], each token's repeated over its frames
    prior_log_std: Tensor  # [B, d_latent, T]
    durations: Tensor  # int64 [B, L]
    duration_loss: Tensor  # [B], summed over each item's tokens
    token_mask: Tensor  # [B, 1, L]
    frame_mask: Tensor  # [B, 1, T]


class Vits(LatentNetwork):
    """The network: prior (text encoder and flow), posterior, duration predictor, decoder (figure 1)."""

    decoder: HifiGan

    def __init__(self, cfg: VitsConfig, n_symbols: int, n_speakers: int, purpose: Purpose = Purpose.TRAINING) -> None:
        d_cond = cfg.d_condition(n_speakers)
        super().__init__(
            spectrogram=cfg.spectrogram,
            posterior_mel=None,
            n_symbols=n_symbols,
            n_speakers=n_speakers,
            n_languages=1,
            d_cond=d_cond,
        )
        self.cfg = cfg
        self.text_encoder = TextEncoder(cfg.text_encoder, n_symbols, cfg.d_hidden, cfg.d_latent)  # 2.5.1
        self.posterior = None
        if purpose is not Purpose.SPEAKING:
            self.posterior = PosteriorEncoder(cfg.posterior, cfg.spectrogram.n_bins, cfg.d_hidden, cfg.d_latent, d_cond)
        self.flow = residual_flow(cfg.flow, cfg.d_latent, cfg.d_hidden, d_cond)  # 2.1.2, eq. 4
        self.duration = _build_duration(cfg.duration, cfg.d_hidden, d_cond)  # 2.2.2
        self.decoder = HifiGan(cfg.decoder, cfg.d_latent, d_cond)  # 2.5.2
        if purpose is not Purpose.TRAINING:
            if isinstance(self.duration, StochasticDurationPredictor):
                self.duration.drop_training_parts()
            self.fold()

    def another(self, purpose: Purpose) -> Vits:
        """A fresh network of the same sizes for another purpose."""
        return Vits(self.cfg, self.n_symbols, self.n_speakers, purpose)

    def forward(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        *,
        align: Align,
        noise: ItemNoise,
        segment_frames: int = 32,
    ) -> VitsOutput:
        """The training pass, up to what the losses are made of.

        tokens: int64 [B, L]; token_lengths, spec_lengths: int64 [B]; spec: [B, n_bins, T] linear magnitudes;
        speaker: int64 [B]; each item has at least one frame per token and segment_frames frames.
        noise: asked for the posterior's noise, then the durations', then the places of the slices.
        """
        assert self.posterior is not None, "made for speaking: there is no posterior to train"
        token_mask = length_mask(token_lengths, tokens.shape[1])
        frame_mask = length_mask(spec_lengths, spec.shape[2])
        embedding = self.embed(speaker)

        prior: Prior = self.text_encoder(tokens, token_mask)
        n_frames = spec.shape[2]
        frame_noise = noise.per_frame(self.cfg.d_latent, n_frames)
        posterior: Posterior = self.posterior(spec, frame_mask, frame_noise, embedding)
        z_p = self.flow(posterior.z, frame_mask, embedding)

        with torch.no_grad():  # 2.2.1: the alignment is searched for, not learned
            value = log_likelihood(z_p, prior.mean, prior.log_std)
            durations = align(value, pair_mask(token_mask, frame_mask))
        duration_noise = noise.per_token(self.duration.d_noise, tokens.shape[1])
        with torch.autocast(spec.device.type, enabled=False):  # splines and their logarithms need the precision
            of_speaker = None if embedding is None else embedding.float()
            duration_loss = self.duration.loss(prior.hidden.float(), token_mask, durations, duration_noise, of_speaker)

        starts = random_starts(spec_lengths, segment_frames, noise.uniform())
        samples = self.decoder(slice_segments(posterior.z, starts, segment_frames), embedding)
        return VitsOutput(
            samples=samples,
            slice_starts=starts,
            posterior=posterior,
            z_p=z_p,
            prior_mean=expand(prior.mean, durations, n_frames) * frame_mask,
            prior_log_std=expand(prior.log_std, durations, n_frames) * frame_mask,
            durations=durations,
            duration_loss=duration_loss,
            token_mask=token_mask,
            frame_mask=frame_mask,
        )

    @property
    def noises(self) -> frozenset[str]:
        """See `models.Synthesizer`."""
        return frozenset({"noise_scale", "noise_scale_duration"} if self.duration.d_noise else {"noise_scale"})

    def synthesize(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None = None,
        *,
        noise: Noise,
        length_scale: float = 1.0,
        noise_scale: float = 0.667,
        noise_scale_duration: float = 0.8,
    ) -> Synthesis:
        """Speech for tokens.

        tokens: int64 [B, L]; token_lengths: int64 [B], each at least 1; speaker: int64 [B]; language: not looked at.
        noise: asked once for [B, 2, L] if durations are stochastic, and then once for [B, d_latent, T].
        length_scale: above 1 is slower. Every token lasts a whole number of frames, rounded up; an item at least one.
        """
        n_items, n_tokens = tokens.shape
        tokens = pad_to_granule(tokens)
        token_mask = length_mask(token_lengths, tokens.shape[1])
        embedding = self.embed(speaker)
        prior: Prior = self.text_encoder(tokens, token_mask)

        duration_noise = tokens.new_zeros(n_items, 0, n_tokens)
        if self.duration.d_noise:
            duration_noise = noise((n_items, self.duration.d_noise, n_tokens)) * noise_scale_duration
        duration_noise = pad_to_granule(duration_noise)
        log_duration = self.duration.log_duration(prior.hidden, token_mask, duration_noise, embedding)
        durations = whole_frames(log_duration, token_mask, token_lengths, length_scale=length_scale)
        n_frames = durations.sum(dim=1)

        total = int(n_frames.max())
        frame_noise = pad_to_granule(noise((n_items, self.cfg.d_latent, total)) * noise_scale)
        padded = frame_noise.shape[2]
        frame_mask = length_mask(n_frames, padded)
        mean, log_std = expand(prior.mean, durations, padded), expand(prior.log_std, durations, padded)
        z_p = sample(mean, log_std, frame_noise) * frame_mask
        z = self.flow.reverse(z_p, frame_mask, embedding)
        samples = self.decode(z[:, :, :total], frame_mask[:, :, :total], embedding)
        return Synthesis(samples, frames_per_token=durations[:, :n_tokens], lengths=n_frames * self.cfg.spectrogram.hop)


def _build_duration(
    cfg: StochasticDurationConfig | DurationConfig, d_hidden: int, d_cond: int
) -> StochasticDurationPredictor | DurationPredictor:
    match cfg:
        case StochasticDurationConfig():
            return StochasticDurationPredictor(cfg, d_hidden, d_cond)
        case DurationConfig():
            return DurationPredictor(cfg, d_hidden, d_cond)
