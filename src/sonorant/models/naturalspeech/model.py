"""NaturalSpeech: End-to-End Text to Speech Synthesis with Human-Level Quality.

Tan, Chen, Liu, Cong, Zhang, Liu, Wang, Leng, Yi, He, Soong, Qin, Zhao and Liu 2022, arXiv:2205.04421. Section and
equation numbers below are the paper's. A speaker's embedding is ours: the paper has one speaker.
B batch, C channels, L tokens (phonemes), S frames of the recording, T frames of the prior, N samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sonorant.models import Purpose, Synthesis
from sonorant.models.durations import real_frames, rounded_ends
from sonorant.models.latent_network import LatentNetwork
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.durator import FramePrior, LearnedUpsampling
from sonorant.models.naturalspeech.memory import MemoryBank
from sonorant.nn.decoder import build_decoder
from sonorant.nn.latent import ItemNoise, Noise, random_starts, sample
from sonorant.nn.mask import length_mask, pad_to_granule
from sonorant.nn.posterior import Posterior, PosteriorEncoder
from sonorant.nn.text_encoder import TokenEncoder
from sonorant.nn.transformer_flow import transformer_flow
from sonorant.nn.variance import VariancePredictor

MAX_STRETCH = 2
"""In training a prior has at most so many times the recording's frames; what durations ask for beyond is cut."""


@dataclass(frozen=True)
class Imagined:
    """The prior's own speech: a draw from it, taken through the flow to the decoder's side (3.4, forward)."""

    z: Tensor  # [B, d_latent, T]
    samples: Tensor  # [B, 1, segment_frames * hop], a decoded slice of each item


@dataclass(frozen=True)
class NaturalSpeechOutput:
    """What the losses are made of."""

    posterior: Posterior  # z, mean, log_std: [B, d_latent, S]
    z_p: Tensor  # [B, d_latent, S], z through the flow (3.4, backward)
    prior: FramePrior  # [B, d_latent, T]
    prior_lengths: Tensor  # int64 [B], frames of the prior
    prior_mask: Tensor  # [B, 1, T]
    frame_mask: Tensor  # [B, 1, S]
    log_det: float  # of the flow, for each frame
    log_duration: Tensor  # [B, 1, L], as predicted
    token_mask: Tensor  # [B, 1, L]
    samples: Tensor  # [B, 1, segment_frames * hop], the decoded slice of each recording
    slice_starts: Tensor  # int64 [B], in frames of the recording
    source_loss: Tensor | None  # [B], of the pitch that the decoder finds in recordings, if it does
    imagined: Imagined | None


