"""CVAE-JETS: FastSpeech 2's variance control, learned alignment, and VITS's posterior and flow before the decoder.

No paper describes it: github.com/choiHkk/CVAEJETS does, and docs name what it takes over and what this corrects. Of its
parents, FastSpeech 2 is Ren et al. 2021 (arXiv:2006.04558), the aligner Badlani et al. 2021 (arXiv:2108.10447), the
latent VITS (arXiv:2106.06103), and JETS, the same without a latent, Lim, Jung and Kim 2022 (arXiv:2203.16852).
B batch, C channels, L tokens, T frames, N = T * hop samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.audio.spectrogram import energy_db, mel_spectrogram
from sonorant.models import Purpose, Synthesis
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.curves import UNMEASURED, Spread, Statistics, wide
from sonorant.models.durations import real_frames, rounded_ends
from sonorant.models.latent_network import LatentNetwork
from sonorant.models.prosody import Curves, Prosody
from sonorant.nn.aligner import Aligner, gaussian_weights
from sonorant.nn.alignment import monotonic_alignment, path_of
from sonorant.nn.decoder import build_decoder, hears_pitch
from sonorant.nn.flow import Flow
from sonorant.nn.latent import (
    FrameNoise,
    ItemNoise,
    Noise,
    bounded,
    expand,
    random_starts,
    sample,
)
from sonorant.nn.mask import GRANULE, length_mask, pad_to_granule, pair_mask
from sonorant.nn.posterior import Posterior, PosteriorEncoder
from sonorant.nn.text_encoder import TokenEncoder
from sonorant.nn.transformer import Transformer
from sonorant.nn.transformer_flow import transformer_flow
from sonorant.nn.variance import ContourLoss, VariancePredictor, averaged, build_contour


@dataclass(frozen=True)
class Latents:
    """A recording's latent beside what the text says of it."""

    posterior: Posterior
    z_p: Tensor  # [B, d_latent, T], z through the flow
    prior_mean: Tensor  # [B, d_latent, T]
    prior_log_std: Tensor  # [B, d_latent, T]
    log_det: float  # of the flow, for each frame


@dataclass(frozen=True)
class Explained:
    """A recording as the network understands it, all its curves known."""

    log_attention: Tensor  # [B, L, T], of the aligner
    durations: Tensor  # int64 [B, L], the most likely path in it
    log_duration: Tensor  # [B, 1, L], predicted: of frames and one
    pitch: ContourLoss
    energy: ContourLoss
    decoded: Tensor  # [B, C, T], what the decoder is given
    latents: Latents | None
    embedding: Tensor | None  # [B, d_speaker, 1]
    token_mask: Tensor  # [B, 1, L]
    frame_mask: Tensor  # [B, 1, T]


@dataclass(frozen=True)
class CvaeJetsOutput:
    """What the losses are made of."""

    explained: Explained
    samples: Tensor  # [B, 1, segment_frames * hop], the decoded slice of each item
    slice_starts: Tensor  # int64 [B], in frames
    source_loss: Tensor | None  # [B], of the pitch that the decoder finds, if it does


