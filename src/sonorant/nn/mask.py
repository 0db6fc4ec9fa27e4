"""Masks: which positions of a padded batch are real.

B batch, T positions (tokens or frames).
"""

from __future__ import annotations

import torch
from torch import Tensor


def length_mask(lengths: Tensor, n: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """A mask that is 1 at real positions and 0 at padding.

    lengths: int64 [B]; n: positions in the padded batch. Returns [B, 1, n].
    """
    positions = torch.arange(n, device=lengths.device)
    return (positions[None, :] < lengths[:, None]).unsqueeze(1).to(dtype)


def pair_mask(rows: Tensor, columns: Tensor) -> Tensor:
    """A mask over pairs of positions, both of them real.

    rows: [B, 1, R]; columns: [B, 1, C]. Returns [B, R, C].
    """
    return rows.transpose(1, 2) * columns
