"""A waveform decoder that shapes what is there: each frame's spectrum filters pulses of the frame's pitch, and noise.

Source and filter as in harmonic-plus-noise vocoders (NSF: Wang, Takaki and Yamagishi 2019, arXiv:1904.12088; DDSP:
Engel et al. 2020, arXiv:2001.04643, which filters frame by frame in the spectrum); the filters are predicted by the
ConvNeXt of Vocos (arXiv:2306.00814). What `istft_head` must learn with difficulty, that the phases of a voice's
harmonics go on from frame to frame, the pulses have from the beginning.

The pitch is predicted from the same latent as the filters. In training, pulses have the recording's pitch.

B batch, C channels, T frames, N = T * hop samples, F = n_fft / 2 + 1 bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_even, check_odd
from sonorant.config import config
from sonorant.nn.excitation import pulse_train, white_noise
from sonorant.nn.istft_head import MAX_MAGNITUDE, FrameNetwork, OverlapAdd, check_overlap, initialise, spectra
from sonorant.nn.windows import decode_in_windows

FIRST_LOG_GAINS = (-4.0, -6.0)
"""Of pulses and of noise, for a fresh head; both have power 1, and speech about 0.01."""
MIDDLE_HZ = 150.0
"""What a fresh head takes the pitch for."""
LOWEST_HZ, HIGHEST_HZ = 40.0, 1200.0
VOICED_FRAMES = 128
"""How far back, in frames, voiced stretches are taken to begin; samples look that far for the phase of their pulses."""


@config
class HarmonicHeadConfig:
    kind: Literal["harmonic"] = "harmonic"
    d: int = 512
    """Channels of the backbone."""
    d_filter: int = 1536
    """Width inside a block."""
    n_layers: int = 8
    kernel: int = 7
    """Of the first convolution and of the depthwise ones, in frames."""
    n_fft: int = 1024
    hop: int = 256
    """Samples made of one frame; even, and a whole number of them, at least two, make n_fft."""
    d_pitch: int = 128
    """Channels of what finds the pitch in the latent; its blocks are twice as wide."""
    n_pitch_layers: int = 3

    def __post_init__(self) -> None:
        check_at_least(1, self, "d", "d_filter", "n_layers", "d_pitch", "n_pitch_layers")
        check_odd(self, "kernel")
        check_even(self, "hop")  # so that frames have a middle
        check_overlap(self.n_fft, self.hop)

    @property
    def filter_frames(self) -> int:
        """How far, in frames, the samples of one frame look at the latent and at the pulses: exactly."""
        # Filtered frames are added up, and each is of the spectrum of what it overlaps.
        overlap = self.n_fft // self.hop // 2
        return max((1 + self.n_layers) * (self.kernel // 2) + overlap, 2 * overlap)

    @property
    def context_frames(self) -> int:
        """How far, in frames, the samples of one frame look, in speech whose voice rests now and then."""
        hearing = (1 + self.n_pitch_layers) * (self.kernel // 2)
        return max(self.filter_frames, VOICED_FRAMES + 1 + hearing + 2 * (self.n_fft // self.hop // 2))


@dataclass(frozen=True)
class Heard:
    """The pitch that a decoder finds in a latent."""

    log_hz: Tensor  # float32 [B, T], natural logarithms, wherever there is voice
    voiced: Tensor  # float32 [B, T], logits

    def pitch_hz(self) -> Tensor:
        """[B, T], 0 where there is no voice."""
        return torch.where(self.voiced > 0, self.log_hz.exp().clamp(LOWEST_HZ, HIGHEST_HZ), 0.0)

    def distance(self, pitch_hz: Tensor) -> Tensor:
        """How far it lies from the true one: in octaves, where there is voice, and the cross-entropy of the voicing.

        pitch_hz: [B, T], 0 where there is no voice. Returns [B], means over frames.
        """
        is_voiced = (pitch_hz > 0).float()
        octaves = (self.log_hz - pitch_hz.clamp(min=1.0).log()).abs() / math.log(2)
        wrong = F.binary_cross_entropy_with_logits(self.voiced, is_voiced, reduction="none")
        return (octaves * is_voiced + wrong).mean(dim=1)


class HarmonicHead(nn.Module):
    """Predicts the pitch, and per frame a filter of phase and magnitude for pulses and one of magnitude for noise."""

    def __init__(self, cfg: HarmonicHeadConfig, d_latent: int, d_cond: int = 0, *, sample_rate_hz: int) -> None:
        super().__init__()
        self.cfg = cfg
        self.sample_rate_hz = sample_rate_hz
        self.pitch = FrameNetwork(
            d_latent, cfg.d_pitch, 2 * cfg.d_pitch, kernel=cfg.kernel, n_layers=cfg.n_pitch_layers, d_cond=d_cond
        )
        self.pitch_output = nn.Linear(cfg.d_pitch, 2)
        self.filters = FrameNetwork(
            d_latent, cfg.d, cfg.d_filter, kernel=cfg.kernel, n_layers=cfg.n_layers, d_cond=d_cond
        )
        self.output = nn.Linear(cfg.d, 3 * (cfg.n_fft // 2 + 1))
        self.overlap_add = OverlapAdd(cfg.n_fft, cfg.hop)
        self.apply(initialise)
        with torch.no_grad():
            of_pulses, _, of_noise = self.output.bias.chunk(3)
            of_pulses.fill_(FIRST_LOG_GAINS[0])
            of_noise.fill_(FIRST_LOG_GAINS[1])

    @property
    def context_frames(self) -> int:
        """How many frames beyond a window its samples look at."""
        return self.cfg.context_frames

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """The waveform of latent frames, with the pitch that is found in them, and always the same noise.

        z: [B, C, T]; speaker: [B, d_cond, 1] if conditioned; mask: [B, 1, T], needed only when items are
        padded. Returns [B, 1, N], float32 under autocast; samples of padded frames are 0, and nothing of the padding
        reaches the others.
        """
        return self._filtered(z, self._source(z, speaker, mask), speaker, mask)

    def learn(
        self, z: Tensor, speaker: Tensor | None, *, pitch_hz: Tensor | None, noise: Tensor, phase: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """The waveform of latent frames in training, and how far the pitch found in them lies from the true one.

        z, speaker: as in `forward`; pitch_hz: [B, T], the recording's, 0 where there is no voice; None where it is not
        known: the pulses then have the pitch that is found. noise: [B, N], standard normal; phase: [B], in cycles,
        at which the pulses begin. Returns [B, 1, N] and float32 [B].
        """
        heard = self.hear(z, speaker)
        pitch = heard.pitch_hz().detach() if pitch_hz is None else pitch_hz
        pulses = pulse_train(pitch / self.sample_rate_hz, self.cfg.hop, phase=phase)
        samples = self._filtered(z, torch.stack([pulses, noise], dim=1), speaker, None)
        return samples, None if pitch_hz is None else heard.distance(pitch_hz)

    def hear(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Heard:
        """The pitch of latent frames; arguments as in `forward`."""
        x = self.pitch(z, speaker, mask)
        with torch.autocast(x.device.type, enabled=False):
            deviation, voiced = self.pitch_output(x.to(self.pitch_output.weight.dtype)).float().unbind(dim=2)
        return Heard(log_hz=math.log(MIDDLE_HZ) + deviation, voiced=voiced)

    def decode_in_windows(
        self,
        z: Tensor,
        speaker: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        window: int = 1024,
        first_frame: int = 0,
        pitch_hz: Tensor | None = None,
    ) -> Tensor:
        """What `forward` gives, filtered `window` frames at a time with the context each window looks at.

        first_frame: where the latent begins in a longer one, which says what noise it is given. pitch_hz: [B, T], of
        the pulses, 0 where there is to be no voice; None for the pitch that is found.
        """
        return decode_in_windows(
            lambda z, speaker, mask, source: self._filtered(z, source, speaker, mask),
            z,
            speaker,
            mask,
            source=self._source(z, speaker, mask, first_frame=first_frame, pitch_hz=pitch_hz),
            window=window,
            context_frames=self.cfg.filter_frames,
            hop=self.cfg.hop,
        )

    def _source(
        self,
        z: Tensor,
        speaker: Tensor | None,
        mask: Tensor | None,
        *,
        first_frame: int = 0,
        pitch_hz: Tensor | None = None,
    ) -> Tensor:
        """Pulses and noise, [B, 2, N], 0 at padding."""
        hop = self.cfg.hop
        with torch.no_grad():
            pitch_hz = self.hear(z, speaker, mask).pitch_hz() if pitch_hz is None else pitch_hz
            pitch = pitch_hz / self.sample_rate_hz
            pitch = pitch if mask is None else pitch * mask.squeeze(1)
            pulses = pulse_train(pitch, hop)
            noise = white_noise(z.shape[2] * hop, z.device, start=first_frame * hop).expand_as(pulses)
            if mask is not None:
                noise = noise * mask.squeeze(1).repeat_interleave(hop, dim=1)
        return torch.stack([pulses, noise], dim=1)

    def _filtered(self, z: Tensor, source: Tensor, speaker: Tensor | None, mask: Tensor | None) -> Tensor:
        """The samples of pulses and noise, [B, 2, N], through the filters of latent frames: [B, 1, N]."""
        x = self.filters(z, speaker, mask)
        with torch.autocast(x.device.type, enabled=False):
            log_gain, phase, log_gain_of_noise = self.output(x.to(self.output.weight.dtype)).float().chunk(3, dim=-1)
            pulses, noise = spectra(source.float(), self.cfg.n_fft, self.cfg.hop).unbind(dim=1)
            most = math.log(MAX_MAGNITUDE)
            shaped = pulses * torch.polar(log_gain.clamp(max=most).exp(), phase)
            shaped = shaped + noise * log_gain_of_noise.clamp(max=most).exp()
            real = None if mask is None else mask.transpose(1, 2)
            samples: Tensor = self.overlap_add(shaped, real)
        return samples
