"""The search of `sonorant.nn.alignment` on a CPU, compiled by numba.

Importing this module needs numba; importing that one does not.

L tokens, T frames. Q[t, l] = value[l, t] + max(Q[t-1, l], Q[t-1, l-1]) needs its frames in order, while the tokens of a
frame can be had at once; but in memory it is frames that lie side by side. So the tokens are taken in strips of 16, and
a strip's frames in steps of 8: these 16 x 8 numbers are read, transposed and used without leaving the registers. Memory
is read in order, and of each cell one bit is kept: whether its path came from the token before. A strip hands to the
next one the Q of its last token.

Only the band is computed that a path can pass, rounded to strips and steps: a token is reached no earlier than the
frame of its own number, and left in time for each token after it to have a frame.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import prange, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Decisions = NDArray[np.uint8]
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., None])

LANES = 8  # float32 numbers in a vector; where registers are shorter LLVM makes several of it
VECTORS = 2  # of a strip; its token i * VECTORS + k is lane i of vector k, so that only one vector has to shift lanes
STRIP = LANES * VECTORS  # tokens
STEP = LANES  # frames

_MINUS_INFINITY = np.float32(-np.inf)
_one_at_a_time = threading.Lock()


def search(
    value: Floats,
    mask: Floats,
    lengths: Integers,
    durations: Integers,
    path: Floats,
    *,
    ceiling: float,
    n_threads: int,
) -> None:
    """Fill in each item's lengths, the durations of its best path, and the path itself if there is room for it.

    value, mask: [B, L, T], contiguous, none of them 0; lengths: [B, 2], tokens and frames; durations: [B, L], zeros;
    path: [B, L, T], or of size 0. An item with fewer frames than tokens is left at its lengths. NaN counts as minus
    infinity, what is above the ceiling as the ceiling.
    """
    arrays = (np.zeros(1, np.int64), value, mask, np.float32(ceiling), lengths, durations, path)
    n_threads = min(n_threads, len(value))
    if n_threads <= 1:
        _search_items(*arrays)
        return
    with _one_at_a_time:  # where there is no OpenMP numba's own pool of threads aborts at a second caller
        allowed = numba.get_num_threads()
        n_threads = min(n_threads, allowed)
        numba.set_num_threads(n_threads)
        try:
            _search_in_parallel(n_threads, *arrays)
        finally:
            numba.set_num_threads(allowed)


def _compiled(**options: Any) -> Callable[[AnyFunction], AnyFunction]:
    """Compile at the first call, and keep the machine code for other processes if there is a folder for it."""

    def compile_later(function: AnyFunction) -> AnyFunction:
        try:
            compiled: AnyFunction = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # neither __pycache__ nor the user's cache can be written to
            compiled = numba.njit(**options)(function)
        return compiled

    return compile_later


def _advance_strip(
    _context: Any,
    value: Any,
    first: Any,
    stride: Any,
    ceiling: Any,
    state: Any,
    left: Any,
    right: Any,
    decisions: Any,
    frame: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Take one strip over the eight frames from `frame` on: its types, and what writes its code.

    value: float32, flat; that of the strip's token l at the step's frame t is at first + l * stride + t.
    state: float32 [STRIP], Q at the frame before, vector after vector; replaced.
    left: float32 [T + 1], left[t] is Q of the token before the strip at frame t - 1.
    right: float32 [T + 1], the same of the strip's last token; written.
    decisions: uint8 [T * VECTORS], a bit for each lane, 1 where the path came from the token before; written.
    """
    signature = types.void(value, first, stride, ceiling, state, left, right, decisions, frame)
    return signature, _write_advance_strip


