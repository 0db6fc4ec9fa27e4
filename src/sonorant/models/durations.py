"""From what a duration predictor says to whole frames, for every system that expands tokens over frames.

B batch, L tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sonorant.errors import VoiceError

MAX_FRAMES_PER_TOKEN = 300
"""More than this on average, some 3.5 s, is no speech; it would only fill the memory."""


def whole_frames(
    log_duration: Tensor, token_mask: Tensor, token_lengths: Tensor, *, length_scale: float = 1.0
) -> Tensor:
    """How many frames each token gets: rounded up, an item at least one.

    log_duration, token_mask: [B, 1, L]; token_lengths: int64 [B]; length_scale: above 1 is slower.
    Returns int64 [B, L]. Raises VoiceError when that would be endless speech, as broken weights ask for.
    """
    frames = torch.ceil(torch.exp(log_duration) * token_mask * length_scale).squeeze(1)
    _refuse_endless(frames, token_lengths)
    durations = frames.long()
    durations[:, 0] += durations.sum(dim=1) == 0
    return durations


def real_frames(
    log_duration: Tensor, token_mask: Tensor, token_lengths: Tensor, *, length_scale: float | Tensor = 1.0
) -> Tensor:
    """The same without rounding, for systems whose tokens may share a frame: float32 [B, L]; an item may have none.

    length_scale: one for all, or [B, 1, L].
    """
    frames = (torch.exp(log_duration.float()) * token_mask * length_scale).squeeze(1)
    _refuse_endless(frames, token_lengths)
    return frames


def rounded_ends(durations: Tensor, floor: Tensor | None = None) -> Tensor:
    """Real-valued durations as whole frames whose sums are off by less than half a frame, but at least one an item.

    durations: [B, L]. Each token ends at the frame nearest to its end, so it may have none, unless floor, [B, L],
    says how many it has at least: those after it then give what they have to spare; where they have too little, the
    item is longer.
    Returns int64 [B, L].
    """
    ends = durations.double().cumsum(dim=1).round().long()
    if floor is not None:
        least = floor.long().cumsum(dim=1)
        ends = (ends - least).clamp(min=0).cummax(dim=1).values + least
    frames = torch.diff(ends, dim=1, prepend=torch.zeros_like(ends[:, :1]))
    frames[:, 0] += frames.sum(dim=1) == 0
    return frames


def _refuse_endless(frames: Tensor, token_lengths: Tensor) -> None:
    if not bool((frames.sum(dim=1) <= MAX_FRAMES_PER_TOKEN * token_lengths).all()):  # NaN is not, either
        raise VoiceError(
            f"the voice asks for {float(frames.detach().sum()):.3g} frames to say "
            f"{int(token_lengths.sum())} tokens: its weights are broken, or what was asked for "
            "(length_scale, prosody) is too slow"
        )
