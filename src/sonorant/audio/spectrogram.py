"""Spectrograms: what a model sees of a waveform.

B batch, N samples, T frames, F frequency bins, M mel bands.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
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


@config
class MelConfig:
    n_mels: int = 80
    f_min_hz: float = 0.0
    f_max_hz: float | None = None
    """None for half the sample rate."""

    def __post_init__(self) -> None:
        if self.n_mels <= 0:
            raise ValueError(f"n_mels must be positive, but is {self.n_mels}")
        if self.f_min_hz < 0:
            raise ValueError(f"f_min_hz may not be negative, but is {self.f_min_hz:g}")
        if self.f_max_hz is not None and self.f_max_hz <= self.f_min_hz:
            raise ValueError(f"f_max_hz must be above f_min_hz, {self.f_min_hz:g}, but is {self.f_max_hz:g}")


SILENCE = 1e-3
"""The linear magnitude of silence, above 0 so that its root has a gradient."""


def linear_spectrogram(samples: Tensor, cfg: SpectrogramConfig, lengths: Tensor | None = None) -> Tensor:
    """Linear magnitudes, sqrt(re**2 + im**2 + SILENCE**2), with a Hann window, in float32.

    samples: [B, N], in [-1, 1]; lengths: int64 [B], in samples, where items are padded; each > (n_fft - hop) / 2.
    Padding by reflection at each item's own ends gives N // hop frames. Returns [B, F, T]; frames past an item's are
    not those of silence: mask them.
    """
    padding = (cfg.n_fft - cfg.hop) // 2
    if samples.shape[1] <= padding:
        raise ValueError(f"{samples.shape[1]} samples are too few to reflect {padding} at each end")
    with torch.autocast(samples.device.type, enabled=False):
        padded = _reflected(samples.float(), padding, lengths)
        window = torch.hann_window(cfg.win, device=samples.device)
        spectrum = torch.stft(
            padded, cfg.n_fft, hop_length=cfg.hop, win_length=cfg.win, window=window, center=False, return_complex=True
        )
        return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + SILENCE**2)


def _reflected(samples: Tensor, padding: int, lengths: Tensor | None) -> Tensor:
    """[B, N] -> [B, N + 2 * padding], mirrored about the first and the last sample of each item."""
    if lengths is None:
        return F.pad(samples.unsqueeze(1), (padding, padding), mode="reflect").squeeze(1)
    position = torch.arange(-padding, samples.shape[1] + padding, device=samples.device).abs()
    last = lengths.to(samples.device)[:, None] - 1
    mirrored = torch.where(position <= last, position, 2 * last - position).clamp(min=0)
    return samples.gather(1, mirrored)


def energy_db(linear: Tensor) -> Tensor:
    """How much of everything there is in each frame: the length of its magnitudes, in dB.

    linear: [B, F, T], magnitudes of `linear_spectrogram`. Returns float32 [B, 1, T].
    """
    return 20 * torch.log10(torch.linalg.vector_norm(linear.float(), dim=1, keepdim=True).clamp(min=SILENCE))


MEL_FLOOR = 1e-5
"""Quieter bands count as this loud, so that silence has a logarithm."""


def mel_spectrogram(linear: Tensor, cfg: SpectrogramConfig, mel: MelConfig) -> Tensor:
    """Natural logarithms of mel magnitudes, in float32.

    linear: [B, F, T], magnitudes of `linear_spectrogram`. Returns [B, M, T].
    """
    filters = torch.tensor(mel_filterbank(cfg, mel), device=linear.device)
    with torch.autocast(linear.device.type, enabled=False):
        return torch.log((filters @ linear.float()).clamp(min=MEL_FLOOR))


@functools.lru_cache(maxsize=16)
def mel_filterbank(cfg: SpectrogramConfig, mel: MelConfig) -> NDArray[np.float32]:
    """The weight of each frequency bin in each mel band: overlapping triangles of area one, on Slaney's mel scale.

    The same as librosa's default. Returns float32 [M, F], not to be written to.
    Raises ValueError when a band holds no bin or lies above half the sample rate.
    """
    nyquist_hz = cfg.sample_rate_hz / 2
    f_max_hz = nyquist_hz if mel.f_max_hz is None else mel.f_max_hz
    if f_max_hz > nyquist_hz or mel.f_min_hz >= nyquist_hz:
        raise ValueError(
            f"mel bands from {mel.f_min_hz:g} to {f_max_hz:g} Hz reach beyond half the sample rate, {nyquist_hz:g} Hz"
        )
    corners_hz = _mel_to_hz(np.linspace(_hz_to_mel(mel.f_min_hz), _hz_to_mel(f_max_hz), mel.n_mels + 2))
    bins_hz = np.linspace(0.0, nyquist_hz, cfg.n_bins)
    low, middle, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    filters: NDArray[np.float32] = (np.minimum(rising, falling).clip(min=0) * 2 / (high - low)).astype(np.float32)
    if empty := np.flatnonzero(filters.sum(axis=1) == 0).tolist():
        raise ValueError(
            f"mel band {empty[0]} of {mel.n_mels} lies between two of the {cfg.n_bins} frequency bins:"
            " choose fewer n_mels or a larger n_fft"
        )
    filters.flags.writeable = False
    return filters


# Slaney's scale: 66.7 Hz a mel up to 1000 Hz, and from there on 27 mels for each factor of 6.4.
_LINEAR_HZ_PER_MEL = 200 / 3
_LOG_START_HZ = 1000.0
_LOG_START_MEL = _LOG_START_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_START_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_LOG_START_MEL + np.log(hz / _LOG_START_HZ) / _LOG_STEP)


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = (mels - _LOG_START_MEL).clip(min=0)
    hz: NDArray[np.float64] = np.minimum(mels, _LOG_START_MEL) * _LINEAR_HZ_PER_MEL * np.exp(_LOG_STEP * above)
    return hz
