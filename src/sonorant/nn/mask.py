"""Masks: which positions of a padded batch are real.

B batch, T positions (tokens or frames).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
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


GRANULE = 32


def pad_to_granule(x: Tensor) -> Tensor:
    """The tensor with zeros appended until its last dimension is a multiple of 32.

    For speaking, where every sentence has another length: a CPU's convolutions prepare anew, and keep memory, for each
    length they have not seen, and so they see few.
    """
    return F.pad(x, (0, -x.shape[-1] % GRANULE))
