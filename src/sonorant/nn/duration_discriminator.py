"""A discriminator of durations: whether each token lasts as it would in speech (VITS2, arXiv:2307.16430, 2.1).

B batch, C channels, L tokens.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd
from sonorant.config import config
from sonorant.nn.conv import ChannelNorm, same_padding


@config
class DurationDiscriminatorConfig:
    d_filter: int = 192
    kernel: int = 3

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_filter")
        check_odd(self, "kernel")


class DurationDiscriminator(nn.Module):
    """Looks at durations beside the text they are for, and gives every token a score of its own.

    It detaches the text and the speaker: they are given, and what is judged is the durations alone.
    """

    def __init__(self, cfg: DurationDiscriminatorConfig, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        d = cfg.d_filter
        self.condition = nn.Conv1d(d_cond, d_hidden, 1) if d_cond else None
        self.text_1 = _Layer(d_hidden, d, cfg.kernel)
        self.text_2 = _Layer(d, d, cfg.kernel)
        self.duration = nn.Conv1d(1, d, 1)
        self.joint_1 = _Layer(2 * d, d, cfg.kernel)
        self.joint_2 = _Layer(d, d, cfg.kernel)
        self.output = nn.Conv1d(d, 1, 1)

    def forward(self, hidden: Tensor, mask: Tensor, log_duration: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Scores: raw, to be near 1 for real durations and near 0 for generated ones; 0 at padding.

        hidden: [B, C, L]; mask, log_duration: [B, 1, L]; speaker: [B, d_cond, 1]. Returns [B, 1, L].
        """
        text = hidden.detach()
        if self.condition is not None:
            assert speaker is not None, "conditioned on a speaker, but none was given"
            text = text + self.condition(speaker.detach())
        text = self.text_2(self.text_1(text, mask), mask)
        both = torch.cat([text, self.duration(log_duration)], dim=1)
        scores: Tensor = self.output(self.joint_2(self.joint_1(both, mask), mask)) * mask
        return scores


class _Layer(nn.Module):
    def __init__(self, d_in: int, d_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(d_in, d_out, kernel, padding=same_padding(kernel))
        self.norm = ChannelNorm(d_out)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, d_in, L]; mask: [B, 1, L]. Returns [B, d_out, L]."""
        y: Tensor = self.norm(F.relu(self.conv(x * mask)))
        return y
