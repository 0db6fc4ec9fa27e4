"""Soft dynamic time warping: how far two sequences of unequal length lie apart, all alignments of them considered.

Tan et al. 2022 (NaturalSpeech), arXiv:2205.04421, section 3.4, after Cuturi and Blondel 2017, arXiv:1703.01541. The
cost of a path is the sum of its cells' costs and `warp` for each of its steps that is not diagonal, and the value of an
item is the soft minimum over all paths from the first cell to the last:

    r[i, j] = cost[i, j] + softmin(r[i-1, j-1], r[i-1, j] + warp, r[i, j-1] + warp)
    softmin(a) = -gamma log sum exp(-a / gamma)

Its gradient is occupancy: which share of the paths, the likelier ones counting more, passes a cell. It is 1 in both
corners, nowhere negative, and at least 1 in sum over each row and over each column.

Between the passes one thing is kept, in place of the costs and the sums: for each cell the probabilities of its having
been reached from above and from the left, 16 bits each. That is 4 bytes for each cell inside lengths and band; 16 when
the costs are float64. Their rounding, by 2^-17 at most, moves occupancies of 500 rows by less than 10^-4; keeping sums
of 10^5 in float32 instead would move them by more than 10^-2.

B batch, M rows, S columns.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from sonorant.errors import MissingExtraError, ParameterError
from sonorant.losses import _soft_dtw_torch

PAPER_GAMMA = 0.01
PAPER_WARP = 0.07
"""NaturalSpeech's, for costs that are the mean over channels."""
PAPER_CHANNELS = 192


def of_summed_channels(of_mean: float, n_channels: int) -> float:
    """The gamma or warp for costs that are summed over channels, given that for costs that are their mean.

    The value is homogeneous: soft_dtw(C cost, C gamma, C warp) = C soft_dtw(cost, gamma, warp), since softmin is, and r
    is made of it and of sums. A sum over C channels is C times their mean, so for paths to be weighed alike gamma and
    warp must be C times theirs. The paper's are for a mean; for 192 channels they become 1.92 and 13.44.
    """
    return of_mean * n_channels


def warp_of_sampled(of_paper: float, n_channels: int) -> float:
    """The warp for divergences by one sample, summed over channels, given that for means over the paper's 192.

    Of a sample of the Gaussian that it is held against, such a divergence is (chi-squared - C) / 2: 0 on average, with
    a deviation of sqrt(C / 2). A path that may visit more cells than there are frames gathers those that chance made
    negative, and what keeps it from that is the price of warping, which must therefore grow as sqrt(C) does. In the
    paper it is 13.44, 1.4 deviations; it is as many for any number of channels here. 0.07 times C would be 0.8 of
    them for 64 channels: held against itself, a sequence would then lie about a nat a frame below 0.
    """
    return of_summed_channels(of_paper, PAPER_CHANNELS) * math.sqrt(n_channels / PAPER_CHANNELS)


def soft_dtw(
    cost: Tensor,
    row_lengths: Tensor,
    column_lengths: Tensor,
    *,
    gamma: float,
    warp: float,
    band: int | None = None,
) -> Tensor:
    """The soft minimum over the paths of each item, from its first cell to its last real one.

    cost: [B, M, S]; what it holds outside an item's lengths does not matter and gets a gradient of 0. row_lengths,
    column_lengths: int64 [B], at least 1. gamma: softness, above 0, in the unit of the costs; warp: the price of a step
    that is not diagonal, not negative. Returns [B], float64 if the cost is, and else float32, whatever the precision
    around.

    band: only cells within so many frames of the item's straight diagonal, counted along the shorter of its two
    lengths, or any if None; the others count as plus infinity. It can be no less than 1, and then lets a path through
    whatever the lengths.

    A cost of plus infinity forbids its cell. An item all of whose paths are forbidden has the value plus infinity; one
    with NaN or minus infinity anywhere inside lengths and band has the value NaN. The gradient of either is NaN inside
    its lengths, that of other items is not touched.

    On a CPU float32 costs need numba (MissingExtraError without it), which uses no more threads than torch does in this
    process. All else is `soft_dtw_torch`.
    """
    is_compiled = cost.device.type == "cpu" and cost.dtype != torch.float64
    recursion = _kernel() if is_compiled else _soft_dtw_torch
    return _soft_dtw(recursion, cost, row_lengths, column_lengths, gamma, warp, band)


def soft_dtw_torch(
    cost: Tensor,
    row_lengths: Tensor,
    column_lengths: Tensor,
    *,
    gamma: float,
    warp: float,
    band: int | None = None,
) -> Tensor:
    """The same as `soft_dtw`, without numba and on any device that has float64: four operations an anti-diagonal."""
    return _soft_dtw(_soft_dtw_torch, cost, row_lengths, column_lengths, gamma, warp, band)


