"""Laws of masks: whole sup-phonemes, nothing of them left to be seen, in the shares that were asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sonorant.models.phoneme_encoder.config import MaskingConfig
from sonorant.models.phoneme_encoder.masking import Masked, Masking
from tests.models.phoneme_encoder.language import SUP_PHONEMES, SYMBOLS, matter

MATTER = matter(n_sentences=400)
OF = MATTER.sentences
CFG = MaskingConfig()
HIDDEN = SUP_PHONEMES.size + 1
NO_WORDS = [SYMBOLS[symbol] for symbol in "_ ."]


def masked(cfg: MaskingConfig = CFG, *, alone: bool | None = None, seeds: int = 1) -> list[tuple[int, Masked]]:
    """All sentences, by their rows, several times."""
    masking = Masking(cfg, MATTER)
    rows = range(len(OF.languages))
    return [(row, masking(row, seed * 1000 + row, alone=alone)) for seed in range(seeds) for row in rows]


def original(row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The tokens, the sup-phonemes, and the number of the sup-phoneme in the sentence, -1 for none."""
    here = slice(OF.offsets[row], OF.offsets[row + 1])
    which = np.where(OF.sup_phonemes[here] > 0, np.cumsum(OF.begins[here]) - 1, -1)
    return OF.tokens[here], OF.sup_phonemes[here], which


def fates(row: int, sentence: Masked) -> list[str]:
    """What became of each sup-phoneme of a sentence that is read with them; asserts that it became of all of it."""
    tokens, numbers, which = original(row)
    found = []
    for one in range(which.max() + 1):
        at = which == one
        assert len(set((sentence.targets[at] >= 0).tolist())) == 1
        assert len(set(sentence.is_hidden[at].tolist())) == 1
        if sentence.is_hidden[at].all():
            assert (sentence.sup_phonemes[at] == HIDDEN).all()
            found.append("hidden")
        elif (sentence.targets[at] >= 0).all():
            is_same = (sentence.tokens[at] == tokens[at]).all() and (sentence.sup_phonemes[at] == numbers[at]).all()
            found.append("kept" if is_same else "replaced")
        else:
            assert (sentence.tokens[at] == tokens[at]).all()
            assert (sentence.sup_phonemes[at] == numbers[at]).all()
            found.append("not asked")
    return found


def test_what_is_asked_is_what_stood_there() -> None:
    for row, sentence in masked():
        tokens, numbers, _ = original(row)
        is_asked = sentence.targets >= 0
        assert (sentence.targets[is_asked] == tokens[is_asked]).all()
        assert (sentence.sup_targets[is_asked] == numbers[is_asked]).all()
        assert (sentence.sup_targets[~is_asked] == -1).all()
        assert (sentence.sup_targets[is_asked] >= 1).all()


def test_breaks_and_marks_are_seen_and_not_asked() -> None:
    for row, sentence in masked(replace(CFG, share=0.9)):
        at = np.isin(original(row)[0], NO_WORDS)
        assert (sentence.targets[at] == -1).all()
        assert not sentence.is_hidden[at].any()
        assert (sentence.tokens[at] == original(row)[0][at]).all()
        assert (sentence.sup_phonemes[at] == 0).all()


def test_the_shares_are_those_asked_for() -> None:
    found = [fate for row, sentence in masked(alone=False, seeds=4) for fate in fates(row, sentence)]
    n_asked = sum(fate != "not asked" for fate in found)
    assert n_asked / len(found) == pytest.approx(0.15, abs=0.005)
    share = {fate: found.count(fate) / n_asked for fate in ("hidden", "replaced", "kept")}
    # Some are replaced by themselves: of one phoneme by chance one of 8, of two one of 4, of three the only one.
    by_themselves = np.mean(
        [
            1 / sum(len(s) == len(SUP_PHONEMES.spellings[number - 1]) for s in SUP_PHONEMES.spellings)
            for number in OF.sup_phonemes[OF.begins]
        ]
    )
    assert share["hidden"] == pytest.approx(0.8, abs=0.02)
    assert share["replaced"] == pytest.approx(0.1 * (1 - by_themselves), abs=0.015)
    assert share["kept"] == pytest.approx(0.1 * (1 + by_themselves), abs=0.015)


def test_what_stands_in_for_another_is_a_sup_phoneme_with_its_phonemes() -> None:
    cfg = replace(CFG, share=0.5, hidden=0.0, replaced=1.0)
    n_others = 0
    for row, sentence in masked(cfg, alone=False):
        tokens, _, which = original(row)
        for one in range(which.max() + 1):
            at = which == one
            (number,) = set(sentence.sup_phonemes[at].tolist())
            spelling = [SYMBOLS[phoneme] for phoneme in SUP_PHONEMES.spellings[number - 1]]
            assert sentence.tokens[at].tolist() == spelling
            n_others += sentence.tokens[at].tolist() != tokens[at].tolist()
    assert n_others > 100


def test_nothing_hidden_is_left_to_be_seen() -> None:
    """Two sentences that differ in what is hidden only are read alike."""
    masking = Masking(replace(CFG, hidden=1.0, replaced=0.0), MATTER)
    sentence = masking(3, 1, alone=False)
    changed = replace(OF, tokens=OF.tokens.copy(), sup_phonemes=OF.sup_phonemes.copy())
    here = slice(OF.offsets[3], OF.offsets[4])
    at = sentence.is_hidden
    assert at.any()
    changed.tokens[here][at] = SYMBOLS["a"]
    changed.sup_phonemes[here][at] = 1
    other = Masking(replace(CFG, hidden=1.0, replaced=0.0), replace(MATTER, sentences=changed))(3, 1, alone=False)
    assert (other.targets != sentence.targets).any()
    for name in ("tokens", "sup_phonemes", "is_hidden"):
        assert (getattr(other, name) == getattr(sentence, name)).all(), name


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_sentences_is_read_without_sup_phonemes(share: float) -> None:
    sentences = [sentence for _, sentence in masked(replace(CFG, phonemes_alone=share), seeds=3)]
    is_alone = [not sentence.sup_phonemes.any() for sentence in sentences]
    assert np.mean(is_alone) == pytest.approx(share, abs=0.05)
    assert any((sentence.sup_targets >= 1).any() for sentence in sentences)  # asked for all the same


def test_reading_without_sup_phonemes_changes_nothing_else() -> None:
    masking = Masking(CFG, MATTER)
    mixed, alone = masking(0, 5, alone=False), masking(0, 5, alone=True)
    assert not alone.sup_phonemes.any()
    for name in ("tokens", "is_hidden", "targets", "sup_targets"):
        assert (getattr(mixed, name) == getattr(alone, name)).all(), name


def test_the_seed_decides() -> None:
    masking = Masking(CFG, MATTER)
    assert (masking(0, 7).targets == masking(0, 7).targets).all()
    assert len({tuple(masking(0, seed).targets.tolist()) for seed in range(20)}) > 10
