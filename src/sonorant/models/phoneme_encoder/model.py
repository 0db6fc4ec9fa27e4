"""Mixed-Phoneme BERT: Improving BERT with Mixed Phoneme and Sup-Phoneme Representations for Text to Speech.

Zhang et al. 2022, arXiv:2203.17190; the first stage of NaturalSpeech (Tan et al. 2022, arXiv:2205.04421).
B batch, C channels, L tokens, P places asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sonorant.models.phoneme_encoder.config import PhonemeEncoderConfig
from sonorant.nn.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class Guesses:
    """Logits at the places asked for, sentence by sentence."""

    phonemes: Tensor  # [P, symbols]
    sup_phonemes: Tensor  # [P, sup-phonemes], the first for number 1


class Reader(Transformer):
    """What a text encoder (`nn/text_encoder.py`) has but speakers and a prior, under the same names."""

    def __init__(self, cfg: PhonemeEncoderConfig, n_symbols: int, n_languages: int) -> None:
        of = cfg.text_encoder
        super().__init__(
            TransformerConfig(
                n_layers=of.n_layers,
                n_heads=of.n_heads,
                kernel=of.kernel,
                d_filter=of.d_filter,
                window=of.window,
                dropout=of.dropout,
            ),
            cfg.d_hidden,
        )
        self.embedding = nn.Embedding(n_symbols, cfg.d_hidden)
        nn.init.normal_(self.embedding.weight, 0.0, cfg.d_hidden**-0.5)
        self.language: nn.Embedding | None = None
        if n_languages > 1:
            self.language = nn.Embedding(n_languages, cfg.d_hidden)
            nn.init.zeros_(self.language.weight)


class PhonemeEncoder(nn.Module):
    """The network: the sum of a phoneme's embedding and its sup-phoneme's, a text encoder's layers, two heads.

    The layers know positions by their attention, so no position is added to the input.
    """

    def __init__(self, cfg: PhonemeEncoderConfig, *, n_symbols: int, n_sup_phonemes: int, n_languages: int = 1) -> None:
        super().__init__()
        self.cfg = cfg
        d = cfg.d_hidden
        self.scale = math.sqrt(d)
        self.text_encoder = Reader(cfg, n_symbols, n_languages)
        # Row 0 is for no sup-phoneme, and stays 0; the last for one that is hidden.
        self.sup_phonemes = nn.Embedding(n_sup_phonemes + 2, d, padding_idx=0)
        nn.init.normal_(self.sup_phonemes.weight, 0.0, d**-0.5)
        nn.init.zeros_(self.sup_phonemes.weight[0])
        self.hidden_phoneme = nn.Parameter(torch.empty(d).normal_(0.0, d**-0.5))
        self.phoneme_head = nn.Linear(d, n_symbols)
        self.sup_phoneme_head = nn.Linear(d, n_sup_phonemes)

    def forward(
        self,
        tokens: Tensor,
        sup_phonemes: Tensor,
        mask: Tensor,
        *,
        is_hidden: Tensor,
        is_asked: Tensor,
        language: Tensor | None = None,
    ) -> Guesses:
        """tokens, sup_phonemes: int64 [B, L]; mask: [B, 1, L]; is_hidden, is_asked: bool [B, L]; language: int64 [B],
        if several."""
        hidden = self.hidden(tokens, sup_phonemes, mask, is_hidden=is_hidden, language=language)
        asked = hidden.transpose(1, 2)[is_asked]
        return Guesses(phonemes=self.phoneme_head(asked), sup_phonemes=self.sup_phoneme_head(asked))

    def hidden(
        self,
        tokens: Tensor,
        sup_phonemes: Tensor,
        mask: Tensor,
        *,
        is_hidden: Tensor | None = None,
        language: Tensor | None = None,
    ) -> Tensor:
        """What a text encoder says of each token: [B, C, L], 0 at padding. Without sup-phonemes they are all 0."""
        x = self.text_encoder.embedding(tokens)
        if is_hidden is not None:
            x = torch.where(is_hidden.unsqueeze(2), self.hidden_phoneme.to(x.dtype), x)
        x = ((x + self.sup_phonemes(sup_phonemes)) * self.scale).transpose(1, 2)
        if self.text_encoder.language is not None:
            assert language is not None, "there are several languages: say which"
            x = x + self.text_encoder.language(language).unsqueeze(2)
        y: Tensor = self.text_encoder(x, mask)
        return y
