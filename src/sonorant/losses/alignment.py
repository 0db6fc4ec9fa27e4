"""What teaches an alignment, with no one to say which frame is whose (Badlani et al. 2021, arXiv:2108.10447).

B batch, L tokens, T frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sonorant.nn.latent import token_of_frame

_IMPOSSIBLE = -1e30


BLANK_SCORE = -1.0
"""Of no token, beside the logarithms of the tokens' probabilities; that of public code."""


def forward_sum(
    log_attention: Tensor, *, token_lengths: Tensor, frame_lengths: Tensor, blank_score: float = BLANK_SCORE
) -> Tensor:
    """Minus the logarithm of all monotonic alignments' probabilities together (eq. 4), as connectionist temporal
    classification sums them up: all tokens in order, each for a frame or more, and between them frames of no token.

    Frames of no token, at a constant score, are what lets an alignment form: while nothing is known they hold most
    frames, where otherwise one token in ten learns to (docs/training.md has figures).
    log_attention: [B, L, T], from an `Aligner`; lengths: int64 [B], no item with fewer frames than tokens.
    blank_score: minus infinity leaves such frames out. Returns float32 [B]: divide the sum by the number of frames.
    """
    n_tokens = log_attention.shape[1]
    with torch.autocast(log_attention.device.type, enabled=False):
        token = torch.arange(n_tokens + 1, device=log_attention.device)
        scores = F.pad(log_attention.float(), (0, 0, 1, 0), value=max(blank_score, _IMPOSSIBLE))
        scores = scores.masked_fill((token > token_lengths[:, None]).unsqueeze(2), _IMPOSSIBLE)
        columns = scores.log_softmax(dim=1).permute(2, 0, 1)  # [T, B, 1 + L]
        targets = token[1:].expand(len(token_lengths), -1)
        return F.ctc_loss(columns, targets, frame_lengths, token_lengths, reduction="none")


def binarization(log_attention: Tensor, durations: Tensor, frame_mask: Tensor) -> Tensor:
    """How far the attention is from the hard path found in it: the divergence of path from attention (2.3).

    log_attention: [B, L, T]; durations: int64 [B, L], the path; frame_mask: [B, 1, T].
    Returns float32 [B], summed over real frames.
    """
    own = log_attention.float().gather(1, token_of_frame(durations, log_attention.shape[2]).unsqueeze(1))
    return -(own * frame_mask).sum(dim=(1, 2))
