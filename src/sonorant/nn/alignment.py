"""Monotonic alignment search: which frames are whose, found as the most likely path through tokens and frames.

Kim, Kim, Kong and Yoon 2020 (Glow-TTS), arXiv:2005.11129, section 3.2 and algorithm 1; used by VITS, section 2.2.1.
The path starts at the first token and frame, ends at the last of both, and at each frame stays or moves to the next
token: Q[t, l] = value[l, t] + max(Q[t-1, l], Q[t-1, l-1]). Of equals it stays. All implementations add the same float32
numbers in the same order, so their durations are equal to the last frame, ties included.

B batch, L tokens, T frames.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonorant.errors import MissingExtraError, ParameterError
from sonorant.nn.latent import token_of_frame

_CEILING = 1e30
"""What is above it counts as it: so sums stay finite or minus infinity, and never become NaN."""


def monotonic_alignment(value: Tensor, mask: Tensor) -> Tensor:
    """Durations, in frames, of each item's most likely path.

    value: float32 [B, L, T], how well each token explains each frame; what is NaN counts as minus infinity.
    mask: [B, L, T], 1 in the first tokens and frames of each item and else 0, as `pair_mask` gives it; what value holds
    where it is 0 does not matter.
    Returns int64 [B, L]: at least 1 for each token, their sums the items' frames; 0 for padding.
    Raises ParameterError for an item with fewer frames than tokens.

    On a CPU it needs numba (MissingExtraError without it) and uses no more threads than torch does in this process. On
    other devices it is `monotonic_alignment_torch`.
    """
    if value.device.type != "cpu":
        return monotonic_alignment_torch(value, mask)
    return _search(value, mask, np.empty((0, 0, 0), np.float32))


def noisy_alignment(value: Tensor, mask: Tensor, *, noise: Tensor, scale: float) -> Tensor:
    """`monotonic_alignment` of values that noise has moved, so that training also tries other paths (VITS2, 2.2).

    noise: [B, L, T], standard normal; it is multiplied by scale and by the standard deviation of the item's own real
    values, padding left out. With scale 0 it is `monotonic_alignment`.
    """
    if scale == 0:
        return monotonic_alignment(value, mask)
    n = mask.sum(dim=(1, 2), keepdim=True)
    real = torch.where(mask > 0, value, 0.0)
    mean = real.sum(dim=(1, 2), keepdim=True) / n
    deviation = torch.sqrt(((real - mean) ** 2 * mask).sum(dim=(1, 2), keepdim=True) / n)
    return monotonic_alignment(real + scale * deviation * noise, mask)


def monotonic_path(value: Tensor, mask: Tensor) -> Tensor:
    """The path itself, as a float32 matrix [B, L, T] with 1 where a frame belongs to a token.

    Takes what `monotonic_alignment` takes. Where durations will do, they are hundreds of times smaller.
    """
    if value.device.type != "cpu":
        return path_of(monotonic_alignment(value, mask), value.shape[2])
    # From numpy, for it has large arrays in huge pages: hundreds of page faults rather than tens of thousands.
    path = np.empty(value.shape, np.float32)
    _search(value, mask, path)
    return torch.from_numpy(path)


def monotonic_alignment_torch(value: Tensor, mask: Tensor) -> Tensor:
    """The same as `monotonic_alignment`, without numba and on any device: three operations a frame."""
    assert value.shape == mask.shape, f"value {tuple(value.shape)} and mask {tuple(mask.shape)} differ"
    n_tokens = mask[:, :, :1].sum(dim=(1, 2), dtype=torch.int64)
    n_frames = mask[:, :1].sum(dim=(1, 2), dtype=torch.int64)
    _refuse_short(torch.stack((n_tokens, n_frames), dim=1).tolist())
    n_items, n_rows, n_columns = value.shape
    device, minus_infinity = value.device, float("-inf")
    item = torch.arange(n_items, device=device)[:, None]
    token = torch.arange(n_rows, device=device)
    frame = torch.arange(n_columns, device=device)[:, None, None]

    # Q [T + 1, B, L + 1], with a row before the first frame and a column before the first token.
    q = value.new_full((n_columns + 1, n_items, n_rows + 1), minus_infinity, dtype=torch.float32)
    q[0, :, 0] = 0
    scores = value.detach().permute(2, 0, 1).float()
    q[1:, :, 1:] = scores.nan_to_num(minus_infinity, _CEILING, minus_infinity).clamp_(max=_CEILING)
    stayed, moved = q[:, :, 1:].unbind(), q[:, :, :-1].unbind()
    for t in range(n_columns):
        stayed[t + 1].add_(torch.maximum(stayed[t], moved[t]))

    # From each cell, numbered item * L + token, to the one its path came from; past an item's last frame nothing moves.
    moves = ((q[:-1, :, :-1] > q[:-1, :, 1:]) | (token == frame)) & (frame < n_frames[:, None])
    cell = (item * n_rows + token).int()
    came_from = (cell - moves.int()).flatten(1).unbind()
    cells = torch.empty(n_columns, n_items, dtype=torch.int32, device=device)
    cells[-1:] = item.T * n_rows + (n_tokens - 1).clamp(min=0)
    at = cells.unbind()
    for t in range(n_columns - 1, 0, -1):
        torch.index_select(came_from[t], 0, at[t], out=at[t - 1])
    is_real = (frame[:, :, 0] < n_frames).long()
    durations = n_tokens.new_zeros(n_items * n_rows)
    return durations.scatter_add_(0, cells.flatten().long(), is_real.flatten()).view(n_items, n_rows)


def path_of(durations: Tensor, n_frames: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Durations as a matrix with 1 where a frame belongs to a token.

    durations: int64 [B, L]. Returns [B, L, n_frames]; frames past an item's total belong to no token.
    """
    index = token_of_frame(durations, n_frames)
    is_real = torch.arange(n_frames, device=durations.device) < durations.sum(dim=1, keepdim=True)
    path = torch.zeros(*durations.shape, n_frames, dtype=dtype, device=durations.device)
    return path.scatter_(1, index.unsqueeze(1), is_real.unsqueeze(1).to(dtype))


def _search(value: Tensor, mask: Tensor, path: NDArray[np.float32]) -> Tensor:
    """The durations, by the compiled search; it fills in the path as well, unless that is of size 0.

    A torch operation takes longer here than the search of an item, hence all in one go.
    """
    assert value.shape == mask.shape, f"value {tuple(value.shape)} and mask {tuple(mask.shape)} differ"
    lengths, durations = np.zeros((len(value), 2), np.int64), np.zeros(value.shape[:2], np.int64)
    if value.numel():
        scores, is_real = (x.detach().to(torch.float32).contiguous().numpy() for x in (value, mask))
        n_threads = torch.get_num_threads()
        _kernel().search(scores, is_real, lengths, durations, path, ceiling=_CEILING, n_threads=n_threads)
    _refuse_short(lengths.tolist())
    return torch.from_numpy(durations)


def _refuse_short(lengths: list[list[int]]) -> None:
    """lengths: tokens and frames of each item."""
    for item, (tokens, frames) in enumerate(lengths):
        if frames < tokens:
            raise ParameterError(
                f"item {item} of the batch has {frames} frames for {tokens} tokens, and each token needs one: "
                f"leave out items that are too short for their text"
            )


def _kernel() -> ModuleType:
    try:
        from sonorant.nn import _alignment_kernel
    except ModuleNotFoundError:
        raise MissingExtraError("alignment search on a CPU", package="numba", extra="train") from None
    return _alignment_kernel
