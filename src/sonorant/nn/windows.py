"""Decoding a long latent a window at a time.

B batch, C channels, T frames, N = T * hop samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, overload

import torch
from torch import Tensor


class Decode(Protocol):
    """Makes [B, 1, N] of a latent, each sample from the frames no farther than a context."""

    def __call__(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None, /) -> Tensor: ...


class DecodeSource(Protocol):
    """The same of a latent and a source of samples, [B, C, N]."""

    def __call__(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None, source: Tensor, /) -> Tensor: ...


@overload
def decode_in_windows(
    decode: Decode,
    z: Tensor,
    speaker: Tensor | None,
    mask: Tensor | None,
    *,
    window: int,
    context_frames: int,
    hop: int,
) -> Tensor: ...


@overload
def decode_in_windows(
    decode: DecodeSource,
    z: Tensor,
    speaker: Tensor | None,
    mask: Tensor | None,
    *,
    source: Tensor,
    window: int,
    context_frames: int,
    hop: int,
) -> Tensor: ...


def decode_in_windows(
    decode: Callable[..., Tensor],
    z: Tensor,
    speaker: Tensor | None,
    mask: Tensor | None,
    *,
    source: Tensor | None = None,
    window: int,
    context_frames: int,
    hop: int,
) -> Tensor:
    """What `decode` gives, computed `window` frames at a time with the context each window looks at.

    Windows end where the latent ends, so its true edges look as they do in the whole.

    z: [B, C, T]; speaker: [B, d_cond, 1]; mask: [B, 1, T]; source: [B, C, N]. Returns [B, 1, N].
    """
    n_frames = z.shape[2]
    pieces = []
    for start in range(0, n_frames, window):
        end = min(start + window, n_frames)
        left, right = max(start - context_frames, 0), min(end + context_frames, n_frames)
        sources = () if source is None else (source[:, :, left * hop : right * hop],)
        piece = decode(z[:, :, left:right], speaker, None if mask is None else mask[:, :, left:right], *sources)
        pieces.append(piece[:, :, (start - left) * hop : (end - left) * hop])
    return torch.cat(pieces, dim=2)
