"""Spectrograms: what a model sees of a waveform.

B batch, N samples, T frames, F frequency bins.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sonorant.config import config


@config
class SpectrogramConfig:
    sample_rate_hz: int = 22_050
    n_fft: int = 1024
    hop: int = 256
    win: int = 1024

    def __post_init__(self) -> None:
        for name in ("sample_rate_hz", "n_fft", "hop", "win"):
            if (value := getattr(self, name)) <= 0:
                raise ValueError(f"{name} must be positive, but is {value}")
        if self.win > self.n_fft:
            raise ValueError(f"win is {self.win}, longer than n_fft, {self.n_fft}")
        if self.hop > self.win:
            raise ValueError(f"hop is {self.hop}, longer than win, {self.win}: samples would be skipped")
        if (self.n_fft - self.hop) % 2:
            raise ValueError(f"n_fft - hop must be even to pad both sides alike, but is {self.n_fft} - {self.hop}")

    @property
    def n_bins(self) -> int:
        """Frequency bins of the linear spectrogram."""
        return self.n_fft // 2 + 1


def linear_spectrogram(samples: Tensor, cfg: SpectrogramConfig) -> Tensor:
    """Linear magnitudes, sqrt(re**2 + im**2 + 1e-6), with a Hann window, in float32.

    samples: [B, N], in [-1, 1]; N > (n_fft - hop) / 2. Padding by reflection gives N // hop frames.
    Returns [B, F, T].
    """
    padding = (cfg.n_fft - cfg.hop) // 2
    if samples.shape[1] <= padding:
        raise ValueError(f"{samples.shape[1]} samples are too few to reflect {padding} at each end")
    with torch.autocast(samples.device.type, enabled=False):
        padded = F.pad(samples.float().unsqueeze(1), (padding, padding), mode="reflect").squeeze(1)
        window = torch.hann_window(cfg.win, device=samples.device)
        spectrum = torch.stft(
            padded, cfg.n_fft, hop_length=cfg.hop, win_length=cfg.win, window=window, center=False, return_complex=True
        )
        return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-6)