def windows(lengths: NDArray[np.int64], band: int | None) -> NDArray[np.int64]:
    """The first and the last row, of each anti-diagonal, that lie inside lengths and band.

    lengths: [B, 2], rows and columns. Returns [B, K, 2], where K is the number of anti-diagonals of the longest item;
    what lies past an item's last one is empty, its first row after its last.

    From one anti-diagonal to the next both move by 0 or 1. A cell is inside the band if abs(i (S-1) - j (M-1)) is at
    most band * (max(M, S) - 1). From each such cell a step leads to another, towards the diagonal or along an edge.
    """
    n_rows, n_columns = lengths[:, :1], lengths[:, 1:]
    k = np.arange(int(lengths.sum(axis=1).max()) - 1)
    first, last = np.maximum(k - n_columns + 1, 0), np.minimum(k, n_rows - 1)
    if band is not None:
        both = np.maximum(n_rows + n_columns - 2, 1)
        middle, reach = k * (n_rows - 1), band * (np.maximum(n_rows, n_columns) - 1)
        first = np.maximum(first, -((reach - middle) // both))
        last = np.minimum(last, (middle + reach) // both)
    is_past = k > n_rows + n_columns - 2
    return np.stack((np.where(is_past, 0, first), np.where(is_past, -1, last)), axis=2)


def _soft_dtw(
    recursion: ModuleType,
    cost: Tensor,
    row_lengths: Tensor,
    column_lengths: Tensor,
    gamma: float,
    warp: float,
    band: int | None,
) -> Tensor:
    assert cost.dim() == 3, f"cost has the shape {tuple(cost.shape)}"
    assert row_lengths.shape == column_lengths.shape == cost.shape[:1], "one length for each item"
    if not (math.isfinite(gamma) and gamma > 0):
        raise ParameterError(f"gamma of soft-DTW is {gamma:g}: expected a number above 0")
    if not (math.isfinite(warp) and warp >= 0):
        raise ParameterError(f"warp of soft-DTW is {warp:g}: expected 0 or more, and finite")
    if band is not None and band < 1:
        raise ParameterError(f"band of soft-DTW is {band}: expected 1 frame or more, or None for no band")
    lengths = np.array([row_lengths.tolist(), column_lengths.tolist()], np.int64).T.copy()
    for item, (n_rows, n_columns) in enumerate(lengths.tolist()):
        if not (1 <= n_rows <= cost.shape[1] and 1 <= n_columns <= cost.shape[2]):
            raise ParameterError(
                f"item {item} of the batch has {n_rows} rows and {n_columns} columns: expected at least 1 of each, and "
                f"no more than the {cost.shape[1]} and {cost.shape[2]} of the batch"
            )
    if not len(lengths):
        return cost.sum(dim=(1, 2))
    if cost.dtype != torch.float64:
        cost = cost.float()
    value: Tensor = _SoftDtw.apply(cost, recursion, lengths, gamma, warp, band)  # type: ignore[no-untyped-call]
    return value


class _SoftDtw(torch.autograd.Function):
    """Both recursions; they are those of the module given, which keeps from the first what the second needs."""

    @staticmethod
    def forward(
        ctx: Any,
        cost: Tensor,
        recursion: ModuleType,
        lengths: NDArray[np.int64],
        gamma: float,
        warp: float,
        band: int | None,
    ) -> Tensor:
        ctx.recursion, ctx.lengths, ctx.shape = recursion, lengths, cost.shape
        ctx.windows = windows(lengths, band)
        value, kept = recursion.forward(cost, lengths, ctx.windows, gamma=gamma, warp=warp)
        value = value.to(cost.dtype)
        ctx.save_for_backward(value, *kept)
        result: Tensor = value
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        value, *kept = ctx.saved_tensors
        is_whole = value.isfinite()
        scale = torch.where(is_whole, scale, 0)
        gradient: Tensor = ctx.recursion.backward(kept, ctx.lengths, ctx.windows, scale, ctx.shape)
        for item in (~is_whole).nonzero().flatten().tolist():
            n_rows, n_columns = ctx.lengths[item]
            gradient[item, :n_rows, :n_columns] = math.nan
        return gradient, None, None, None, None, None


def _kernel() -> ModuleType:
    try:
        from sonorant.losses import _soft_dtw_kernel
    except ModuleNotFoundError:
        raise MissingExtraError("soft-DTW on a CPU", package="numba", extra="train") from None
    return _soft_dtw_kernel
