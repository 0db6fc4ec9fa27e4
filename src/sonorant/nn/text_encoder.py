"""Encoders of tokens: a transformer or a Conformer, alone or up to the prior (VITS, 2.5.1; VITS2, 2.4).

B batch, C channels, L tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_share
from sonorant.config import config
from sonorant.nn.conformer import ConformerConfig, ConformerLayer
from sonorant.nn.latent import LogStdBounds, bounded
from sonorant.nn.mask import pair_mask
from sonorant.nn.transformer import TransformerLayer


@config
class TextEncoderConfig:
    kind: Literal["transformer"] = "transformer"
    d_filter: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel: int = 3
    window: int = 4
    dropout: float = 0.1
    speaker_layer: int | None = None
    """The layer before which the speaker is added, counted from 0; None for a text encoder that knows no speakers."""
    log_std_bounds: LogStdBounds | None = None

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_filter", "n_heads", "n_layers", "kernel")
        check_at_least(0, self, "window")
        check_share(self, "dropout")
        if self.speaker_layer is not None and not 0 <= self.speaker_layer < self.n_layers:
            raise ValueError(f"speaker_layer is {self.speaker_layer}, but there are {self.n_layers} layers, from 0 on")


@dataclass(frozen=True)
class Prior:
    """What the text says: features of each token, and a Gaussian over its frames."""

    hidden: Tensor  # [B, d_hidden, L]
    mean: Tensor  # [B, d_latent, L]
    log_std: Tensor  # [B, d_latent, L]


class TokenEncoder(nn.Module):
    """Layers over tokens: a Conformer, or a post-norm transformer, which knows positions only through its attention
    window and its convolutions.

    A language's embedding is added to those of the tokens; it starts at 0, so a fresh table changes nothing.
    """

    def __init__(
        self,
        cfg: TextEncoderConfig | ConformerConfig,
        n_symbols: int,
        d_hidden: int,
        d_cond: int = 0,
        n_languages: int = 1,
    ) -> None:
        super().__init__()
        self.speaker_layer = cfg.speaker_layer
        self.scale = math.sqrt(d_hidden)
        self.embedding = nn.Embedding(n_symbols, d_hidden)
        nn.init.normal_(self.embedding.weight, 0.0, d_hidden**-0.5)
        self.layers = nn.ModuleList(_layer(cfg, d_hidden) for _ in range(cfg.n_layers))
        self.speaker = nn.Linear(d_cond, d_hidden) if d_cond and cfg.speaker_layer is not None else None
        self.language: nn.Embedding | None = None
        if n_languages > 1:
            self.language = nn.Embedding(n_languages, d_hidden)
            nn.init.zeros_(self.language.weight)

    def encode(
        self, tokens: Tensor, mask: Tensor, speaker: Tensor | None = None, language: Tensor | None = None
    ) -> Tensor:
        """Features of each token: [B, d_hidden, L], 0 at padding.

        tokens: int64 [B, L]; mask: [B, 1, L]; speaker: [B, d_cond, 1] if conditioned; language: int64 [B], if several.
        """
        return self.encode_embedded(self.embedding(tokens), mask, speaker, language)

    def alone(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """What each token is, whatever its neighbours: [B, d_hidden, L], 0 at padding. Shapes as of `encode`."""
        return self._laid_out(self.embedding(tokens), mask)

    def encode_embedded(
        self, embedded: Tensor, mask: Tensor, speaker: Tensor | None = None, language: Tensor | None = None
    ) -> Tensor:
        """The same from embeddings, [B, L, d_hidden], which may hold more than what `embedding` says of the tokens."""
        x = self._laid_out(embedded, mask)
        if self.language is not None:
            assert language is not None, "there are several languages: say which"
            x = (x + self.language(language).unsqueeze(2)) * mask
        pairs = pair_mask(mask, mask)
        for index, layer in enumerate(self.layers):
            if self.speaker is not None and index == self.speaker_layer:
                assert speaker is not None, "there are several speakers: say which"
                x = (x + self.speaker(speaker.squeeze(2)).unsqueeze(2)) * mask
            x = layer(x, mask, pairs)
        return x * mask

    def _laid_out(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """[B, L, C] -> [B, C, L], scaled, 0 at padding."""
        x: Tensor = (embedded * self.scale).transpose(1, 2) * mask
        return x


def _layer(cfg: TextEncoderConfig | ConformerConfig, d_hidden: int) -> TransformerLayer | ConformerLayer:
    match cfg:
        case ConformerConfig():
            return ConformerLayer(cfg, d_hidden)
        case TextEncoderConfig():
            return TransformerLayer(
                d_hidden,
                n_heads=cfg.n_heads,
                d_filter=cfg.d_filter,
                kernel=cfg.kernel,
                window=cfg.window,
                dropout=cfg.dropout,
            )


class TextEncoder(TokenEncoder):
    """A token encoder that says what frames each token makes."""

    def __init__(
        self,
        cfg: TextEncoderConfig,
        n_symbols: int,
        d_hidden: int,
        d_latent: int,
        d_cond: int = 0,
        n_languages: int = 1,
    ) -> None:
        super().__init__(cfg, n_symbols, d_hidden, d_cond, n_languages)
        self.log_std_bounds = cfg.log_std_bounds
        self.output = nn.Conv1d(d_hidden, 2 * d_latent, 1)

    def forward(
        self, tokens: Tensor, mask: Tensor, speaker: Tensor | None = None, language: Tensor | None = None
    ) -> Prior:
        """Arguments as of `encode`. All three results are 0 at padding."""
        hidden = self.encode(tokens, mask, speaker, language)
        mean, log_std = (self.output(hidden) * mask).chunk(2, dim=1)
        log_std = bounded(log_std, self.log_std_bounds) * mask
        return Prior(hidden=hidden, mean=mean, log_std=log_std)
