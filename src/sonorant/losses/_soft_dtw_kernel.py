"""The recursions of `sonorant.losses.soft_dtw` on a CPU, compiled by numba.

Importing this module needs numba; importing that one does not.

The cells of an anti-diagonal, i + j = k, do not depend on each other, so they are computed eight at a time: sums in
float64, for a path costs 10^5 and what decides it is about 1, and the exponentials of their differences in float32, by
polynomials that LLVM turns into vector instructions. Cells are kept diagonal after diagonal, only those inside the
lengths and the band, so that both recursions go through memory in order.

Backward, the paths that matter lie close together. Each diagonal is computed only between the first and the last of its
cells that any of them can pass, and the rest of the gradient stays as the system gave it, zero.

B batch, M rows, S columns, K anti-diagonals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonorant.losses._soft_dtw_torch import BLOCKED, UNIT

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Moves = NDArray[np.uint32]
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_SAFE = {"contract", "reassoc", "nsz", "arcp"}  # of fastmath, all that leaves NaN and infinity what they are
_NEGLIGIBLE = np.float32(1e-30)  # occupancies below it are zero: numbers near float32's least take long to multiply
_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_LEAST = np.float32(-40)


def forward(
    cost: Tensor, lengths: Integers, windows: Integers, *, gamma: float, warp: float
) -> tuple[Tensor, list[Tensor]]:
    """The value of each item, float64 [B], and what `backward` needs.

    cost: float32 [B, M, S]; lengths: [B, 2], rows and columns; windows: [B, K, 2], as `soft_dtw.windows` gives them.
    """
    costs = cost.detach().contiguous().numpy()
    starts = _starts(windows)
    moves, values = np.empty(starts[-1], np.uint32), np.empty(len(costs), np.float64)

    def one(item: int) -> None:
        n_rows, n_columns = lengths[item]
        kept = moves[starts[item] : starts[item + 1]]
        values[item] = _accumulate(costs[item], n_rows, n_columns, windows[item], gamma, warp, kept)

    _for_all(one, len(costs))
    return torch.from_numpy(values), [torch.from_numpy(moves.view(np.int32))]


def backward(
    kept: Sequence[Tensor], lengths: Integers, windows: Integers, scale: Tensor, shape: tuple[int, int, int]
) -> Tensor:
    """The gradient [B, M, S]: which share of each item's paths passes a cell, times the item's scale [B]."""
    moves, scales, starts = kept[0].numpy().view(np.uint32), scale.detach().contiguous().numpy(), _starts(windows)
    # From numpy, whose zeros take no time to make where nobody writes to them.
    gradient = np.zeros(shape, np.float32)

    def one(item: int) -> None:
        n_rows, n_columns = lengths[item]
        _trace(moves[starts[item] : starts[item + 1]], n_rows, n_columns, windows[item], scales[item], gradient[item])

    _for_all(one, len(gradient))
    return torch.from_numpy(gradient)


def _starts(windows: Integers) -> Integers:
    """Where the cells of each item begin, and where those of the last one end."""
    n_cells = (windows[:, :, 1] - windows[:, :, 0] + 1).sum(axis=1)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(n_cells)))


def _for_all(one: Callable[[int], None], n_items: int) -> None:
    """Do it for each item, a thread taking the next one when it is ready: the kernels hold no lock of Python's."""
    n_threads = min(torch.get_num_threads(), n_items)
    if n_threads < 2:
        for item in range(n_items):
            one(item)
        return
    with ThreadPoolExecutor(n_threads) as threads:
        for _ in threads.map(one, range(n_items)):
            pass  # raises what a thread raised


def _compiled(**options: Any) -> Callable[[AnyFunction], AnyFunction]:
    """Compile at the first call, and keep the machine code for other processes if there is a folder for it."""

    def compile_later(function: AnyFunction) -> AnyFunction:
        try:
            compiled: AnyFunction = numba.njit(cache=True, error_model="numpy", **options)(function)
        except RuntimeError:  # neither __pycache__ nor the user's cache can be written to
            compiled = numba.njit(error_model="numpy", **options)(function)
        return compiled

    return compile_later


