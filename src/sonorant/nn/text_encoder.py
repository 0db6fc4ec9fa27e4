"""The text encoder: a relative-position transformer from tokens to the prior (VITS, 2.5.1).

B batch, C channels, L tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.config import config
from sonorant.nn.attention import RelativeAttention
from sonorant.nn.conv import ChannelNorm
from sonorant.nn.mask import pair_mask


@config
class TextEncoderConfig:
    d_filter: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel: int = 3
    window: int = 4
    dropout: float = 0.1


@dataclass(frozen=True)
class Prior:
    """What the text says: features of each token, and a Gaussian over its frames."""

    hidden: Tensor  # [B, d_hidden, L]
    mean: Tensor  # [B, d_latent, L]
    log_std: Tensor  # [B, d_latent, L]


class TextEncoder(nn.Module):
    """Post-norm transformer over tokens. Position is known only through the attention window and the convolutions."""

    def __init__(self, cfg: TextEncoderConfig, n_symbols: int, d_hidden: int, d_latent: int) -> None:
        super().__init__()
        self.scale = math.sqrt(d_hidden)
        self.embedding = nn.Embedding(n_symbols, d_hidden)
        nn.init.normal_(self.embedding.weight, 0.0, d_hidden**-0.5)
        self.layers = nn.ModuleList(_Layer(cfg, d_hidden) for _ in range(cfg.n_layers))
        self.output = nn.Conv1d(d_hidden, 2 * d_latent, 1)

    def forward(self, tokens: Tensor, mask: Tensor) -> Prior:
        """tokens: int64 [B, L]; mask: [B, 1, L]. All three results are 0 at padding."""
        x = (self.embedding(tokens) * self.scale).transpose(1, 2) * mask
        pairs = pair_mask(mask, mask)
        for layer in self.layers:
            x = layer(x, mask, pairs)
        hidden = x * mask
        mean, log_std = (self.output(hidden) * mask).chunk(2, dim=1)
        return Prior(hidden=hidden, mean=mean, log_std=log_std)


class _Layer(nn.Module):
    def __init__(self, cfg: TextEncoderConfig, d: int) -> None:
        super().__init__()
        self.attention = RelativeAttention(d, cfg.n_heads, cfg.window, cfg.dropout)
        self.attention_norm = ChannelNorm(d)
        self.feed_forward = _FeedForward(d, cfg.d_filter, cfg.kernel, cfg.dropout)
        self.feed_forward_norm = ChannelNorm(d)
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, x: Tensor, mask: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, L]; mask: [B, 1, L]; pairs: [B, L, L]. Returns [B, C, L]."""
        x = self.attention_norm(x + self.dropout(self.attention(x, pairs)))
        y: Tensor = self.feed_forward_norm(x + self.dropout(self.feed_forward(x, mask)))
        return y


class _FeedForward(nn.Module):
    def __init__(self, d: int, d_filter: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.padding = ((kernel - 1) // 2, kernel // 2)  # keeps the length for even kernels too
        self.expand = nn.Conv1d(d, d_filter, kernel)
        self.reduce = nn.Conv1d(d_filter, d, kernel)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, C, L]; mask: [B, 1, L]. Returns [B, C, L]."""
        y = self.dropout(F.relu(self.expand(F.pad(x * mask, self.padding))))
        y = self.reduce(F.pad(y * mask, self.padding)) * mask
        return cast(Tensor, y)
