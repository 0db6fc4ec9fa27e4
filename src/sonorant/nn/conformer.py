"""The Conformer block: attention for what is far, convolution for what is near (Gulati et al. 2020, arXiv:2005.08100).

Attention knows all distances, through sinusoids (Dai et al. 2019, arXiv:1901.02860, section 3.3). Layers are
normalised by channels where the paper normalises its convolution over the batch: padding and neighbours in a batch then
change nothing.

B batch, C channels, T positions, H heads, D width of a head.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.attention import MASKED_SCORE, Attention, place_by_distance
from sonorant.nn.conv import ChannelNorm, same_padding


@config
class ConformerConfig:
    kind: Literal["conformer"] = "conformer"
    n_layers: int = 4
    n_heads: int = 2
    expansion: int = 4
    """Width inside a feed-forward half, in shares of the layer's."""
    kernel: int = 31
    dropout: float = 0.1
    speaker_layer: int | None = 0
    """The layer before which the speaker is added, counted from 0; None for an encoder that knows no speakers."""

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_layers", "n_heads", "expansion")
        check_odd(self, "kernel")
        check_share(self, "dropout")
        if self.speaker_layer is not None and not 0 <= self.speaker_layer < self.n_layers:
            raise ValueError(f"speaker_layer is {self.speaker_layer}, but there are {self.n_layers} layers, from 0 on")


class ConformerLayer(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward, each added to its input (figure 1)."""

    def __init__(self, cfg: ConformerConfig, d: int) -> None:
        super().__init__()
        self.feed_forward_1 = _FeedForward(d, cfg.expansion, cfg.dropout)
        self.attention_norm = ChannelNorm(d)
        self.attention = DistanceAttention(d, cfg.n_heads, cfg.dropout)
        self.convolution = _Convolution(d, cfg.kernel, cfg.dropout)
        self.feed_forward_2 = _FeedForward(d, cfg.expansion, cfg.dropout)
        self.norm = ChannelNorm(d)
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, x: Tensor, mask: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; pairs: [B, T, T]. Returns [B, C, T]."""
        x = x + 0.5 * self.feed_forward_1(x)
        x = x + self.dropout(self.attention(self.attention_norm(x), pairs))
        x = x + self.convolution(x, mask)
        x = x + 0.5 * self.feed_forward_2(x)
        y: Tensor = self.norm(x) * mask
        return y


class DistanceAttention(Attention):
    """Multi-head self-attention that hears what is said as well as how far away it is, near or far.

    A score is the sum of what a query makes of a key and of the key's distance, each with a preference of its own
    (Dai et al. 2019, section 3.3), over the root of a head's width.
    """

    def __init__(self, d: int, n_heads: int, dropout: float) -> None:
        super().__init__(d, n_heads, dropout)
        self.distance = nn.Linear(d, d, bias=False)
        self.content_preference = nn.Parameter(torch.zeros(n_heads, 1, d // n_heads))
        self.distance_preference = nn.Parameter(torch.zeros(n_heads, 1, d // n_heads))

    def forward(self, x: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, T]; pairs: [B, T, T], 1 where the row's position may see the column's. Returns [B, C, T]."""
        query, key, value = self._projected(x)
        d, n = x.shape[1], x.shape[2]
        far = self.distance(sinusoids(n, d, device=x.device).to(x.dtype))
        far = far.view(2 * n - 1, self.n_heads, -1).permute(1, 2, 0)  # [H, D, 2T-1]
        of_content = (query + self.content_preference) @ key.transpose(2, 3)
        of_distance = place_by_distance((query + self.distance_preference) @ far)
        scores = (of_content + of_distance) / math.sqrt(d // self.n_heads)
        weights = self.dropout(scores.masked_fill(pairs.unsqueeze(1) == 0, MASKED_SCORE).softmax(dim=3))
        return self._joined(weights @ value)


def sinusoids(n: int, d: int, *, device: torch.device) -> Tensor:
    """Sines and cosines of the distances -(n - 1) to n - 1: [2n - 1, d], in float32."""
    distance = torch.arange(1 - n, n, device=device, dtype=torch.float32)
    rate = torch.exp(torch.arange(0, d, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / d))
    angle = distance[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)[:, :d]


class _FeedForward(nn.Module):
    def __init__(self, d: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.norm = ChannelNorm(d)
        self.expand = nn.Conv1d(d, d * expansion, 1)
        self.reduce = nn.Conv1d(d * expansion, d, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        y: Tensor = self.dropout(self.reduce(self.dropout(F.silu(self.expand(self.norm(x))))))
        return y


class _Convolution(nn.Module):
    def __init__(self, d: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = ChannelNorm(d)
        self.gate = nn.Conv1d(d, 2 * d, 1)
        self.depthwise = nn.Conv1d(d, d, kernel, groups=d, padding=same_padding(kernel))
        self.depthwise_norm = ChannelNorm(d)
        self.output = nn.Conv1d(d, d, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]. Returns [B, C, T]."""
        x = F.glu(self.gate(self.norm(x)), dim=1) * mask
        y: Tensor = self.dropout(self.output(F.silu(self.depthwise_norm(self.depthwise(x)))))
        return y