@_compiled(nogil=True, fastmath=_SAFE, inline="always")
def exp_of_negative(x: np.float32) -> np.float32:
    """exp(x) to 1.2e-7, relative, for x from -40 to 0; below it is that of -40, lest products be denormal."""
    x = max(x, _LEAST)
    power = np.int32(x * _LOG2_E - _HALF)
    x = x - np.float32(power) * _LN2_HIGH - np.float32(power) * _LN2_LOW
    p = np.float32(1.9875691500e-4)
    p = p * x + np.float32(1.3981999507e-3)
    p = p * x + np.float32(8.3334519073e-3)
    p = p * x + np.float32(4.1665795894e-2)
    p = p * x + np.float32(1.6666665459e-1)
    p = p * x + np.float32(5.0000001201e-1)
    p = p * x * x + x + _ONE
    power_of_two: np.float32 = np.int32((power + np.int32(127)) << np.int32(23)).view(np.float32)
    result: np.float32 = p * power_of_two
    return result


@_compiled(nogil=True, fastmath=_SAFE, inline="always")
def log_of_one_plus(x: np.float32) -> np.float32:
    """log(1 + x) to 1.2e-7, relative, for x from 0 to 2: twice the inverse hyperbolic tangent of x / (2 + x)."""
    u = x / (_TWO + x)
    w = u * u
    p = np.float32(3.675323924e-1)
    p = p * w + np.float32(1.620839772e-1)
    p = p * w + np.float32(2.940806107e-1)
    p = p * w + np.float32(3.994882272e-1)
    p = p * w + np.float32(6.666779576e-1)
    p = p * w + np.float32(1.99999996)
    result: np.float32 = u * p
    return result


@_compiled(nogil=True, fastmath=_SAFE)
def _gaps(
    up: Doubles,
    left: Doubles,
    diagonal: Doubles,
    rate: float,
    warp: float,
    here: Doubles,
    sideways: Floats,
    ahead: Floats,
) -> None:
    """The least of the values each cell is reached from, with the price of warping.

    In units of gamma: sideways, how far the value from above exceeds the left one; ahead, how far the lesser of these
    exceeds the diagonal one.
    """
    for at in range(len(here)):
        side = min(up[at], left[at]) + warp
        sideways[at] = np.float32((up[at] - left[at]) * rate)
        ahead[at] = np.float32((side - diagonal[at]) * rate)
        here[at] = min(diagonal[at], side)


@_compiled(nogil=True, fastmath=_SAFE)
def _soften(own: Floats, sideways: Floats, ahead: Floats, gamma: np.float32, moves: Moves) -> np.float32:
    """What to add to the least value for the cell's own, in place of its cost, and the probabilities of its moves.

    Returns 0, or NaN if a cost is NaN or minus infinity.
    """
    ceiling, unit = np.float32(BLOCKED), np.float32(UNIT)
    fault = np.float32(0)
    for at in range(len(own)):
        cost = ceiling if own[at] > ceiling else own[at]
        fault += cost * np.float32(0)
        of_worse = exp_of_negative(-abs(sideways[at]))
        smaller = exp_of_negative(-abs(ahead[at]))
        is_ahead = ahead[at] >= 0
        # The best of the three moves has weight 1, the others have
        rest = smaller * (_ONE + of_worse) if is_ahead else of_worse + smaller
        own[at] = cost - gamma * log_of_one_plus(rest)
        of_better = (smaller if is_ahead else _ONE) * (unit / (_ONE + rest))
        of_worse *= of_better
        is_up = sideways[at] <= 0
        from_up = np.int32((of_better if is_up else of_worse) + _HALF)
        from_left = np.int32((of_worse if is_up else of_better) + _HALF)
        others = np.int32(np.int32(UNIT) - from_up)  # int32 each time, else numba widens it and halves the lanes
        moves[at] = np.uint32(np.int32(from_up << np.int32(16)) | (from_left if from_left < others else others))
    result: np.float32 = fault
    return result


@_compiled(nogil=True, fastmath=_SAFE)
def _add(here: Doubles, own: Floats) -> None:
    for at in range(len(here)):
        here[at] += np.float64(own[at])


