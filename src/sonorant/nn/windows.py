"""Decoding a long latent a window at a time.

B batch, C channels, T frames, N = T * hop samples.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Decode(Protocol):
    """Makes [B, 1, N] of a latent, each sample from the frames no farther than a context."""

    def __call__(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None, /) -> Tensor: ...


def decode_in_windows(
    decode: Decode,
    z: Tensor,
    speaker: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    window: int,
    context_frames: int,
    hop: int,
) -> Tensor:
    """What `decode` gives, computed `window` frames at a time with the context each window looks at.

    Windows end where the latent ends, so its true edges look as they do in the whole.

    z: [B, C, T]; speaker: [B, d_cond, 1]; mask: [B, 1, T]. Returns [B, 1, N].
    """
    n_frames = z.shape[2]
    pieces = []
    for start in range(0, n_frames, window):
        end = min(start + window, n_frames)
        left, right = max(start - context_frames, 0), min(end + context_frames, n_frames)
        piece = decode(z[:, :, left:right], speaker, None if mask is None else mask[:, :, left:right])
        pieces.append(piece[:, :, (start - left) * hop : (end - left) * hop])
    return torch.cat(pieces, dim=2)