class NaturalSpeech(LatentNetwork):
    """The network (figure 1)."""

    def __init__(
        self,
        cfg: NaturalSpeechConfig,
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
        self.text_encoder = TokenEncoder(cfg.text_encoder, n_symbols, d, d_cond, n_languages)  # 3.2
        self.duration = VariancePredictor(cfg.duration, d, 1, d_cond)  # 3.3
        self.upsampling = LearnedUpsampling(cfg.upsampling, d, cfg.d_latent)  # 3.3
        self.flow = transformer_flow(cfg.flow, cfg.d_latent, d, d_cond)  # 3.4
        self.posterior = None
        if purpose is not Purpose.SPEAKING:
            self.posterior = PosteriorEncoder(cfg.posterior, cfg.n_posterior_inputs, d, cfg.d_latent, d_cond)
        self.memory = MemoryBank(cfg.memory, cfg.d_latent) if cfg.memory is not None else None  # 3.5
        self.decoder = build_decoder(cfg.decoder, cfg.d_latent, d_cond, sample_rate_hz=cfg.spectrogram.sample_rate_hz)
        if purpose is not Purpose.TRAINING:
            self.fold()

    def another(self, purpose: Purpose) -> NaturalSpeech:
        """A fresh network of the same sizes for another purpose."""
        return NaturalSpeech(self.cfg, self.n_symbols, self.n_speakers, self.n_languages, purpose)

    def forward(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        labels: Tensor,
        is_predicted: Tensor,
        noise: ItemNoise,
        segment_frames: int,
        imagines: bool,
        pitch_hz: Tensor | None = None,
    ) -> NaturalSpeechOutput:
        """The training pass, up to what the losses are made of.

        tokens: int64 [B, L]; token_lengths, spec_lengths: int64 [B]; spec: [B, n_bins, S] linear magnitudes;
        speaker, language: int64 [B].
        labels: float [B, L], how many frames each phoneme lasted; their sums are the recordings' frames.
        is_predicted: bool [B], the items that are to last as long as is predicted, not as long as they did.
        noise: asked for the posterior's noise, the places of the slices, the decoder's, and if imagines for the
        prior's noise and again for the decoder's.
        pitch_hz: [B, S], 0 where there is no voice; for decoders that find pitch, which without it learn nothing of it.
        imagines: whether the prior's own speech is wanted too.
        """
        assert self.posterior is not None, "made for speaking: there is no posterior"
        token_mask = length_mask(token_lengths, tokens.shape[1])
        frame_mask = length_mask(spec_lengths, spec.shape[2])
        embedding = self.embed(speaker)

        hidden = self.text_encoder.encode(tokens, token_mask, embedding, self.said_in(language))
        log_duration = self.duration(hidden, token_mask, embedding)
        predicted = torch.exp(log_duration.float()).squeeze(1) * token_mask.squeeze(1)
        durations = torch.where(is_predicted[:, None], predicted, labels)
        n_asked = durations.detach().sum(dim=1).clamp(min=torch.ones_like(spec_lengths), max=MAX_STRETCH * spec_lengths)
        prior_lengths = n_asked.round().long()  # after the clamp: what is beyond integers is too long, not too short
        n_prior = prior_lengths.tolist()
        n_wide = max(*n_prior, spec.shape[2])  # equally long, they are also equally padded
        prior_mask = length_mask(prior_lengths, n_wide)
        prior: FramePrior = self.upsampling(hidden, token_mask, durations, prior_mask)

        frame_noise = noise.per_frame(self.cfg.d_latent, spec.shape[2])
        posterior: Posterior = self.posterior(self.seen(spec), frame_mask, frame_noise, embedding)
        z_p = self.flow(posterior.z, frame_mask, embedding)

        place = noise.uniform()
        starts = random_starts(spec_lengths, segment_frames, place)
        samples, source_loss = self.decode_slices(
            posterior.z, frame_mask, starts, segment_frames, embedding, pitch_hz=pitch_hz, noise=noise
        )
        imagined = None
        if imagines:
            prior_noise = noise.normal(self.cfg.d_latent, n_prior, n_wide)
            z = self.flow.reverse(sample(prior.mean, prior.log_std, prior_noise) * prior_mask, prior_mask, embedding)
            prior_starts = random_starts(prior_lengths, segment_frames, place)
            said, _ = self.decode_slices(
                z, prior_mask, prior_starts, segment_frames, embedding, pitch_hz=None, noise=noise
            )
            imagined = Imagined(z, said)
        return NaturalSpeechOutput(
            posterior=posterior,
            z_p=z_p,
            prior=prior,
            prior_lengths=prior_lengths,
            prior_mask=prior_mask,
            frame_mask=frame_mask,
            log_det=self.flow.log_det_per_frame,
            log_duration=log_duration,
            token_mask=token_mask,
            samples=samples,
            slice_starts=starts,
            source_loss=source_loss,
            imagined=imagined,
        )

    @property
    def noises(self) -> frozenset[str]:
        """See `models.Synthesizer`."""
        return frozenset({"noise_scale"})

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
        noise_scale_duration: float = 0.0,
    ) -> Synthesis:
        """Speech for tokens.

        tokens: int64 [B, L]; token_lengths: int64 [B], each at least 1; speaker, language: int64 [B].
        noise: asked once, for [B, d_latent, T]. length_scale: above 1 is slower; an item has at least one frame.
        noise_scale_duration: not looked at, for durations are not drawn.
        """
        n_items, n_tokens = tokens.shape
        tokens = pad_to_granule(tokens)
        token_mask = length_mask(token_lengths, tokens.shape[1])
        embedding = self.embed(speaker)
        hidden = self.text_encoder.encode(tokens, token_mask, embedding, self.said_in(language))
        log_duration = self.duration(hidden, token_mask, embedding)
        durations = real_frames(log_duration, token_mask, token_lengths, length_scale=length_scale)
        frames_per_token = rounded_ends(durations)
        n_frames = frames_per_token.sum(dim=1)

        total = int(n_frames.max())
        frame_noise = pad_to_granule(noise((n_items, self.cfg.d_latent, total)) * noise_scale)
        frame_mask = length_mask(n_frames, frame_noise.shape[2])
        prior: FramePrior = self.upsampling(hidden, token_mask, durations, frame_mask)
        z_p = sample(prior.mean, prior.log_std, frame_noise) * frame_mask
        z = self.flow.reverse(z_p, frame_mask, embedding)
        return Synthesis(
            self.decode(z[:, :, :total], frame_mask[:, :, :total], embedding),
            frames_per_token=frames_per_token[:, :n_tokens],
            lengths=n_frames * self.cfg.spectrogram.hop,
        )

    def given(self, z: Tensor, mask: Tensor) -> Tensor:
        """What the memory, if there is one, makes of latent frames (3.5)."""
        return z if self.memory is None else self.memory(z) * mask
