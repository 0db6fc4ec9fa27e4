"""A language so small that its tests are quick: its words follow one another in a circle."""

from __future__ import annotations

import numpy as np
import torch

from sonorant.data.prepare import Tables
from sonorant.models.phoneme_encoder.config import PhonemeEncoderConfig
from sonorant.models.phoneme_encoder.model import PhonemeEncoder
from sonorant.models.phoneme_encoder.prepare import ReadingMatter, Sentences
from sonorant.models.phoneme_encoder.sup_phonemes import SupPhonemes
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.text.standard import standard_config
from tests.nn.random_weights import randomized

SYMBOLS = {symbol: row for row, symbol in enumerate("_ .abcdefgh")}
# Each word is one sup-phoneme or several, of one to three phonemes.
SUP_PHONEMES = SupPhonemes(phonemes=tuple("abcdefgh"), merges=((1, 2), (3, 4), (9, 3), (5, 6), (7, 8)))
WORDS = ("ab", "cd", "abc", "efgh", "h", "gha")
SMALL = PhonemeEncoderConfig(d_hidden=16, text_encoder=TextEncoderConfig(n_layers=1, d_filter=32, dropout=0.0))
BREAK, END = " ", "."


def matter(*, n_sentences: int = 60, n_words: int = 8, n_validation: int = 0, n_languages: int = 1) -> ReadingMatter:
    """Sentences of up to so many words, each with a break between words, a mark at its end, and a pad around it."""
    spellings = SUP_PHONEMES.spellings
    tokens: list[int] = []
    numbers: list[int] = []
    begins: list[bool] = []
    offsets = [0]

    def add(symbol: str, number: int = 0, *, is_first: bool = False) -> None:
        tokens.append(SYMBOLS[symbol])
        numbers.append(number)
        begins.append(is_first)

    for index in range(n_sentences):
        add("_")
        for place in range(n_words - index % 3):
            if place:
                add(BREAK)
            for number in SUP_PHONEMES.of(WORDS[(index + place) % len(WORDS)]):
                for at, phoneme in enumerate(spellings[number - 1]):
                    add(phoneme, number, is_first=at == 0)
        add(END)
        add("_")
        offsets.append(len(tokens))
    return ReadingMatter(
        sentences=Sentences(
            tokens=np.array(tokens, dtype=np.int16),
            sup_phonemes=np.array(numbers, dtype=np.int32),
            begins=np.array(begins, dtype=np.bool_),
            offsets=np.array(offsets, dtype=np.int64),
            languages=np.array([index % n_languages for index in range(n_sentences)], dtype=np.int16),
            is_validation=np.array([index < n_validation for index in range(n_sentences)], dtype=np.bool_),
        ),
        sup_phonemes=SUP_PHONEMES,
        tables=Tables(
            symbols=SYMBOLS,
            speakers=(),
            frontend=standard_config(["en-us", "es"][:n_languages], blanks=False),
            language_of_speaker=(),
            corpora=(),
            licences=(),
            seconds=0.0,
        ),
    )


def network(cfg: PhonemeEncoderConfig = SMALL, *, n_languages: int = 1) -> PhonemeEncoder:
    """One in evaluation mode whose every weight is at random, but those of no sup-phoneme."""
    torch.manual_seed(0)
    made = randomized(
        PhonemeEncoder(cfg, n_symbols=len(SYMBOLS), n_sup_phonemes=SUP_PHONEMES.size, n_languages=n_languages)
    )
    made.sup_phonemes.weight.data[0] = 0
    return made
