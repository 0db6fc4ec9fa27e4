"""Hangul syllables and the letters they are made of.

Inside the rules letters are written as they stand alone (ㄱ, ㅏ, ㄺ); tokens are conjoining jamo (U+1100 to U+11C2),
in which an onset and a coda of one letter are two symbols.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
PRONOUNCED_CODAS = "ㄱㄴㄷㄹㅁㅂㅇ"
"""The seven that are heard (Standard Pronunciation, article 8)."""

_FIRST, _LAST = ord("가"), ord("힣")
_ONSET, _VOWEL, _CODA = 0x1100, 0x1161, 0x11A7  # the last stands for no coda
_CONJOINED = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")

ONSET_JAMO = "".join(chr(_ONSET + at) for at in range(len(ONSETS)))
VOWEL_JAMO = "".join(chr(_VOWEL + at) for at in range(len(VOWELS)))
CODA_JAMO = "".join(chr(_CODA + at) for at in range(1, len(CODAS)))
SOUND_JAMO = ONSET_JAMO + VOWEL_JAMO + "".join(chr(_CODA + CODAS.index(coda)) for coda in PRONOUNCED_CODAS)
"""What pronounced Korean is written in: 19 onsets, 21 vowels, 7 codas."""


class Syllable(NamedTuple):
    """One syllable by its letters. onset "ㅇ" is none; coda "" is none."""

    onset: str
    vowel: str
    coda: str

    def __str__(self) -> str:
        """The syllable as one character."""
        place = (ONSETS.index(self.onset) * len(VOWELS) + VOWELS.index(self.vowel)) * len(CODAS)
        return chr(_FIRST + place + CODAS.index(self.coda))


def is_syllable(char: str) -> bool:
    """Whether a character is one of the 11,172 modern syllables."""
    return _FIRST <= ord(char) <= _LAST


def syllable(char: str) -> Syllable:
    """The letters of one syllable such as "값"."""
    rest, coda = divmod(ord(char) - _FIRST, len(CODAS))
    onset, vowel = divmod(rest, len(VOWELS))
    return Syllable(ONSETS[onset], VOWELS[vowel], CODAS[coda])


def to_jamo(text: str) -> str:
    """Every syllable taken apart into conjoining jamo; what is no syllable stays."""
    return "".join(_conjoining(syllable(char)) if is_syllable(char) else char for char in text)


def from_jamo(text: str) -> str:
    """Conjoining jamo put together to syllables; what makes no syllable stays."""
    return _CONJOINED.sub(_composed, text)


def has_coda(char: str) -> bool:
    """Whether a syllable ends in a consonant."""
    return is_syllable(char) and bool(syllable(char).coda)


def _conjoining(one: Syllable) -> str:
    coda = chr(_CODA + CODAS.index(one.coda)) if one.coda else ""
    return chr(_ONSET + ONSETS.index(one.onset)) + chr(_VOWEL + VOWELS.index(one.vowel)) + coda


def _composed(found: re.Match[str]) -> str:
    onset, vowel, *coda = (ord(char) for char in found.group())
    last = CODAS[coda[0] - _CODA] if coda else ""
    return str(Syllable(ONSETS[onset - _ONSET], VOWELS[vowel - _VOWEL], last))
