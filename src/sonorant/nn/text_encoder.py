"""The text encoder: a relative-position transformer from tokens to the prior (VITS, 2.5.1).

B batch, C channels, L tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from sonorant.config import config
from sonorant.nn.mask import pair_mask
from sonorant.nn.transformer import TransformerLayer


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
        self.layers = nn.ModuleList(
            TransformerLayer(
                d_hidden,
                n_heads=cfg.n_heads,
                d_filter=cfg.d_filter,
                kernel=cfg.kernel,
                window=cfg.window,
                dropout=cfg.dropout,
            )
            for _ in range(cfg.n_layers)
        )
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
