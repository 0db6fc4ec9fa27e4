"""VITS2: Improving Quality and Efficiency of Single-Stage Text-to-Speech with Adversarial Learning.

Kong, Park, Kim, Kim, Kong and Kim 2023, arXiv:2307.16430. Section and figure numbers below are the paper's; what it
takes over from VITS (Kim, Kong and Son 2021, arXiv:2106.06103) is said to be so.
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
from sonorant.models.vits2.config import Vits2Config
from sonorant.nn.decoder import build_decoder
from sonorant.nn.duration import (
    DurationConfig,
    DurationPredictor,
    StochasticDurationConfig,
    StochasticDurationPredictor,
)
from sonorant.nn.latent import (
    FrameNoise,
    ItemNoise,
    Noise,
    expand,
    log_likelihood,
    random_starts,
    sample,
)
from sonorant.nn.mask import length_mask, pad_to_granule, pair_mask
from sonorant.nn.noisy_duration import NoisyDurationConfig, NoisyDurationPredictor
from sonorant.nn.posterior import Posterior, PosteriorEncoder
from sonorant.nn.text_encoder import Prior, TextEncoder
from sonorant.nn.transformer_flow import transformer_flow

Align = Callable[[Tensor, Tensor], Tensor]
"""Durations from how well each token explains each frame (2.2).

