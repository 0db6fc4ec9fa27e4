"""Discriminators of spectra: convolutions along the frames of log-magnitude and phase, cheap on a CPU.

Judging spectra at several resolutions is from UnivNet (arXiv:2106.07889, 2.2), judging their phase too from EnCodec
(arXiv:2210.13438, 3.4). Both convolve over time and frequency; here every frequency is a channel and the convolutions
are over time alone, so that few matrix products do all the work.

B batch, N samples, F frequencies, C channels, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd
from sonorant.config import config
from sonorant.nn.conv import same_padding, weight_normed
from sonorant.nn.judgement import Judgement, judged, output_layer

FLOOR = 3e-4
"""Of magnitudes, where white noise of deviation 1 has magnitude 1. Below it the phase fades to none."""
LOG_CENTRE, LOG_SPREAD = -6.0, 2.0
"""About the mean and the deviation of the log-magnitudes of speech."""


@config
class FrameResolution:
    """How spectra are taken, in samples."""

    n_fft: int
    hop: int

    def __post_init__(self) -> None:
        if self.n_fft < 2 or self.n_fft % 2:
            raise ValueError(f"n_fft must be positive and even, but {self.n_fft} is not")
        if not 1 <= self.hop <= self.n_fft // 2:
            raise ValueError(f"hop must be from 1 to half of n_fft, {self.n_fft // 2}, but {self.hop} is not")


@config
class FrameDiscriminatorConfig:
    """A discriminator for each resolution, all with the same layers."""

    resolutions: tuple[FrameResolution, ...] = (
        FrameResolution(n_fft=1024, hop=256),
        FrameResolution(n_fft=512, hop=128),
        FrameResolution(n_fft=256, hop=64),
    )
    channels: tuple[int, ...] = (64, 64, 64)
    kernel: int = 5

    def __post_init__(self) -> None:
        if not self.resolutions:
            raise ValueError("resolutions may not be empty")
        if not self.channels:
            raise ValueError("channels may not be empty")
        check_at_least(1, self, "channels")
        check_odd(self, "kernel")


class FrameDiscriminator(nn.Module):
    """Judges frames of log-magnitude and phase by convolutions along time."""

    def __init__(self, resolution: FrameResolution, *, channels: tuple[int, ...], kernel: int) -> None:
        super().__init__()
        self.hop = resolution.hop
        self.n_fft = resolution.n_fft
        self.layers = nn.ModuleList()
        d_in = 3 * (resolution.n_fft // 2 + 1)
        for d_out in channels:
            self.layers.append(weight_normed(nn.Conv1d(d_in, d_out, kernel, padding=same_padding(kernel))))
            d_in = d_out
        self.output = output_layer(d_in)

    def forward(self, samples: Tensor) -> Judgement:
        """samples: [B, 1, N]; N more than half of n_fft."""
        features, logits = judged(seen(samples.squeeze(1), self.n_fft, self.hop), self.layers, self.output)
        return Judgement(logits=logits.flatten(1), features=(*features, logits))


def seen(samples: Tensor, n_fft: int, hop: int) -> Tensor:
    """What a frame discriminator sees: the scaled log-magnitude, the cosine and the sine of the phase.

    Always in full precision. Its gradient is finite wherever the samples are: no factor in it exceeds 1 / FLOOR.
    samples: [B, N]; N more than half of n_fft. Returns [B, 3 F, T].
    """
    with torch.autocast(samples.device.type, enabled=False):
        window = torch.hann_window(n_fft, device=samples.device)
        window = window / window.square().sum().sqrt()
        spectrum = torch.stft(samples.float(), n_fft, hop, window=window, return_complex=True)
        power = spectrum.real**2 + spectrum.imag**2 + FLOOR**2
        # A cosine and sine have no jump where the angle has one, and the floor stands where neither is defined.
        log_magnitude = (0.5 * power.log() - LOG_CENTRE) / LOG_SPREAD
        scale = power.rsqrt()
        return torch.cat([log_magnitude, spectrum.real * scale, spectrum.imag * scale], dim=1)