@_compiled(nogil=True)
def _accumulate(
    cost: Floats, n_rows: int, n_columns: int, windows: Integers, gamma: float, warp: float, moves: Moves
) -> float:
    """The value of one item; cost [M, S]. Fills in moves, each cell's probabilities of coming from above and left."""
    # Values of three diagonals, that of row i at i + 1, with blocked cells on either side.
    r = np.full((3, n_rows + 2), BLOCKED)
    own, sideways, ahead = np.empty(n_rows, np.float32), np.empty(n_rows, np.float32), np.empty(n_rows, np.float32)
    rate, small_gamma = 1 / gamma, np.float32(gamma)
    flat, stride = cost.reshape(-1), cost.shape[1] - 1
    r[1, 0] = 0  # the corner before the first cell
    fault = np.float32(0)
    start = 0
    for k in range(n_rows + n_columns - 1):
        first, last = windows[k, 0], windows[k, 1]
        n = last - first + 1
        base = k + first * stride
        for at in range(n):
            own[at] = flat[base + at * stride]
        here, before, two_before = r[k % 3], r[(k + 2) % 3], r[(k + 1) % 3]
        now = here[first + 1 : first + 1 + n]
        up, left, diagonal = before[first : first + n], before[first + 1 : first + 1 + n], two_before[first : first + n]
        _gaps(up, left, diagonal, rate, warp, now, sideways[:n], ahead[:n])
        fault += _soften(own[:n], sideways[:n], ahead[:n], small_gamma, moves[start : start + n])
        _add(now, own[:n])
        here[first], here[last + 2] = BLOCKED, BLOCKED
        start += n
    value = r[(n_rows + n_columns - 2) % 3, n_rows]
    if fault != 0:
        return np.nan
    return value if value < BLOCKED / 2 else np.inf


@_compiled(nogil=True, fastmath=_SAFE)
def _retreat(
    moves: Moves,
    by_diagonal: Floats,
    by_up: Floats,
    by_left: Floats,
    passed: Floats,
    diagonal: Floats,
    up: Floats,
    left: Floats,
) -> None:
    """One anti-diagonal: how much of the paths passes each cell, and by which move it came there."""
    per_unit = np.float32(1 / UNIT)
    for at in range(len(passed)):
        here = by_diagonal[at] + by_up[at] + by_left[at]
        here = here if here > _NEGLIGIBLE else np.float32(0)
        from_up, from_left = np.int32(moves[at] >> np.uint32(16)), np.int32(moves[at] & np.uint32(UNIT))
        share = here * per_unit
        passed[at] = here
        up[at] = share * np.float32(from_up)
        left[at] = share * np.float32(from_left)
        diagonal[at] = share * np.float32(np.int32(UNIT) - from_up - from_left)


@_compiled(nogil=True)
def _trace(moves: Moves, n_rows: int, n_columns: int, windows: Integers, scale: np.float32, gradient: Floats) -> None:
    """The gradient of one item, [M, S]."""
    nothing = np.float32(0)
    # What diagonals hand on by each move, that of row i at i + 1, with zeros on either side of what was computed.
    diagonal = np.zeros((3, n_rows + 3), np.float32)
    up, left = np.zeros((2, n_rows + 3), np.float32), np.zeros((2, n_rows + 3), np.float32)
    passed = np.empty(n_rows, np.float32)
    flat, stride = gradient.reshape(-1), gradient.shape[1] - 1
    last_k = n_rows + n_columns - 2
    # The whole path reaches the last cell, as if by a move from the one after it.
    diagonal[(last_k + 2) % 3, n_rows + 1] = 1
    nowhere = n_rows + n_columns
    after_from, after_to = nowhere, -1  # the rows that paths pass on the diagonal after this one,
    second_from, second_to = n_rows, n_rows  # and on the second after it
    end = len(moves)
    for k in range(last_k, -1, -1):
        first, last = windows[k, 0], windows[k, 1]
        start = end - (last - first + 1)
        low = max(first, min(after_from, second_from) - 1)
        high = min(last, max(after_to, second_to - 1))
        second_from, second_to = after_from, after_to
        after_from, after_to = nowhere, -1
        d, u, v = diagonal[k % 3], up[k % 2], left[k % 2]
        if low <= high:
            n = high - low + 1
            _retreat(
                moves[start + low - first : start + low - first + n],
                diagonal[(k + 2) % 3, low + 2 : low + 2 + n],
                up[(k + 1) % 2, low + 2 : low + 2 + n],
                left[(k + 1) % 2, low + 1 : low + 1 + n],
                passed[:n],
                d[low + 1 : low + 1 + n],
                u[low + 1 : low + 1 + n],
                v[low + 1 : low + 1 + n],
            )
            d[low], u[low], v[low] = nothing, nothing, nothing
            d[high + 2], u[high + 2], v[high + 2] = nothing, nothing, nothing
            base = k + low * stride
            for at in range(n):
                flat[base + at * stride] = passed[at] * scale
            from_at, to_at = 0, n - 1
            while from_at <= to_at and passed[from_at] == 0:
                from_at += 1
            while from_at <= to_at and passed[to_at] == 0:
                to_at -= 1
            if from_at <= to_at:
                after_from, after_to = low + from_at, low + to_at
        else:
            d[:], u[:], v[:] = nothing, nothing, nothing
        end = start