Takes the log-likelihoods, float32 [B, L, T], and their mask [B, L, T]; returns int64 [B, L] whose sums are the items'
frames, at least one for each real token and none for padding.
"""


@dataclass(frozen=True)
class Explained:
    """Recorded speech as the model understands it: which token made which frame, and how likely."""

    hidden: Tensor  # [B, d_hidden, L], what the text encoder says of each token
    posterior: Posterior  # z, mean, log_std: [B, d_latent, T]
    z_p: Tensor  # [B, d_latent, T], z through the flow
    prior_mean: Tensor  # [B, d_latent, T], each token's repeated over its frames
    prior_log_std: Tensor  # [B, d_latent, T]
    log_det: float  # of the flow, for each frame
    durations: Tensor  # int64 [B, L]
    embedding: Tensor | None  # [B, d_speaker, 1]
    token_mask: Tensor  # [B, 1, L]
    frame_mask: Tensor  # [B, 1, T]


@dataclass(frozen=True)
class Imagined:
    """Speech for tokens before it is decoded; all lengths are padded to whole granules."""

    hidden: Tensor  # [B, d_hidden, L]
    durations: Tensor  # int64 [B, L]
    z: Tensor  # [B, d_latent, T]
    embedding: Tensor | None  # [B, d_speaker, 1]
    token_mask: Tensor  # [B, 1, L]
    frame_mask: Tensor  # [B, 1, T]


@dataclass(frozen=True)
class Vits2Output:
    """What the losses are made of."""

    explained: Explained
    samples: Tensor  # [B, 1, segment_frames * hop], the decoded slice of each item
    slice_starts: Tensor  # int64 [B], in frames
    duration_loss: Tensor  # [B], summed over each item's tokens
    source_loss: Tensor | None  # [B], of the pitch that the decoder finds, if it does


class Vits2(LatentNetwork):
    """The network (figure 1). What trains its durations against an adversary is not part of it."""

    def __init__(
        self,
        cfg: Vits2Config,
        n_symbols: int,
        n_speakers: int,
        n_languages: int = 1,
        purpose: Purpose = Purpose.TRAINING,
    ) -> None:
        d, d_cond = cfg.d_hidden, cfg.d_condition(n_speakers)
        super().__init__(
            spectrogram=cfg.spectrogram,
            posterior_mel=cfg.posterior_mel,
            n_symbols=n_symbols,
            n_speakers=n_speakers,
            n_languages=n_languages,
            d_cond=d_cond,
        )
        self.cfg = cfg
        self.text_encoder = TextEncoder(  # 2.4, figure 1c
            cfg.text_encoder, n_symbols, d, cfg.d_latent, d_cond, n_languages
        )
        self.posterior = None
        if purpose is not Purpose.SPEAKING:
            self.posterior = PosteriorEncoder(cfg.posterior, cfg.n_posterior_inputs, d, cfg.d_latent, d_cond)
        self.flow = transformer_flow(cfg.flow, cfg.d_latent, d, d_cond)  # 2.3, figure 1b
        self.duration = build_duration(cfg.duration, d, d_cond)  # 2.1, figure 1a
        self.decoder = build_decoder(cfg.decoder, cfg.d_latent, d_cond, sample_rate_hz=cfg.spectrogram.sample_rate_hz)
        if purpose is not Purpose.TRAINING:
            if isinstance(self.duration, StochasticDurationPredictor):
                self.duration.drop_training_parts()
            self.fold()

    def another(self, purpose: Purpose) -> Vits2:
        """A fresh network of the same sizes for another purpose."""
        return Vits2(self.cfg, self.n_symbols, self.n_speakers, self.n_languages, purpose)

    def forward(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        align: Align,
        noise: ItemNoise,
        pitch_hz: Tensor | None = None,
        segment_frames: int = 32,
    ) -> Vits2Output:
        """The training pass, up to what the losses are made of.

        tokens: int64 [B, L]; token_lengths, spec_lengths: int64 [B]; spec: [B, n_bins, T] linear magnitudes;
        speaker, language: int64 [B]; each item has at least one frame per token. Items shorter than segment_frames
        have silence decoded after their end.
        noise: asked for the posterior's noise, then the durations', then the places of the slices, then the decoder's.
        pitch_hz: [B, T], 0 where there is no voice; for decoders that find pitch, which without it learn nothing of it.
        """
        out = self.explain(tokens, token_lengths, spec, spec_lengths, speaker, language, align=align, noise=noise)
        duration_noise = noise.per_token(self.duration.d_noise, tokens.shape[1])
        with torch.autocast(spec.device.type, enabled=False):  # splines and their logarithms need the precision
            of_speaker = None if out.embedding is None else out.embedding.float()
            duration_loss = self.duration.loss(
                out.hidden.float(), out.token_mask, out.durations, duration_noise, of_speaker
            )
        starts = random_starts(spec_lengths, segment_frames, noise.uniform())
        samples, source_loss = self.decode_slices(
            out.posterior.z, out.frame_mask, starts, segment_frames, out.embedding, pitch_hz=pitch_hz, noise=noise
        )
        return Vits2Output(
            explained=out,
            samples=samples,
            slice_starts=starts,
            duration_loss=duration_loss,
            source_loss=source_loss,
        )

    def explain(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        align: Align,
        noise: FrameNoise,
    ) -> Explained:
        """Recorded speech through text encoder, posterior, flow and alignment; arguments as in `forward`."""
        assert self.posterior is not None, "made for speaking: there is no posterior"
        token_mask = length_mask(token_lengths, tokens.shape[1])
        n_frames = spec.shape[2]
        frame_mask = length_mask(spec_lengths, n_frames)
        embedding = self.embed(speaker)

        prior: Prior = self.text_encoder(tokens, token_mask, embedding, self.said_in(language))
        frame_noise = noise.per_frame(self.cfg.d_latent, n_frames)
        posterior: Posterior = self.posterior(self.seen(spec), frame_mask, frame_noise, embedding)
        z_p = self.flow(posterior.z, frame_mask, embedding)
        with torch.no_grad():  # the alignment is searched for, not learned (VITS, 2.2.1)
            value = log_likelihood(z_p, prior.mean, prior.log_std)
            durations = align(value, pair_mask(token_mask, frame_mask))
        return Explained(
            hidden=prior.hidden,
            posterior=posterior,
            z_p=z_p,
            prior_mean=expand(prior.mean, durations, n_frames) * frame_mask,
            prior_log_std=expand(prior.log_std, durations, n_frames) * frame_mask,
            log_det=self.flow.log_det_per_frame,
            durations=durations,
            embedding=embedding,
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

        tokens: int64 [B, L]; token_lengths: int64 [B], each at least 1; speaker, language: int64 [B].
        noise: asked once for [B, d_noise, L] if the durations are drawn, of the predictor's d_noise, and then once for
        [B, d_latent, T].
        length_scale: above 1 is slower. Every token lasts a whole number of frames, rounded up; an item at least one.
        """
        out = self.imagine(
            tokens,
            token_lengths,
            speaker,
            language,
            noise=noise,
            length_scale=length_scale,
            noise_scale=noise_scale,
            noise_scale_duration=noise_scale_duration,
        )
        n_frames = out.durations.sum(dim=1)
        total = int(n_frames.max())
        samples = self.decode(out.z[:, :, :total], out.frame_mask[:, :, :total], out.embedding)
        return Synthesis(
            samples,
            frames_per_token=out.durations[:, : tokens.shape[1]],
            lengths=n_frames * self.cfg.spectrogram.hop,
        )

    def imagine(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        noise: Noise,
        length_scale: float = 1.0,
        noise_scale: float = 1.0,
        noise_scale_duration: float = 1.0,
    ) -> Imagined:
        """Speech for tokens before it is decoded; arguments as in `synthesize`. Scales of 1: as the model has it."""
        n_items, n_tokens = tokens.shape
        tokens = pad_to_granule(tokens)
        token_mask = length_mask(token_lengths, tokens.shape[1])
        embedding = self.embed(speaker)
        prior: Prior = self.text_encoder(tokens, token_mask, embedding, self.said_in(language))

        duration_noise = prior.hidden.new_zeros(n_items, 0, n_tokens)
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
        return Imagined(
            hidden=prior.hidden,
            durations=durations,
            z=self.flow.reverse(z_p, frame_mask, embedding),
            embedding=embedding,
            token_mask=token_mask,
            frame_mask=frame_mask,
        )


def build_duration(
    cfg: NoisyDurationConfig | StochasticDurationConfig | DurationConfig, d_hidden: int, d_cond: int
) -> NoisyDurationPredictor | StochasticDurationPredictor | DurationPredictor:
    """The duration predictor a configuration names."""
    match cfg:
        case NoisyDurationConfig():
            return NoisyDurationPredictor(cfg, d_hidden, d_cond)
        case StochasticDurationConfig():
            return StochasticDurationPredictor(cfg, d_hidden, d_cond)
        case DurationConfig():
            return DurationPredictor(cfg, d_hidden, d_cond)
