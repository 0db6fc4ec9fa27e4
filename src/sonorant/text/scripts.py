"""Scripts: what letters a text is written in, and whether a language is.

A phonemizer of one language spells the letters of another script one by one, which nobody wants to hear.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping

_OTHER_THAN_LATIN = {
    "Arabic": ("ar", "fa", "ps", "sd", "ug", "ur"),
    "Armenian": ("hy", "hyw"),
    "Bengali": ("as", "bn", "bpy"),
    "CJK": ("cmn", "hak", "ja", "yue", "zh"),
    "Cyrillic": ("ba", "be", "bg", "cv", "kk", "ky", "mk", "mn", "ru", "sr", "tt", "uk"),
    "Devanagari": ("hi", "kok", "mr", "ne"),
    "Ethiopic": ("am",),
    "Georgian": ("ka",),
    "Greek": ("el", "grc"),
    "Gujarati": ("gu",),
    "Gurmukhi": ("pa",),
    "Hangul": ("ko",),
    "Hebrew": ("he",),
    "Hiragana": ("ja",),
    "Kannada": ("kn",),
    "Katakana": ("ja",),
    "Malayalam": ("ml",),
    "Myanmar": ("my", "shn"),
    "Oriya": ("or",),
    "Sinhala": ("si",),
    "Tamil": ("ta",),
    "Telugu": ("te",),
    "Thai": ("th",),
}
_BY_NAME = {script.upper(): script for script in _OTHER_THAN_LATIN}


def letters_by_script(text: str) -> Counter[str]:
    """How many letters of a text are of each script that is not Latin, and of "Latin": all others."""
    counts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if char.isalpha():
            counts[_BY_NAME.get(unicodedata.name(char, "").partition(" ")[0], "Latin")] += count
    return counts


def other_script(letters: Mapping[str, int], language: str) -> str | None:
    """The script most of a text's foreign letters are of, if more than half are of none that a language is written in.

    letters: as `letters_by_script` counts them.
    """
    foreign = {script: count for script, count in letters.items() if not is_written_in(language, script)}
    if 2 * sum(foreign.values()) <= sum(letters.values()):
        return None
    return max(foreign, key=lambda script: foreign[script])


def is_written_in(language: str, script: str) -> bool:
    """Whether texts of a language, by its code ("ru", "en-us"), are written in a script, among others."""
    base = language.partition("-")[0]
    if script == "Latin":  # mixed into every language, and an alphabet that most can spell
        return True
    return base in _OTHER_THAN_LATIN[script]
