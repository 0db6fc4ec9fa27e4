"""How far one sound lies from another, seen in its spectrum.

B batch, N samples, T frames, M mel bands. All items of a batch have one size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.linalg import vector_norm

from sonorant.audio.spectrogram import SpectrogramConfig, linear_spectrogram
from sonorant.config import config


def mel_distance(predicted: Tensor, target: Tensor) -> Tensor:
    """The mean distance of log-mel spectrograms (VITS, eq. 2, without its weight).

    Both [B, M, T]. Returns float32 [B].
    """
    return (predicted.float() - target.float()).abs().mean(dim=(1, 2))


@config
class StftLossConfig:
    """Resolutions of a multi-resolution loss; Parallel WaveGAN's, unless said otherwise."""

    resolutions: tuple[SpectrogramConfig, ...] = (
        SpectrogramConfig(n_fft=512, hop=50, win=240),
        SpectrogramConfig(n_fft=1024, hop=120, win=600),
        SpectrogramConfig(n_fft=2048, hop=240, win=1200),
    )

    def __post_init__(self) -> None:
        if not self.resolutions:
            raise ValueError("resolutions may not be empty")


def stft_distance(predicted: Tensor, target: Tensor, cfg: StftLossConfig) -> Tensor:
    """Spectral convergence plus the mean distance of log magnitudes, averaged over resolutions.

    As in Parallel WaveGAN (Yamamoto et al. 2020, arXiv:1910.11480, eqs. 4 to 6).
    Both [B, N]; N more than half the largest n_fft. Returns float32 [B].
    """
    total = predicted.new_zeros(predicted.shape[0], dtype=torch.float32)
    for resolution in cfg.resolutions:
        found, wanted = linear_spectrogram(predicted, resolution), linear_spectrogram(target, resolution)
        convergence = vector_norm(wanted - found, dim=(1, 2)) / vector_norm(wanted, dim=(1, 2))
        log_distance = (wanted.log() - found.log()).abs().mean(dim=(1, 2))
        total = total + convergence + log_distance
    return total / len(cfg.resolutions)
