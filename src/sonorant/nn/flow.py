"""Normalizing flow between the posterior's latent z and the prior's latent z_p (VITS, 2.3 and appendix B.2).

B batch, C channels, T frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from sonorant.bounds import check_at_least
from sonorant.config import config
from sonorant.nn.wavenet import WaveNet, WaveNetConfig


@config
class FlowConfig:
    n_couplings: int = 4
    wavenet: WaveNetConfig = WaveNetConfig(n_layers=4)

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_couplings")


class FlowStep(Protocol):
    """An invertible map of [B, C, T] that changes every volume by the same factor."""

    log_det_per_frame: float
    """The logarithm of that factor, for one real frame of all channels. 0: it preserves volume."""

    def __call__(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor: ...

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor: ...


class Flip(nn.Module):
    """Reverses the order of the channels, so that the next coupling changes the other half."""

    log_det_per_frame = 0.0

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]. Returns [B, C, T]."""
        return x.flip(1)

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`: the same flip."""
        return y.flip(1)


class Coupling(nn.Module):
    """Shifts one half of the channels by a function of the other (mean-only affine coupling)."""

    log_det_per_frame = 0.0

    def __init__(self, d: int) -> None:
        super().__init__()
        if d % 2:
            raise ValueError(f"a coupling splits its channels in halves, but there are {d}")

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C, T]."""
        fixed, moved = x.chunk(2, dim=1)
        return torch.cat([fixed, moved * mask + self.shift(fixed, mask, speaker)], dim=1)

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        fixed, moved = y.chunk(2, dim=1)
        return torch.cat([fixed, (moved - self.shift(fixed, mask, speaker)) * mask], dim=1)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """How far the other half moves, 0 at padding. fixed: [B, C/2, T]. Returns [B, C/2, T]."""
        raise NotImplementedError


class ResidualCoupling(Coupling):
    """The coupling of VITS, whose function is a WaveNet.

    The last convolution starts at zero, so a fresh coupling is the identity.
    """

    def __init__(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__(d)
        self.input = nn.Conv1d(d // 2, d_hidden, 1)
        self.wavenet = WaveNet(wavenet, d_hidden, d_cond)
        self.output = zero_conv(d_hidden, d // 2)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C/2, T]."""
        h = self.wavenet(self.input(fixed) * mask, mask, speaker)
        shift: Tensor = self.output(h) * mask
        return shift


def zero_conv(d_in: int, d_out: int) -> nn.Conv1d:
    """A convolution over single frames that gives zero until it has learned something."""
    conv = nn.Conv1d(d_in, d_out, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(cast(Tensor, conv.bias))
    return conv


class Flow(nn.Module):
    """Steps one after another: `forward` from z to z_p (training), `reverse` from z_p to z (speaking)."""

    def __init__(self, steps: Iterable[nn.Module]) -> None:
        """steps: modules that are each a `FlowStep`."""
        super().__init__()
        self.steps = nn.ModuleList(steps)

    @property
    def log_det_per_frame(self) -> float:
        """The logarithm of the factor by which `forward` changes volumes, for one real frame."""
        return sum(cast(FlowStep, step).log_det_per_frame for step in self.steps)

    def forward(self, z: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """z: [B, C, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns z_p [B, C, T]."""
        for step in self.steps:
            z = step(z, mask, speaker)
        return z

    def reverse(self, z_p: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`: z_p [B, C, T] -> z [B, C, T]."""
        for step in reversed(self.steps):
            z_p = cast(FlowStep, step).reverse(z_p, mask, speaker)
        return z_p


def residual_flow(cfg: FlowConfig, d: int, d_hidden: int, d_cond: int = 0) -> Flow:
    """The flow of VITS: couplings, each followed by a flip."""
    steps: list[nn.Module] = []
    for _ in range(cfg.n_couplings):
        steps += [ResidualCoupling(cfg.wavenet, d, d_hidden, d_cond), Flip()]
    return Flow(steps)