class CvaeJets(LatentNetwork):
    """The network. Without a latent (JETS) it has neither posterior nor flow, and cannot convert."""

    by_speaker = (*LatentNetwork.by_speaker, *(f"statistics.{name}" for name in UNMEASURED))

    def __init__(
        self,
        cfg: CvaeJetsConfig,
        n_symbols: int,
        n_speakers: int,
        n_languages: int = 1,
        purpose: Purpose = Purpose.TRAINING,
    ) -> None:
        d, d_cond = cfg.d_hidden, cfg.d_condition(n_speakers)
        super().__init__(
            spectrogram=cfg.spectrogram,
            posterior_mel=cfg.mel,
            n_symbols=n_symbols,
            n_speakers=n_speakers,
            n_languages=n_languages,
            d_cond=d_cond,
        )
        self.cfg = cfg
        self.statistics = Statistics(n_speakers)
        self.text_encoder = TokenEncoder(cfg.text_encoder, n_symbols, d, d_cond, n_languages)
        hears = purpose is not Purpose.SPEAKING
        self.aligner = Aligner(cfg.aligner, d, cfg.mel.n_mels, d_cond) if hears else None
        self.duration = VariancePredictor(cfg.duration, d, 1, d_cond)
        self.pitch = build_contour(cfg.pitch, d, d_cond)
        self.energy = build_contour(cfg.energy, d, d_cond, has_gaps=False)
        self.frames = Transformer(cfg.frames, d) if cfg.frames is not None else None
        self.posterior = None
        if cfg.latent is not None:
            self.prior = nn.Conv1d(d, 2 * cfg.latent.d_latent, 1)
            if hears:
                self.posterior = PosteriorEncoder(cfg.latent.posterior, cfg.mel.n_mels, d, cfg.latent.d_latent, d_cond)
        self.flow = Flow([]) if cfg.latent is None else transformer_flow(cfg.latent.flow, cfg.d_decoded, d, d_cond)
        self.decoder = build_decoder(cfg.decoder, cfg.d_decoded, d_cond, sample_rate_hz=cfg.spectrogram.sample_rate_hz)
        if purpose is not Purpose.TRAINING:
            self.fold()

    def another(self, purpose: Purpose) -> CvaeJets:
        """A fresh network of the same sizes for another purpose."""
        return CvaeJets(self.cfg, self.n_symbols, self.n_speakers, self.n_languages, purpose)

    def forward(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        pitch_hz: Tensor,
        softness: float,
        noise: ItemNoise,
        segment_frames: int,
    ) -> CvaeJetsOutput:
        """The training pass, up to what the losses are made of; arguments as of `explain`.

        noise: asked for the posterior's noise, if there is one, then for the places of the slices, then for the
        decoder's. Items shorter than segment_frames have silence decoded after their end.
        """
        out = self.explain(
            tokens,
            token_lengths,
            spec,
            spec_lengths,
            speaker,
            language,
            pitch_hz=pitch_hz,
            softness=softness,
            noise=noise,
        )
        starts = random_starts(spec_lengths, segment_frames, noise.uniform())
        samples, source_loss = self.decode_slices(
            out.decoded, out.frame_mask, starts, segment_frames, out.embedding, pitch_hz=pitch_hz, noise=noise
        )
        return CvaeJetsOutput(out, samples=samples, slice_starts=starts, source_loss=source_loss)

    def explain(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        pitch_hz: Tensor,
        softness: float,
        noise: FrameNoise,
    ) -> Explained:
        """Recorded speech through encoder, aligner, variance adaptor, posterior and flow.

        tokens: int64 [B, L]; token_lengths, spec_lengths: int64 [B]; spec: [B, n_bins, T] linear magnitudes;
        speaker, language: int64 [B]; pitch_hz: [B, T], 0 where there is no voice; each item has at least one frame per
        token. softness: how much of what a frame hears comes by the attention, the rest by the path found in it.
        """
        n_frames = spec.shape[2]
        token_mask, frame_mask = length_mask(token_lengths, tokens.shape[1]), length_mask(spec_lengths, n_frames)
        embedding = self.embed(speaker)
        hidden = self.text_encoder.encode(tokens, token_mask, embedding, self.said_in(language))
        mel = mel_spectrogram(spec, self.spectrogram, self.cfg.mel)
        log_attention = self.attend(tokens, mel, token_mask=token_mask, frame_mask=frame_mask, embedding=embedding)
        pairs = pair_mask(token_mask, frame_mask)
        durations = monotonic_alignment(log_attention.detach(), pairs)

        pitch = self.statistics.pitch(pitch_hz.unsqueeze(1), frame_mask, speaker)
        energy = self.statistics.energy(energy_db(spec), frame_mask, speaker)
        path = path_of(durations, n_frames)
        x, mask = hidden, token_mask
        if self.cfg.level == "token":
            pitch, energy = averaged(pitch, path), averaged(energy, path)
        else:
            x, mask = self._upsampled(hidden, durations, token_mask, frame_mask, log_attention, softness), frame_mask
        pitch_loss = self.pitch.loss(x, mask, pitch, embedding)
        x = x + self.pitch.embedding(pitch, mask)
        energy_loss = self.energy.loss(x, mask, energy, embedding)
        x = x + self.energy.embedding(energy, mask)
        if self.cfg.level == "token":
            x = self._upsampled(x, durations, token_mask, frame_mask, log_attention, softness)
        x = self._smoothed(x, frame_mask)
        latents = self._latents(x, mel, frame_mask, embedding, noise) if self.cfg.latent is not None else None
        return Explained(
            log_attention=log_attention,
            durations=durations,
            log_duration=self.duration(hidden, token_mask, embedding),
            pitch=pitch_loss,
            energy=energy_loss,
            decoded=x if latents is None else latents.posterior.z,
            latents=latents,
            embedding=embedding,
            token_mask=token_mask,
            frame_mask=frame_mask,
        )

    def attend(
        self, tokens: Tensor, mel: Tensor, *, token_mask: Tensor, frame_mask: Tensor, embedding: Tensor | None
    ) -> Tensor:
        """Logarithms of how much each frame hears each token: [B, L, T], at each frame summing to one over tokens.

        tokens: int64 [B, L]; mel: [B, n_mels, T]; token_mask: [B, 1, L]; frame_mask: [B, 1, T].
        """
        assert self.aligner is not None, "made for speaking: there is no aligner"
        symbols = self.text_encoder.alone(tokens, token_mask)
        y: Tensor = self.aligner(symbols, mel, token_mask=token_mask, frame_mask=frame_mask, speaker=embedding)
        return y

    @property
    def noises(self) -> frozenset[str]:
        """See `models.Synthesizer`."""
        return frozenset({"noise_scale"} if self.cfg.latent is not None else ())

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
        prosody: Prosody | None = None,
    ) -> Synthesis:
        """Speech for tokens.

        tokens: int64 [B, L]; token_lengths: int64 [B], each at least 1; speaker, language: int64 [B].
        noise: asked once for [B, d_latent, T], where there is a latent. length_scale: above 1 is slower, of the
        network's own durations, not of those that are given; durations are rounded after that, together, so that their
        sum is off by less than half a frame, unless a token of the network's own would have none.
        noise_scale_duration: not looked at, for durations are not drawn.
        """
        prosody = Prosody() if prosody is None else prosody
        n_items, n_tokens = tokens.shape
        tokens = pad_to_granule(tokens)
        token_mask = length_mask(token_lengths, tokens.shape[1])
        embedding = self.embed(speaker)
        hidden = self.text_encoder.encode(tokens, token_mask, embedding, self.said_in(language))
        durations = self._durations(hidden, token_mask, token_lengths, embedding, length_scale, prosody)
        n_frames = durations.sum(dim=1)
        total = int(n_frames.max())
        padded = total + -total % GRANULE
        frame_mask = length_mask(n_frames, padded)

        path = path_of(durations, padded)
        x, mask = hidden, token_mask
        if self.cfg.level == "frame":
            x, mask = self._upsampled(hidden, durations, token_mask, frame_mask), frame_mask
        spread = Spread(path, is_of_tokens=self.cfg.level == "token")
        pitch = self.pitch.predict(x, mask, embedding)
        pitch = self.statistics.asked_pitch(pitch, prosody, spread, speaker)
        # A decoder that is given the pitch sings it, wherever the embedding ends.
        is_sung = self.cfg.level == "frame" and hears_pitch(self.cfg.decoder)
        pitch = pitch if is_sung else self.pitch.embedding.told_apart(pitch)
        x = x + self.pitch.embedding(pitch, mask)
        energy = self.energy.predict(x, mask, embedding)
        energy = self.energy.embedding.told_apart(self.statistics.asked_energy(energy, prosody, spread, speaker))
        x = x + self.energy.embedding(energy, mask)
        if self.cfg.level == "token":
            x = self._upsampled(x, durations, token_mask, frame_mask)
        x = self._smoothed(x, frame_mask)
        if self.cfg.latent is not None:
            mean, log_std = self._prior(x, frame_mask)
            frame_noise = F.pad(noise((n_items, self.cfg.latent.d_latent, total)) * noise_scale, (0, padded - total))
            x = self.flow.reverse(sample(mean, log_std, frame_noise) * frame_mask, frame_mask, embedding)
        curves = self.statistics.curves(spread.over_frames(pitch), spread.over_frames(energy), frame_mask, speaker)
        samples = self.decode(
            x[:, :, :total],
            frame_mask[:, :, :total],
            embedding,
            # As in training, where both have the recording's; tokens' pitch goes in steps, so there it is found anew.
            pitch_hz=curves.pitch_hz[:, :total] if is_sung else None,
        )
        return Synthesis(
            samples,
            frames_per_token=durations[:, :n_tokens],
            lengths=n_frames * self.spectrogram.hop,
            curves=Curves(curves.pitch_hz[:, :total], curves.energy_db[:, :total]),
        )

    def _durations(
        self,
        hidden: Tensor,
        token_mask: Tensor,
        token_lengths: Tensor,
        embedding: Tensor | None,
        length_scale: float,
        prosody: Prosody,
    ) -> Tensor:
        """int64 [B, L]; of the network's own none is less than one frame, as in training."""
        n = token_mask.shape[2]
        scale: float | Tensor = 1.0
        floor: Tensor | None = None
        if prosody.durations is None:
            scale, floor = length_scale, token_mask.squeeze(1)
            log_frames = torch.log(torch.expm1(self.duration(hidden, token_mask, embedding)).clamp(min=1e-3))
        else:
            log_frames = torch.log(wide(prosody.durations, n).clamp(min=1e-3)).unsqueeze(1)
        if prosody.duration_scale is not None:
            scale = scale * wide(prosody.duration_scale, n).unsqueeze(1)
        return rounded_ends(real_frames(log_frames, token_mask, token_lengths, length_scale=scale), floor)

    def _upsampled(
        self,
        x: Tensor,
        durations: Tensor,
        token_mask: Tensor,
        frame_mask: Tensor,
        log_attention: Tensor | None = None,
        softness: float = 0.0,
    ) -> Tensor:
        """Tokens as frames: [B, C, L] -> [B, C, T], 0 at padding."""
        n_frames = frame_mask.shape[2]
        if softness and log_attention is not None:
            soft = x @ log_attention.detach().exp().to(x.dtype)
            hard = self._upsampled(x, durations, token_mask, frame_mask) if softness < 1 else 0.0
            return (softness * soft + (1 - softness) * hard) * frame_mask
        if self.cfg.upsampling == "gaussian":
            weights = gaussian_weights(durations, token_mask, n_frames, sharpness=self.cfg.sharpness)
            return (x @ weights.to(x.dtype)) * frame_mask
        return expand(x, durations, n_frames) * frame_mask

    def _smoothed(self, x: Tensor, frame_mask: Tensor) -> Tensor:
        if self.frames is None:
            return x * frame_mask
        y: Tensor = self.frames(x, frame_mask)
        return y

    def _prior(self, x: Tensor, frame_mask: Tensor) -> tuple[Tensor, Tensor]:
        assert self.cfg.latent is not None, "there is no latent"
        mean, log_std = (self.prior(x) * frame_mask).chunk(2, dim=1)
        return mean, bounded(log_std, self.cfg.latent.log_std_bounds) * frame_mask

    def _latents(
        self, x: Tensor, mel: Tensor, frame_mask: Tensor, embedding: Tensor | None, noise: FrameNoise
    ) -> Latents:
        assert self.posterior is not None, "made for speaking: there is no posterior"
        mean, log_std = self._prior(x, frame_mask)
        posterior: Posterior = self.posterior(
            mel, frame_mask, noise.per_frame(self.cfg.d_decoded, mel.shape[2]), embedding
        )
        return Latents(
            posterior=posterior,
            z_p=self.flow(posterior.z, frame_mask, embedding),
            prior_mean=mean,
            prior_log_std=log_std,
            log_det=self.flow.log_det_per_frame,
        )
