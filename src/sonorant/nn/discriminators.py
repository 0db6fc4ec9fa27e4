"""Discriminators of waveforms: one at full scale, several at periods (HiFi-GAN, arXiv:2010.05646, 2.3; VITS, 2.5.4).

Where asked for, others of their spectra join them.

B batch, N samples, C channels, T positions, P period.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd
from sonorant.config import config
from sonorant.nn.conv import same_padding, weight_normed
from sonorant.nn.frame_discriminators import FrameDiscriminator, FrameDiscriminatorConfig
from sonorant.nn.judgement import Judgement, judged, output_layer

__all__ = [
    "DiscriminatorConfig",
    "Discriminators",
    "Judgement",
    "PeriodDiscriminator",
    "ScaleDiscriminator",
    "ScaleDiscriminatorConfig",
]

PERIOD_KERNEL, PERIOD_STRIDE = 5, 3


@config
class ScaleDiscriminatorConfig:
    """The layers of a discriminator at full scale, first to last."""

    channels: tuple[int, ...] = (16, 64, 256, 1024, 1024, 1024)
    kernels: tuple[int, ...] = (15, 41, 41, 41, 41, 5)
    strides: tuple[int, ...] = (1, 4, 4, 4, 4, 1)
    groups: tuple[int, ...] = (1, 4, 16, 64, 256, 1)

    def __post_init__(self) -> None:
        n = len(self.channels)
        if not n:
            raise ValueError("channels may not be empty")
        for name in ("kernels", "strides", "groups"):
            if (found := len(getattr(self, name))) != n:
                raise ValueError(f"{n} channels, but {found} {name}")
        check_at_least(1, self, "channels", "strides", "groups")
        check_odd(self, "kernels")
        for d_in, d_out, n_groups in zip((1, *self.channels), self.channels, self.groups, strict=False):
            if d_in % n_groups or d_out % n_groups:
                raise ValueError(f"{n_groups} groups do not divide a layer from {d_in} to {d_out} channels")


@config
class DiscriminatorConfig:
    """Which discriminators judge; VITS's six, unless said otherwise."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    period_channels: tuple[int, ...] = (32, 128, 512, 1024, 1024)
    """Of the layers of each period's discriminator; all but the last have stride 3."""
    scale: ScaleDiscriminatorConfig | None = ScaleDiscriminatorConfig()
    """None for no discriminator at full scale."""
    frames: FrameDiscriminatorConfig | None = None
    """None for no discriminators of spectra."""

    def __post_init__(self) -> None:
        if not self.periods and self.scale is None and self.frames is None:
            raise ValueError("periods may not be empty when there is neither scale nor frames")
        if self.periods and not self.period_channels:
            raise ValueError("period_channels may not be empty")
        check_at_least(1, self, "periods", "period_channels")


class Discriminators(nn.Module):
    """All discriminators of a configuration: the one at full scale, the periods in order, the frames' resolutions."""

    def __init__(self, cfg: DiscriminatorConfig) -> None:
        super().__init__()
        self.each = nn.ModuleList()
        if cfg.scale is not None:
            self.each.append(ScaleDiscriminator(cfg.scale))
        self.each.extend(PeriodDiscriminator(period, cfg.period_channels) for period in cfg.periods)
        if cfg.frames is not None:
            self.each.extend(
                FrameDiscriminator(resolution, channels=cfg.frames.channels, kernel=cfg.frames.kernel)
                for resolution in cfg.frames.resolutions
            )

    def forward(self, samples: Tensor) -> tuple[Judgement, ...]:
        """samples: [B, 1, N]; N at least the longest period and more than half the longest n_fft.

        Returns what each discriminator says.

        Real and generated samples may be judged in two calls or, faster where both need a gradient, as one batch.
        """
        return tuple(discriminator(samples) for discriminator in self.each)


class ScaleDiscriminator(nn.Module):
    """Judges the samples as they are, by strided convolutions in groups."""

    def __init__(self, cfg: ScaleDiscriminatorConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        d_in = 1
        for d_out, kernel, stride, groups in zip(cfg.channels, cfg.kernels, cfg.strides, cfg.groups, strict=True):
            conv = nn.Conv1d(d_in, d_out, kernel, stride=stride, padding=same_padding(kernel), groups=groups)
            self.layers.append(weight_normed(conv))
            d_in = d_out
        self.output = output_layer(d_in)

    def forward(self, samples: Tensor) -> Judgement:
        """samples: [B, 1, N]."""
        features, logits = judged(samples, self.layers, self.output)
        return Judgement(logits=logits.flatten(1), features=(*features, logits))


class PeriodDiscriminator(nn.Module):
    """Judges every P-th sample, for each of P phases, by the same convolutions.

    The official (5, 1) convolutions over [B, C, T, P] are here convolutions of 5 taps over [B * P, C, T].
    """

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        self.layers = nn.ModuleList()
        for i, (d_in, d_out) in enumerate(zip((1, *channels), channels, strict=False), start=1):
            stride = PERIOD_STRIDE if i < len(channels) else 1
            conv = nn.Conv1d(d_in, d_out, PERIOD_KERNEL, stride=stride, padding=same_padding(PERIOD_KERNEL))
            self.layers.append(weight_normed(conv))
        self.output = output_layer(channels[-1])

    def forward(self, samples: Tensor) -> Judgement:
        """samples: [B, 1, N]; N at least P. What is missing to whole periods is reflected at the end."""
        b, _, n = samples.shape
        whole = F.pad(samples, (0, -n % self.period), mode="reflect")
        phases = whole.view(b, -1, self.period).transpose(1, 2).reshape(b * self.period, 1, -1)
        features, logits = judged(phases, self.layers, self.output)
        folded = tuple(feature.unflatten(0, (b, self.period)) for feature in (*features, logits))  # [B, P, C, T]
        return Judgement(logits=folded[-1].flatten(1), features=folded)
