"""The post-norm transformer block of the text encoder (VITS, 2.5.1) and of VITS2's flow (VITS2, 2.2).

B batch, C channels, T positions (tokens or frames).
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_share
from sonorant.config import config
from sonorant.nn.attention import self_attention
from sonorant.nn.conv import ChannelNorm
from sonorant.nn.mask import pair_mask


@config
class TransformerConfig:
    n_layers: int
    n_heads: int
    kernel: int
    d_filter: int | None = None
    """Width between the two convolutions of a layer; None: that of the layer."""
    window: int | None = None
    """How far the attention knows distances; None: it knows none."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_layers", "n_heads", "kernel", "d_filter")
        check_at_least(0, self, "window")
        check_share(self, "dropout")


class Transformer(nn.Module):
    """Layers one after another."""

    def __init__(self, cfg: TransformerConfig, d: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(transformer_layer(cfg, d) for _ in range(cfg.n_layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]. Returns [B, C, T], 0 at padding."""
        x = x * mask
        pairs = pair_mask(mask, mask)
        for layer in self.layers:
            x = layer(x, mask, pairs)
        return x * mask


class TransformerLayer(nn.Module):
    """Self-attention, then two convolutions; each is added to its input, and the sum normalised."""

    def __init__(self, d: int, *, n_heads: int, d_filter: int, kernel: int, window: int | None, dropout: float) -> None:
        """window: positions within it know their distance; None: the attention knows no positions."""
        super().__init__()
        self.attention = self_attention(d, n_heads, window, dropout)
        self.attention_norm = ChannelNorm(d)
        self.feed_forward = FeedForward(d, d_filter, kernel, dropout)
        self.feed_forward_norm = ChannelNorm(d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; pairs: [B, T, T]. Returns [B, C, T]."""
        x = self.attention_norm(x + self.dropout(self.attention(x, pairs)))
        y: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x, mask)))
        return y


def transformer_layer(cfg: TransformerConfig, d: int) -> TransformerLayer:
    """One layer of the configured sizes."""
    return TransformerLayer(
        d,
        n_heads=cfg.n_heads,
        d_filter=d if cfg.d_filter is None else cfg.d_filter,
        kernel=cfg.kernel,
        window=cfg.window,
        dropout=cfg.dropout,
    )


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between them."""

    def __init__(self, d: int, d_filter: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.padding = ((kernel - 1) // 2, kernel // 2)  # keeps the length for even kernels too
        self.expand = nn.Conv1d(d, d_filter, kernel)
        self.reduce = nn.Conv1d(d_filter, d, kernel)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]. Returns [B, C, T]."""
        y = self.dropout(F.relu(self.expand(F.pad(x * mask, self.padding))))
        y = self.reduce(F.pad(y * mask, self.padding)) * mask
        return cast(Tensor, y)
