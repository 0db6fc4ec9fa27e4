"""The continuous wavelet transform of a contour, and back (Suni et al. 2013; FastSpeech 2, arXiv:2006.04558, 2.3).

The wavelet is the Mexican hat, psi(x) = 2/sqrt(3) * pi**(-1/4) * (1 - x**2) * exp(-x**2 / 2). A contour x gives, at
scales of s_j = 2 * 2**j frames, j = 0 to 9,

    W[j, t] = sum over u of x[u] * psi((u - t) / s_j) / sqrt(s_j)

and what comes back, sum over j of W[j, t] * (j + 3.5)**(-5/2), is the contour up to its level and its range: both are
taken from elsewhere.

B batch, T frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

N_SCALES = 10
_SMALLEST = 2.0
_LEAST_STD = 1e-3


def wavelet_transform(contour: Tensor, mask: Tensor) -> Tensor:
    """contour, mask: [B, 1, T]; it should have mean 0. Returns float32 [B, 10, T], 0 at padding."""
    n = contour.shape[2]
    with torch.autocast(contour.device.type, enabled=False):
        lag = torch.arange(-n, n, device=contour.device, dtype=torch.float32).roll(-n)  # 0 first, as circles have it
        scale = _SMALLEST * 2.0 ** torch.arange(N_SCALES, device=contour.device)[:, None]
        x = lag / scale
        wavelet = (2 / math.sqrt(3) * math.pi**-0.25) * (1 - x**2) * torch.exp(-(x**2) / 2) / scale.sqrt()
        spectrum = torch.fft.rfft((contour * mask).float(), n=2 * n) * torch.fft.rfft(wavelet, n=2 * n)
        transformed: Tensor = torch.fft.irfft(spectrum, n=2 * n)[:, :, :n] * mask
        return transformed


def inverse_transform(transformed: Tensor, mask: Tensor) -> Tensor:
    """What `wavelet_transform` was given, with mean 0 and deviation 1 over real frames; 0 where it is flat.

    transformed: [B, 10, T]; mask: [B, 1, T]. Returns float32 [B, 1, T].
    """
    with torch.autocast(transformed.device.type, enabled=False):
        weight = (torch.arange(N_SCALES, device=transformed.device) + 3.5) ** -2.5
        contour = (transformed.float() * weight[:, None]).sum(dim=1, keepdim=True)
        mean, std = mean_and_std(contour, mask)
        return (contour - mean) / std * mask


def mean_and_std(contour: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Of real frames, each [B, 1, 1]; a deviation is never below 0.001. contour, mask: [B, 1, T]."""
    n = mask.sum(dim=2, keepdim=True).clamp(min=1)
    mean = (contour * mask).sum(dim=2, keepdim=True) / n
    variance = ((contour - mean) ** 2 * mask).sum(dim=2, keepdim=True) / n
    return mean, variance.sqrt().clamp(min=_LEAST_STD)
