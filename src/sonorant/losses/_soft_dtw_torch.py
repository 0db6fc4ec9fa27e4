"""The recursions of `sonorant.losses.soft_dtw` in torch: anti-diagonals one after another, all items and rows at once.

On a device it is the number of operations that takes time, not their size. So what a diagonal does not owe to the one
before it, reading costs, making probabilities of sums, writing gradients, is done for many at once, a chunk; and sums
are float64, in units of minus gamma, where the recursion is two additions of logarithms and two of numbers.

B batch, M rows, S columns; of a chunk N anti-diagonals, and W rows, from the first to the last any item needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCKED = 1e30
"""The value of a cell no path reaches: above all real ones, and finite, so that differences are never NaN."""

UNIT = 65535
"""A probability of 1 in the 16 bits it is kept in."""

CHUNK = 32  # anti-diagonals


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    low: int  # row
    cells: Tensor  # int64 [N, W], number of the cell in the matrix; some cell where the diagonal has left it
    is_inside: Tensor  # [N, B, W], lengths and band
    is_end: Tensor  # [N, B, W], the last cell of an item


def forward(
    cost: Tensor, lengths: NDArray[np.int64], windows: NDArray[np.int64], *, gamma: float, warp: float
) -> tuple[Tensor, list[Tensor]]:
    """The value of each item, float64 [B], and of each chunk what `backward` needs."""
    n_items, n_rows, _ = cost.shape
    flat = cost.detach().flatten(1)
    blocked = -BLOCKED / gamma
    # The last two diagonals, row i at i + 1.
    before = torch.full((2, n_items, n_rows + 2), blocked, dtype=torch.float64, device=cost.device)
    before[0, :, 0] = 0  # the corner before the first cell
    value = before.new_zeros(n_items)
    kept = []
    for chunk in _chunks(cost.shape, lengths, windows, cost.device):
        own = flat[:, chunk.cells].movedim(0, 1).double().clamp(max=BLOCKED)
        own = torch.where(chunk.is_inside, own.masked_fill_(own == -torch.inf, torch.nan) / -gamma, blocked)
        n, _, width = own.shape
        # Sums over -gamma, of the two diagonals before the chunk and its own.
        r = torch.full((n + 2, n_items, width + 2), blocked, dtype=torch.float64, device=cost.device)
        r[:2] = before[:, :, chunk.low : chunk.low + width + 2]
        above, left, corner = r[1:-1, :, :-2], r[1:-1, :, 1:-1], r[:-2, :, :-2]
        here, price = r[2:, :, 1:-1], warp / gamma
        side = torch.empty_like(own[0])
        for at in range(n):
            torch.logaddexp(above[at], left[at], out=side)
            torch.logaddexp(side.sub_(price), corner[at], out=side)
            torch.add(side, own[at], out=here[at])
        value += torch.where(chunk.is_end, here, 0).sum(dim=(0, 2))
        before.fill_(blocked)
        before[:, :, chunk.low : chunk.low + width + 2] = r[-2:]
        reached = here - own + price
        moves = torch.stack((above - reached, left - reached)).exp_()
        moves = torch.where(chunk.is_inside, moves, 0).nan_to_num_(0)
        kept.append(moves if cost.dtype == torch.float64 else _packed(moves))
    value = value * -gamma
    return torch.where(value > BLOCKED / 2, torch.inf, value), kept


def backward(
    kept: Sequence[Tensor],
    lengths: NDArray[np.int64],
    windows: NDArray[np.int64],
    scale: Tensor,
    shape: tuple[int, int, int],
) -> Tensor:
    """The gradient [B, M, S]: which share of each item's paths passes a cell, times the item's scale [B]."""
    n_items, n_rows, n_columns = shape
    gradient = scale.new_zeros(n_items, n_rows * n_columns)
    # What the two diagonals after the chunk hand on by each move, from above, left and the corner; row i at i + 1.
    after = scale.new_zeros(2, 3, n_items, n_rows + 2)
    chunks = list(_chunks(shape, lengths, windows, scale.device))
    for chunk, packed in zip(reversed(chunks), reversed(kept), strict=True):
        moves = packed if packed.is_floating_point() else _unpacked(packed, scale.dtype)
        moves = torch.cat((moves, torch.where(chunk.is_inside, 1 - moves.sum(dim=0, keepdim=True), 0))).movedim(0, 1)
        n, _, _, width = moves.shape
        handed = scale.new_zeros(n + 2, 3, n_items, width + 2)
        handed[n:] = after[..., chunk.low : chunk.low + width + 2]
        passed = chunk.is_end * scale[:, None]
        for at in range(n - 1, -1, -1):
            passed[at] += handed[at + 1, 0, :, 2:]
            passed[at] += handed[at + 1, 1, :, 1:-1]
            passed[at] += handed[at + 2, 2, :, 2:]
            torch.mul(moves[at], passed[at], out=handed[at, :, :, 1:-1])
        after.zero_()
        after[..., chunk.low : chunk.low + width + 2] = handed[:2]
        cells = chunk.cells.flatten().expand(n_items, -1)
        gradient.scatter_add_(1, cells, passed.movedim(1, 0).flatten(1))
    return gradient.view(shape)


def _chunks(
    shape: Sequence[int], lengths: NDArray[np.int64], windows: NDArray[np.int64], device: torch.device
) -> Iterator[_Chunk]:
    _, _, n_columns = shape
    ends = torch.from_numpy(lengths).to(device).sum(dim=1, keepdim=True) - 2
    end_rows = torch.from_numpy(lengths[:, :1]).to(device) - 1
    bounds = torch.from_numpy(windows.transpose(2, 1, 0).copy()).to(device).unsqueeze(3)
    for k in range(0, windows.shape[1], CHUNK):
        part = windows[:, k : k + CHUNK]
        is_any = part[..., 0] <= part[..., 1]
        low, high = int(part[..., 0][is_any].min()), int(part[..., 1][is_any].max())
        row = torch.arange(low, high + 1, device=device)
        diagonal = torch.arange(k, k + part.shape[1], device=device)[:, None]
        first, last = bounds[:, k : k + CHUNK]
        yield _Chunk(
            low=low,
            cells=row * n_columns + (diagonal - row).clamp(0, n_columns - 1),
            is_inside=(first <= row) & (row <= last),
            is_end=(diagonal.unsqueeze(2) == ends) & (row == end_rows),
        )


def _packed(moves: Tensor) -> Tensor:
    """Probabilities [2, N, B, W] of coming from above and from the left, 16 bits each, as int32 [N, B, W]."""
    above, left = (moves * UNIT).round().int()
    packed: Tensor = ((above - (UNIT + 1) // 2) << 16) | torch.minimum(left, UNIT - above)
    return packed


def _unpacked(packed: Tensor, dtype: torch.dtype) -> Tensor:
    """The inverse of `_packed`."""
    return torch.stack(((packed >> 16) + (UNIT + 1) // 2, packed & UNIT)).to(dtype) / UNIT
