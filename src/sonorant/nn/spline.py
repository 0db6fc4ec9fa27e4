"""Monotonic rational-quadratic splines with identity tails (Durkan et al. 2019, arXiv:1906.04032; VITS, appendix B.1).

Everything is in float32 and free of branches on values: what lies in the tails is chosen with `where`.
Shapes: `...` for any leading dimensions, K bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MIN_BIN = 1e-3
"""The least width and height of a bin, as a share of the whole interval."""
MIN_SLOPE = 1e-3


@dataclass(frozen=True)
class Knots:
    """The points a spline goes through, rising from (-bound, -bound) to (bound, bound), and its slope at each."""

    x: Tensor  # [..., K+1]
    y: Tensor  # [..., K+1]
    slope: Tensor  # [..., K+1]
    bound: float


def knots(raw: Tensor, n_bins: int, bound: float, *, scale: float = 1.0) -> Knots:
    """Knots from unconstrained numbers.

    raw: [..., 3K-1]: K widths, K heights, K-1 inner slopes; the slopes at both ends are 1, that of the tails.
    scale: what widths and heights are multiplied by before their softmax.
    """
    widths, heights, slopes = raw.float().split([n_bins, n_bins, n_bins - 1], dim=-1)
    return Knots(
        x=_edges(widths * scale, bound),
        y=_edges(heights * scale, bound),
        slope=F.pad(MIN_SLOPE + F.softplus(slopes), (1, 1), value=1.0),
        bound=bound,
    )


def spline(x: Tensor, at: Knots) -> tuple[Tensor, Tensor]:
    """The spline's value and the logarithm of its slope.

    x: [...]. Returns two tensors [...]; outside [-bound, bound] they are x and 0.
    """
    x = x.float()
    b = _bin(x.clamp(-at.bound, at.bound), at.x, at)
    theta = (x.clamp(-at.bound, at.bound) - b.x) / b.width
    y = b.y + b.height * (b.delta * theta**2 + b.slope * theta * (1 - theta)) / _denominator(b, theta)  # eq. 4
    inside = x.abs() <= at.bound
    return torch.where(inside, y, x), torch.where(inside, _log_slope(b, theta), torch.zeros_like(x))


def inverse_spline(y: Tensor, at: Knots) -> Tensor:
    """The x whose spline value is y. y: [...]. Returns [...]."""
    y = y.float()
    b = _bin(y.clamp(-at.bound, at.bound), at.y, at)
    rise = y.clamp(-at.bound, at.bound) - b.y
    bend = b.slope + b.next_slope - 2 * b.delta
    # eq. 6-8: theta is a root of a*theta**2 + b*theta + c.
    qa = b.height * (b.delta - b.slope) + rise * bend
    qb = b.height * b.slope - rise * bend
    qc = -b.delta * rise
    # In exact arithmetic the discriminant is never negative; in float32 it can be, by a rounding.
    discriminant = (qb**2 - 4 * qa * qc).clamp(min=0.0)
    theta = 2 * qc / (-qb - discriminant.sqrt())
    return torch.where(y.abs() <= at.bound, b.x + theta * b.width, y)


@dataclass(frozen=True)
class _Bin:
    """The bin each input falls in. All [...]."""

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    delta: Tensor  # height / width
    slope: Tensor
    next_slope: Tensor


def _bin(value: Tensor, edges: Tensor, at: Knots) -> _Bin:
    index = (value[..., None] >= edges[..., 1:-1]).sum(dim=-1, keepdim=True)

    def pick(knot: Tensor, offset: int) -> Tensor:
        return knot.gather(-1, index + offset).squeeze(-1)

    x, y = pick(at.x, 0), pick(at.y, 0)
    width, height = pick(at.x, 1) - x, pick(at.y, 1) - y
    return _Bin(x, y, width, height, height / width, pick(at.slope, 0), pick(at.slope, 1))


def _denominator(b: _Bin, theta: Tensor) -> Tensor:
    return b.delta + (b.slope + b.next_slope - 2 * b.delta) * theta * (1 - theta)


def _log_slope(b: _Bin, theta: Tensor) -> Tensor:
    # eq. 5
    numerator = b.next_slope * theta**2 + 2 * b.delta * theta * (1 - theta) + b.slope * (1 - theta) ** 2
    return 2 * b.delta.log() + numerator.log() - 2 * _denominator(b, theta).log()


def _edges(raw: Tensor, bound: float) -> Tensor:
    """[..., K] -> [..., K+1], rising from -bound to bound exactly."""
    shares = MIN_BIN + (1 - MIN_BIN * raw.shape[-1]) * raw.softmax(dim=-1)
    inner = 2 * bound * shares.cumsum(dim=-1)[..., :-1] - bound
    return F.pad(F.pad(inner, (1, 0), value=-bound), (0, 1), value=bound)
