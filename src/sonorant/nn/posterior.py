"""The posterior encoder: from a spectrogram to the latent frames that made it (VITS, 2.5.1).

B batch, C channels, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from sonorant.config import config
from sonorant.nn.latent import LogStdBounds, bounded, sample
from sonorant.nn.wavenet import WaveNet, WaveNetConfig


@config
class PosteriorConfig:
    wavenet: WaveNetConfig = WaveNetConfig(n_layers=16)
    log_std_bounds: LogStdBounds | None = None


@dataclass(frozen=True)
class Posterior:
    """A Gaussian over latent frames, and a draw from it."""

    z: Tensor  # [B, d_latent, T]
    mean: Tensor  # [B, d_latent, T]
    log_std: Tensor  # [B, d_latent, T]


class PosteriorEncoder(nn.Module):
    """WaveNet from a spectrogram to a Gaussian over the latent.

    The paper feeds log magnitudes; the official code, and so every checkpoint, linear magnitudes.
    """

    def __init__(self, cfg: PosteriorConfig, d_in: int, d_hidden: int, d_latent: int, d_cond: int = 0) -> None:
        super().__init__()
        self.d_latent = d_latent
        self.log_std_bounds = cfg.log_std_bounds
        self.input = nn.Conv1d(d_in, d_hidden, 1)
        self.wavenet = WaveNet(cfg.wavenet, d_hidden, d_cond)
        self.output = nn.Conv1d(d_hidden, 2 * d_latent, 1)

    def forward(self, spec: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None = None) -> Posterior:
        """spec: [B, d_in, T]; mask: [B, 1, T]; noise: [B, d_latent, T]; speaker: [B, d_cond, 1] if conditioned.

        All results are 0 at padding.
        """
        x = self.wavenet(self.input(spec) * mask, mask, speaker)
        mean, log_std = (self.output(x) * mask).chunk(2, dim=1)
        log_std = bounded(log_std, self.log_std_bounds) * mask
        return Posterior(z=sample(mean, log_std, noise) * mask, mean=mean, log_std=log_std)
