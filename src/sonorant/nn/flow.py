"""Normalizing flow between the posterior's latent z and the prior's latent z_p (VITS, 2.3 and appendix B.2).

B batch, C channels, T frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from sonorant.config import config
from sonorant.nn.wavenet import WaveNet, WaveNetConfig


@config
class FlowConfig:
    n_couplings: int = 4
    wavenet: WaveNetConfig = WaveNetConfig(n_layers=4)


class FlowStep(Protocol):
    """An invertible, volume-preserving map of [B, C, T]."""

    def __call__(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor: ...

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor: ...


class Flip(nn.Module):
    """Reverses the order of the channels, so that the next coupling changes the other half."""

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]. Returns [B, C, T]."""
        return x.flip(1)

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`: the same flip."""
        return y.flip(1)


class ResidualCoupling(nn.Module):
    """Shifts one half of the channels by a function of the other (mean-only affine coupling, log-determinant 0).

    The last convolution starts at zero, so a fresh coupling is the identity.
    """

    def __init__(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        if d % 2:
            raise ValueError(f"a coupling splits its channels in halves, but there are {d}")
        self.input = nn.Conv1d(d // 2, d_hidden, 1)
        self.wavenet = WaveNet(wavenet, d_hidden, d_cond)
        self.output = nn.Conv1d(d_hidden, d // 2, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(cast(Tensor, self.output.bias))

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C, T]."""
        fixed, moved = x.chunk(2, dim=1)
        return torch.cat([fixed, moved * mask + self._shift(fixed, mask, speaker)], dim=1)

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        fixed, moved = y.chunk(2, dim=1)
        return torch.cat([fixed, (moved - self._shift(fixed, mask, speaker)) * mask], dim=1)

    def _shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        h = self.wavenet(self.input(fixed) * mask, mask, speaker)
        shift: Tensor = self.output(h) * mask
        return shift


class Flow(nn.Module):
    """Steps one after another: `forward` from z to z_p (training), `reverse` from z_p to z (speaking)."""

    def __init__(self, steps: Iterable[nn.Module]) -> None:
        """steps: modules that are each a `FlowStep`."""
        super().__init__()
        self.steps = nn.ModuleList(steps)

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