def _write_advance_strip(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    _, first, stride, ceiling, _, _, _, _, frame = arguments
    value, state, left, right, decisions = (
        context.make_array(kind)(context, builder, argument).data
        for kind, argument in zip(signature.args, arguments, strict=True)
        if isinstance(kind, types.Array)
    )
    vector = ir.VectorType(ir.FloatType(), LANES)
    minus_infinity = ir.Constant(vector, [float("-inf")] * LANES)
    ceilings = ir.Constant(vector, ir.Undefined)
    for lane in range(LANES):
        ceilings = builder.insert_element(ceilings, ceiling, _lane(lane))

    def at(array: Any, offset: Any, constant: int) -> Any:
        return builder.gep(array, [builder.add(offset, ir.Constant(frame.type, constant))])

    def vector_at(pointer: Any) -> Any:
        return builder.bitcast(pointer, vector.as_pointer())

    scores = []  # [VECTORS][STEP], each a vector over tokens
    for k in range(VECTORS):
        rows = []
        for i in range(LANES):
            token = builder.mul(stride, ir.Constant(frame.type, i * VECTORS + k))
            rows.append(builder.load(vector_at(at(value, builder.add(first, token), 0)), align=4))
        scores.append(_transposed(builder, rows))
    pointers = [vector_at(at(state, ir.Constant(frame.type, 0), k * LANES)) for k in range(VECTORS)]
    q = [builder.load(pointer, align=4) for pointer in pointers]
    for t in range(STEP):
        of_left = builder.insert_element(minus_infinity, builder.load(at(left, frame, t)), _lane(LANES - 1))
        moved = _pick(builder, of_left, q[-1], [7, 8, 9, 10, 11, 12, 13, 14])
        for k in range(VECTORS):
            x, stayed = scores[k][t], q[k]
            x = builder.select(builder.fcmp_ordered(">", x, minus_infinity), x, minus_infinity)  # NaN is not greater
            x = builder.select(builder.fcmp_ordered("<", x, ceilings), x, ceilings)
            moves = builder.fcmp_ordered(">", moved, stayed)
            q[k] = builder.fadd(x, builder.select(moves, moved, stayed))
            moved = stayed
            byte = at(decisions, builder.mul(frame, ir.Constant(frame.type, VECTORS)), t * VECTORS + k)
            builder.store(builder.bitcast(moves, ir.IntType(LANES)), byte)
        builder.store(builder.extract_element(q[-1], _lane(LANES - 1)), at(right, frame, t + 1))
    for k in range(VECTORS):
        builder.store(q[k], pointers[k], align=4)
    return context.get_dummy_value()


def _lane(index: int) -> Any:
    return ir.Constant(ir.IntType(32), index)


def _pick(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    """A vector of lanes of a, numbered 0 to 7, and of b, numbered 8 to 15."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes))


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """The columns of eight vectors: by ones, then by twos, then by fours, each a single instruction in AVX."""
    ones = ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15])
    twos = ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15])
    fours = ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15])
    pairs = [_pick(builder, rows[i], rows[i + 1], lanes) for i in (0, 2, 4, 6) for lanes in ones]
    quads = [_pick(builder, pairs[i], pairs[i + 2], lanes) for i in (0, 1, 4, 5) for lanes in twos]
    return [_pick(builder, quads[i], quads[i + 4], lanes) for lanes in fours for i in range(4)]


def _store_zeros(_context: Any, array: Any, offset: Any) -> tuple[Any, Callable[..., Any]]:
    """Zero a vector of a flat float32 array, past the caches; it has to be at a multiple of its own size."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        vector = ir.VectorType(ir.FloatType(), LANES)
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), vector.as_pointer())
        store = builder.store(ir.Constant(vector, [0.0] * LANES), pointer, align=4 * LANES)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(array, offset), write


def _wait_for_stores(_context: Any) -> tuple[Any, Callable[..., Any]]:
    """Let no other thread see what comes after before what was stored past the caches."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), write


def _take_item(_context: Any, queue: Any) -> tuple[Any, Callable[..., Any]]:
    """The number that stands in the queue, which becomes one more; no two threads get the same."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(queue), write


