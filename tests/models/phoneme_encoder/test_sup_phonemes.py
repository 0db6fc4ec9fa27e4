"""Laws of sup-phonemes: they spell the words they are of, and the same words always give the same ones."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import ConfigError
from sonorant.models.phoneme_encoder.sup_phonemes import (
    SupPhonemes,
    learn,
    read_sup_phonemes,
    write_sup_phonemes,
)

WORDS = {tuple("banana"): 5, tuple("bandana"): 3, tuple("nab"): 7, tuple("and"): 11, tuple("ˈaɪ"): 4}
words = st.dictionaries(
    st.lists(st.sampled_from("abcˈ"), min_size=1, max_size=8).map(tuple), st.integers(2, 9), min_size=1, max_size=12
)


def as_many_as_there_are(of: dict[tuple[str, ...], int]) -> SupPhonemes:
    """Learn until nothing is left to merge."""
    learned = learn(of, size=10_000)
    assert learned == learn(of, size=learned.size)
    return learned


@given(words)
def test_a_word_is_spelled_by_its_sup_phonemes(of: dict[tuple[str, ...], int]) -> None:
    learned = as_many_as_there_are(of)
    for word in of:
        spelled = [learned.spellings[number - 1] for number in learned.of(word)]
        assert tuple(phoneme for spelling in spelled for phoneme in spelling) == word


@given(words)
def test_every_sup_phoneme_is_part_of_a_word_and_no_two_are_alike(of: dict[tuple[str, ...], int]) -> None:
    learned = as_many_as_there_are(of)
    assert len(set(learned.spellings)) == learned.size
    for spelling in learned.spellings:
        assert any(
            word[at : at + len(spelling)] == spelling for word in of for at in range(len(word) - len(spelling) + 1)
        ), spelling


@given(words)
def test_the_order_of_the_words_does_not_matter(of: dict[tuple[str, ...], int]) -> None:
    assert as_many_as_there_are(of) == as_many_as_there_are(dict(reversed(of.items())))


def test_merges_stay_within_words() -> None:
    """Though the pair between these words is the most frequent."""
    learned = as_many_as_there_are({tuple("xa"): 100, tuple("by"): 100})
    assert set(learned.spellings) == {("a",), ("b",), ("x",), ("y",), ("x", "a"), ("b", "y")}


def test_the_most_frequent_pair_comes_first() -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for word, count in WORDS.items():
        for pair in pairwise(word):
            counts[pair] += count
    learned = learn(WORDS, size=len({phoneme for word in WORDS for phoneme in word}) + 1)
    assert learned.spellings[-1] == counts.most_common(1)[0][0] == ("a", "n")


def test_counts_follow_the_merges() -> None:
    """As counting all anew after each merge finds them: the pairs of what is left, not of what was there."""
    size = 14
    learned = learn(WORDS, size=size)
    for n_merges in range(len(learned.merges)):
        so_far = SupPhonemes(phonemes=learned.phonemes, merges=learned.merges[:n_merges])
        counts: Counter[tuple[int, int]] = Counter()
        for word, count in WORDS.items():
            for pair in pairwise(so_far.of(word)):
                counts[pair] += count
        best = max(counts.values())
        assert learned.merges[n_merges] == min(pair for pair in counts if counts[pair] == best)


def test_unknown_words_are_read_too() -> None:
    learned = learn(WORDS, size=10)
    spelled = [learned.spellings[number - 1] for number in learned.of("dnabaɪ")]
    assert [phoneme for spelling in spelled for phoneme in spelling] == list("dnabaɪ")


def test_there_are_no_more_than_asked_for_but_every_phoneme() -> None:
    sizes = {asked: learn(WORDS, size=asked).size for asked in (3, 6, 9, 4000)}
    assert sizes == {3: 6, 6: 6, 9: 9, 4000: len(as_many_as_there_are(WORDS).spellings)}
    assert sizes[4000] < 30


def test_what_occurs_once_is_no_habit() -> None:
    assert learn({("a", "b"): 1}, size=3).spellings == (("a",), ("b",))


def test_they_are_kept_as_data(tmp_path: Path) -> None:
    learned = learn(WORDS, size=12)
    write_sup_phonemes(tmp_path / "s.json", learned)
    assert read_sup_phonemes(tmp_path / "s.json") == learned


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"phonemes": [], "merges": []}',
        '{"phonemes": ["a", "a"], "merges": []}',
        '{"phonemes": ["a", "b"], "merges": [[1, 3]]}',
        '{"phonemes": ["a", "b"], "merges": [[0, 1]]}',
        '{"phonemes": ["a", "b"], "merges": [[1, 2], [1, 2]]}',
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ConfigError, match=r"s\.json: [^\n]+$"):
        read_sup_phonemes(tmp_path / "s.json")
