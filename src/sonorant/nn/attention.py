"""Self-attention, plain or with learned relative positions inside a window (Shaw et al. 2018; VITS, 2.5.1).

B batch, H heads, D width of a head, C = H * D channels, L tokens, W window.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MASKED_SCORE = -1e4
"""Small enough to vanish in the softmax, large enough for half precision."""


class Attention(nn.Module):
    """Multi-head self-attention that knows no positions."""

    def __init__(self, d: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        if d % n_heads:
            raise ValueError(f"{n_heads} heads do not divide a width of {d}")
        self.n_heads = n_heads
        self.query = nn.Conv1d(d, d, 1)
        self.key = nn.Conv1d(d, d, 1)
        self.value = nn.Conv1d(d, d, 1)
        self.output = nn.Conv1d(d, d, 1)
        for projection in (self.query, self.key, self.value):
            nn.init.xavier_uniform_(projection.weight)
        # What is added to all keys alike changes no attention: its gradient is rounding error, which Adam would follow.
        # It stays because checkpoints have it.
        assert self.key.bias is not None
        self.key.bias.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, L]; pairs: [B, L, L], 1 where the row's token may see the column's. Returns [B, C, L]."""
        query, key, value = self._projected(x)
        # Added, not boolean: a row that may see nothing (padding) then averages everything, and is no NaN.
        seen = torch.zeros_like(pairs, dtype=query.dtype).masked_fill(pairs == 0, MASKED_SCORE).unsqueeze(1)
        dropout = self.dropout.p if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, dropout_p=dropout)
        return self._joined(mixed)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of each head, in one matrix product: [B, C, L] -> each [B, H, L, D]."""
        b, c, n = x.shape
        projections = (self.query, self.key, self.value)
        weight = torch.cat([projection.weight for projection in projections]).squeeze(2)
        bias = torch.cat([cast(Tensor, projection.bias) for projection in projections])
        rows = F.linear(x.transpose(1, 2), weight, bias)
        query, key, value = rows.view(b, n, 3, self.n_heads, c // self.n_heads).permute(2, 0, 3, 1, 4).unbind()
        return query, key, value

    def _joined(self, mixed: Tensor) -> Tensor:
        """[B, H, L, D] -> [B, C, L]."""
        rows = mixed.transpose(1, 2).flatten(2)
        return F.linear(rows, self.output.weight.squeeze(2), self.output.bias).transpose(1, 2)


class RelativeAttention(Attention):
    """Multi-head self-attention whose keys and values know distances up to `window`.

    A distance beyond the window has no vector: it contributes zero, not the vector of the edge.
    The vectors are shared by the heads.
    """

    def __init__(self, d: int, n_heads: int, window: int, dropout: float) -> None:
        super().__init__(d, n_heads, dropout)
        d_head = d // n_heads
        self.relative_key = nn.Parameter(torch.randn(1, 2 * window + 1, d_head) * d_head**-0.5)
        self.relative_value = nn.Parameter(torch.randn(1, 2 * window + 1, d_head) * d_head**-0.5)

    def forward(self, x: Tensor, pairs: Tensor) -> Tensor:
        """x: [B, C, L]; pairs: [B, L, L], 1 where the row's token may see the column's. Returns [B, C, L]."""
        query, key, value = self._projected(x)
        query = query / math.sqrt(x.shape[1] // self.n_heads)
        scores = query @ key.transpose(2, 3)
        scores = scores + place_by_distance(query @ self.relative_key.transpose(1, 2))
        scores = scores.masked_fill(pairs.unsqueeze(1) == 0, MASKED_SCORE)
        weights: Tensor = self.dropout(scores.softmax(dim=3))
        n_distances = self.relative_value.shape[1]
        mixed = weights @ value + take_by_distance(weights, n_distances) @ self.relative_value
        return self._joined(mixed)


def self_attention(d: int, n_heads: int, window: int | None, dropout: float) -> Attention:
    """Attention that knows distances up to `window`; None: it knows no positions."""
    return Attention(d, n_heads, dropout) if window is None else RelativeAttention(d, n_heads, window, dropout)


def place_by_distance(x: Tensor) -> Tensor:
    """Spread one score per distance over the keys at those distances; the others get 0.

    x: [B, H, L, 2W+1], column d for the key at distance d - W. Returns [B, H, L, L].
    """
    b, h, n, n_distances = x.shape
    window = n_distances // 2
    # Reading rows of length L+2W+1 as rows of length L+2W shifts row i right by i: column d lands on key i + d - W.
    flat = F.pad(x, (0, n)).flatten(2)[:, :, : n * (n + 2 * window)]
    return flat.view(b, h, n, n + 2 * window)[:, :, :, window : window + n]


def take_by_distance(x: Tensor, n_distances: int) -> Tensor:
    """Pick, for each query, the entries of the keys inside the window; what lies outside the text is 0.

    x: [B, H, L, L]. Returns [B, H, L, n_distances]: the transpose of `place_by_distance`.
    """
    b, h, n, _ = x.shape
    window = n_distances // 2
    flat = F.pad(F.pad(x, (window, window)).flatten(2), (0, n))
    return flat.view(b, h, n, n + n_distances)[:, :, :, :n_distances]