_advance: Callable[..., None] = intrinsic(_advance_strip)
_take: Callable[..., int] = intrinsic(_take_item)
_zeros: Callable[..., None] = intrinsic(_store_zeros)
_wait: Callable[..., None] = intrinsic(_wait_for_stores)


@_compiled(nogil=True)
def _clear(flat: Floats, start: int, end: int) -> None:
    """Zeros in flat[start:end]. Nobody reads a path before it is finished, and most are larger than the caches."""
    while start < end and (flat.ctypes.data // 4 + start) % LANES != 0:
        flat[start] = 0
        start += 1
    while start + LANES <= end:
        _zeros(flat, start)
        start += LANES
    flat[start:end] = 0
    _wait()


@_compiled(nogil=True)
def _search_items(
    queue: Integers,
    value: Floats,
    mask: Floats,
    ceiling: np.float32,
    lengths: Integers,
    durations: Integers,
    path: Floats,
) -> None:
    """`search`, for items taken one by one from a queue that other threads may take from."""
    n_items, n_rows, n_columns = value.shape
    flat = value.reshape(-1)
    n_padded = (n_columns + STEP - 1) // STEP * STEP
    decisions = np.empty(((n_rows + STRIP - 1) // STRIP, n_padded * VECTORS), np.uint8)
    borders = np.empty((2, n_padded + 1), np.float32)  # of the strip before and of this one, in turns
    state = np.empty(STRIP, np.float32)
    edge = np.zeros(STRIP * STEP, np.float32)  # a copy of a step that reaches past the last row or column
    while True:
        item = _take(queue)
        if item >= n_items:
            return
        n_tokens = n_frames = 0
        for row in range(n_rows):
            n_tokens += mask[item, row, 0] != 0
        for column in range(n_columns):
            n_frames += mask[item, 0, column] != 0
        lengths[item, 0], lengths[item, 1] = n_tokens, n_frames
        if n_frames < n_tokens:
            continue

        borders[0] = _MINUS_INFINITY
        borders[0, 0] = 0
        for strip in range((n_tokens + STRIP - 1) // STRIP):
            token = strip * STRIP
            start = (item * n_rows + token) * n_columns
            left, right = borders[strip % 2], borders[1 - strip % 2]
            state[:] = _MINUS_INFINITY
            for frame in range(token, min(n_frames, token + STRIP + n_frames - n_tokens), STEP):
                if token + STRIP <= n_rows and frame + STEP <= n_columns:
                    _advance(flat, start + frame, n_columns, ceiling, state, left, right, decisions[strip], frame)
                    continue
                for i in range(min(STRIP, n_rows - token)):
                    for t in range(min(STEP, n_columns - frame)):
                        edge[i * STEP + t] = flat[start + i * n_columns + frame + t]
                _advance(edge, 0, STEP, ceiling, state, left, right, decisions[strip], frame)

        if path.size:
            _clear(path.reshape(-1), item * n_rows * n_columns, (item + 1) * n_rows * n_columns)
        token, end = n_tokens - 1, n_frames
        for frame in range(n_frames - 1, -1, -1):
            in_strip = token % STRIP
            byte = decisions[token // STRIP, frame * VECTORS + in_strip % VECTORS]
            # At the frame of its own number a token must be left; of the others the bit knows, 0 for the first token.
            if token == frame or (byte >> (in_strip // VECTORS)) & 1:
                durations[item, token] = end - frame
                if path.size:
                    path[item, token, frame:end] = 1
                end = frame
                token -= 1


@_compiled(nogil=True, parallel=True)
def _search_in_parallel(
    n_threads: int,
    queue: Integers,
    value: Floats,
    mask: Floats,
    ceiling: np.float32,
    lengths: Integers,
    durations: Integers,
    path: Floats,
) -> None:
    for _ in prange(n_threads):
        _search_items(queue, value, mask, ceiling, lengths, durations, path)
