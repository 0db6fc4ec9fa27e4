"""Sup-phonemes: what often stands together within words, by byte pair encoding of phonemes.

A sup-phoneme is named by its number, from 1 on; 0 is for what belongs to none. Merges never cross a word's end, for
words are all that is ever looked at.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from sonorant.audio.io import whole_file
from sonorant.config import config, parse, read_json
from sonorant.errors import ConfigError

MIN_COUNT = 2
"""What stands together but once is no habit."""
_Pair = tuple[int, int]


@config
class SupPhonemes:
    """phonemes: the sup-phonemes of one phoneme each; merges: pairs of sup-phonemes that make another, in order."""

    phonemes: tuple[str, ...]
    merges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not self.phonemes or len(set(self.phonemes)) < len(self.phonemes):
            raise ConfigError("phonemes are missing or stand twice")
        if len(set(self.merges)) < len(self.merges):
            raise ConfigError("a merge stands twice")
        self._made  # noqa: B018 - refuses merges of what there is not

    @property
    def size(self) -> int:
        """How many there are; the numbers are 1 to size."""
        return len(self.spellings)

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The phonemes of each, the first being number 1's."""
        return self._made[0]

    def of(self, word: Sequence[str]) -> list[int]:
        """The sup-phonemes of a word's phonemes. Raises KeyError for a phoneme that is none of these."""
        numbers = [self._number_of[phoneme] for phoneme in word]
        made = self._made[1]
        while len(numbers) > 1:
            pairs = set(pairwise(numbers))
            first = min((pair for pair in pairs if pair in made), key=lambda pair: made[pair][0], default=None)
            if first is None:
                break
            numbers = _merged(numbers, first, made[first][1])
        return numbers

    @cached_property
    def _number_of(self) -> Mapping[str, int]:
        return {phoneme: number for number, phoneme in enumerate(self.phonemes, 1)}

    @cached_property
    def _made(self) -> tuple[tuple[tuple[str, ...], ...], Mapping[_Pair, tuple[int, int]]]:
        """The spellings; and of each merge its rank and the number it makes."""
        numbers: dict[tuple[str, ...], int] = {(phoneme,): number for number, phoneme in enumerate(self.phonemes, 1)}
        spellings = list(numbers)
        made: dict[_Pair, tuple[int, int]] = {}
        for rank, pair in enumerate(self.merges):
            if not all(1 <= number <= len(spellings) for number in pair):
                raise ConfigError(f"merge {rank} is of {pair}, but only 1 to {len(spellings)} are there before it")
            spelling = spellings[pair[0] - 1] + spellings[pair[1] - 1]
            if spelling not in numbers:  # else another way to the same
                spellings.append(spelling)
                numbers[spelling] = len(spellings)
            made[pair] = (rank, numbers[spelling])
        return tuple(spellings), made


def learn(words: Mapping[tuple[str, ...], int], *, size: int) -> SupPhonemes:
    """At most so many sup-phonemes, but every single phoneme, from words and how often they occur.

    The most frequent pair is merged first, of equals the one whose parts are older: nothing is left to chance.
    """
    phonemes = tuple(sorted({phoneme for word in words for phoneme in word}))
    number_of = {phoneme: number for number, phoneme in enumerate(phonemes, 1)}
    spellings: list[tuple[str, ...]] = [(phoneme,) for phoneme in phonemes]
    numbers = {spelling: number for number, spelling in enumerate(spellings, 1)}
    counts = list(words.values())
    as_numbers = [[number_of[phoneme] for phoneme in word] for word in words]
    of_pair: Counter[_Pair] = Counter()
    where: defaultdict[_Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(as_numbers):
        for pair in pairwise(word):
            of_pair[pair] += counts[index]
            where[pair].add(index)
    # Entries whose count has changed since are known by that.
    queue = [(-count, pair) for pair, count in of_pair.items()]
    heapq.heapify(queue)
    merges: dict[_Pair, None] = {}  # an ordered set
    while len(spellings) < size:
        if not queue or -queue[0][0] < MIN_COUNT:
            break  # the words hold no more
        count, pair = heapq.heappop(queue)
        if -count != of_pair[pair]:
            continue
        spelling = spellings[pair[0] - 1] + spellings[pair[1] - 1]
        if spelling not in numbers:
            spellings.append(spelling)
            numbers[spelling] = len(spellings)
        merges[pair] = None
        changed = set()
        for index in where.pop(pair):
            before = as_numbers[index]
            after = as_numbers[index] = _merged(before, pair, numbers[spelling])
            if len(after) == len(before):  # another merge was there before this one
                continue
            for old in pairwise(before):
                of_pair[old] -= counts[index]
                changed.add(old)
            for new in pairwise(after):
                of_pair[new] += counts[index]
                where[new].add(index)
                changed.add(new)
        for other in changed:
            if of_pair[other] > 0:
                heapq.heappush(queue, (-of_pair[other], other))
    return SupPhonemes(phonemes=phonemes, merges=tuple(merges))


def _merged(numbers: Sequence[int], pair: _Pair, made: int) -> list[int]:
    """A word in which each such pair, from the left, has become one."""
    merged: list[int] = []
    at = 0
    while at < len(numbers):
        is_pair = at + 1 < len(numbers) and (numbers[at], numbers[at + 1]) == pair
        merged.append(made if is_pair else numbers[at])
        at += 1 + is_pair
    return merged


def write_sup_phonemes(path: Path, sup_phonemes: SupPhonemes) -> None:
    """Write them as JSON, whole or not at all."""
    data = {"phonemes": sup_phonemes.phonemes, "merges": sup_phonemes.merges}
    with whole_file(path) as part:
        part.write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")


def read_sup_phonemes(path: Path) -> SupPhonemes:
    """What was written. Raises ConfigError when it is missing or damaged."""
    return parse(SupPhonemes, read_json(path), source=str(path))
