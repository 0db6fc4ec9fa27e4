"""What is hidden from the encoder: whole sup-phonemes with all their phonemes, so that none gives another away.

Breaks between words, marks and what the layout adds are no parts of words: they are always seen and never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonorant.models.phoneme_encoder.config import MaskingConfig
from sonorant.models.phoneme_encoder.prepare import ReadingMatter

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Masked:
    """A sentence as the encoder reads it, and what it is to say. All are [L].

    tokens, sup_phonemes: as read; is_hidden: where no phoneme is seen; then the sup-phoneme is the one past the last.
    targets, sup_targets: what stood there before; -1 where nothing is asked.
    """

    tokens: Array
    sup_phonemes: Array
    is_hidden: NDArray[np.bool_]
    targets: Array
    sup_targets: Array
    language: int

    @property
    def n_asked(self) -> int:
        return int((self.targets >= 0).sum())


class Masking:
    """Masks sentences by their rows. The seed decides all."""

    def __init__(self, cfg: MaskingConfig, matter: ReadingMatter) -> None:
        self._cfg = cfg
        self._sentences = matter.sentences
        spellings = matter.sup_phonemes.spellings
        self.hidden_number = len(spellings) + 1
        """What stands for a sup-phoneme that is hidden."""
        symbols = matter.tables.symbols
        of_length: defaultdict[int, list[int]] = defaultdict(list)
        for number, spelling in enumerate(spellings, 1):
            of_length[len(spelling)].append(number)
        self._of_length: Mapping[int, Array] = {n: np.array(numbers) for n, numbers in of_length.items()}
        self._tokens_of = [np.array([symbols[phoneme] for phoneme in spelling]) for spelling in spellings]

    def __call__(self, row: int, seed: int, *, alone: bool | None = None) -> Masked:
        """A sentence with some sup-phonemes masked. alone: whether it is read without any; None leaves it to chance."""
        cfg, of = self._cfg, self._sentences
        here = slice(of.offsets[row], of.offsets[row + 1])
        tokens, sup_phonemes = of.tokens[here].astype(np.int64), of.sup_phonemes[here].astype(np.int64)
        # Counted from 0; -1 outside words.
        which = np.where(sup_phonemes > 0, np.cumsum(of.begins[here]) - 1, -1)
        n_all = int(of.begins[here].sum())
        rng = np.random.default_rng(seed)
        n_asked = int(cfg.share * n_all + rng.random())  # the share exactly, on average
        asked = rng.permutation(n_all)[:n_asked]
        fates = rng.random(n_asked)
        is_asked = np.isin(which, asked)
        is_hidden = np.isin(which, asked[fates < cfg.hidden])
        seen, sup_seen = tokens.copy(), sup_phonemes.copy()
        seen[is_hidden], sup_seen[is_hidden] = 0, self.hidden_number
        for one in asked[(fates >= cfg.hidden) & (fates < cfg.hidden + cfg.replaced)]:
            places = np.flatnonzero(which == one)
            another = int(rng.choice(self._of_length[len(places)]))
            seen[places], sup_seen[places] = self._tokens_of[another - 1], another
        is_alone = rng.random() < cfg.phonemes_alone if alone is None else alone
        return Masked(
            tokens=seen,
            sup_phonemes=np.zeros_like(sup_seen) if is_alone else sup_seen,
            is_hidden=is_hidden,
            targets=np.where(is_asked, tokens, -1),
            sup_targets=np.where(is_asked, sup_phonemes, -1),
            language=int(of.languages[row]),
        )
