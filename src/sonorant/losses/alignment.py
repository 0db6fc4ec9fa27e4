"""What teaches an alignment, with no one to say which frame is whose (Badlani et al. 2021, arXiv:2108.10447).

B batch, L tokens, T frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sonorant.nn.latent import token_of_frame

_IMPOSSIBLE = -1e30


def forward_sum(log_attention: Tensor, token_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
    """Minus the logarithm of all monotonic alignments' probabilities together (eq. 4).

    An alignment begins with the first token and frame and ends with the last of both; at each frame it stays or moves
    to the next token. That is what connectionist temporal classification sums up if no frame is blank; public code
    lends it a blank of a constant score, which this does without.
    log_attention: [B, L, T], from an `Aligner`; lengths: int64 [B], no item with fewer frames than tokens.
    Returns float32 [B]: divide the sum by the number of frames.
    """
    with torch.autocast(log_attention.device.type, enabled=False):
        summed: Tensor = _ForwardSum.apply(log_attention.float(), token_lengths, frame_lengths)  # type: ignore[no-untyped-call]
        return summed


def binarization(log_attention: Tensor, durations: Tensor, frame_mask: Tensor) -> Tensor:
    """How far the attention is from the hard path found in it: the divergence of path from attention (2.3).

    log_attention: [B, L, T]; durations: int64 [B, L], the path; frame_mask: [B, 1, T].
    Returns float32 [B], summed over real frames.
    """
    own = log_attention.float().gather(1, token_of_frame(durations, log_attention.shape[2]).unsqueeze(1))
    return -(own * frame_mask).sum(dim=(1, 2))


class _ForwardSum(torch.autograd.Function):
    """Both passes over the frames, each all tokens of all items at once; the gradient is the paths' share of a cell."""

    @staticmethod
    def forward(ctx: Any, log_attention: Tensor, token_lengths: Tensor, frame_lengths: Tensor) -> Tensor:
        score = log_attention.permute(2, 0, 1).contiguous()  # [T, B, L]
        n_frames, n_items, n_tokens = score.shape
        item = torch.arange(n_items, device=score.device)
        token = torch.arange(n_tokens, device=score.device)
        score = torch.where(token < token_lengths[:, None], score, _IMPOSSIBLE)

        reached = torch.full_like(score, _IMPOSSIBLE)
        reached[0, :, 0] = score[0, :, 0]
        for t in range(1, n_frames):
            reached[t] = torch.logaddexp(reached[t - 1], _moved(reached[t - 1])) + score[t]
        total = reached[frame_lengths - 1, item, token_lengths - 1]

        # What is still to come after a cell, without the cell itself.
        coming = torch.full_like(score, _IMPOSSIBLE)
        is_end = token == token_lengths[:, None] - 1
        ends_at = frame_lengths[:, None] - 1
        for t in range(n_frames - 1, -1, -1):
            if t + 1 < n_frames:
                ahead = coming[t + 1] + score[t + 1]
                coming[t] = torch.logaddexp(ahead, _moved_back(ahead))
            coming[t] = torch.where((ends_at == t) & is_end, 0.0, coming[t])
        is_real = (torch.arange(n_frames, device=score.device)[:, None] < frame_lengths)[:, :, None]
        share = torch.where(is_real, torch.exp(reached + coming - total[:, None]), 0.0)
        ctx.save_for_backward(share.permute(1, 2, 0))
        return -total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (share,) = ctx.saved_tensors
        return -gradients[0][:, None, None] * share, None, None


def _moved(x: Tensor) -> Tensor:
    """[B, L], each token's value at the next one."""
    return torch.nn.functional.pad(x[:, :-1], (1, 0), value=_IMPOSSIBLE)


def _moved_back(x: Tensor) -> Tensor:
    return torch.nn.functional.pad(x[:, 1:], (0, 1), value=_IMPOSSIBLE)
