"""Rules for what is written in letters: abbreviations, initials, roman numerals, words joined by a slash."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sonorant.text.normalize.context import ends_sentence
from sonorant.text.normalize.rules import any_of, letters
from sonorant.text.normalize.scan import Match, Rule

ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![\w'’]|\.\w)"
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[char] for char in numeral]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))


def titles(words: Mapping[str, str], *, before: str = "") -> Rule:
    """Abbreviations that stand before a name and never end a sentence; keys without their full stop."""
    return Rule("abbreviation", rf"{any_of(words)}\.{before}", lambda match: words[match.group()[:-1]])


def closing(words: Mapping[str, str], *, ends: Callable[[Match], bool] = ends_sentence) -> Rule:
    """Abbreviations that may end a sentence, and then keep the full stop; keys with their full stop."""

    def speak(match: Match) -> str:
        spoken = words[match.group()]
        return spoken + "." if match.group().endswith(".") and ends(match) else spoken

    return Rule("abbreviation", any_of(words) + r"(?![^\W_])", speak)


def initials(*, ends: Callable[[Match], bool] = ends_sentence) -> Rule:
    """ "U.S.", "J.R.R.": capitals with points, spelled."""

    def speak(match: Match) -> str:
        spoken = letters(match.group())
        return spoken + "." if match.group().endswith(".") and ends(match) else spoken

    return Rule("initials", r"[^\W\d_a-zà-öø-ÿа-яё](?:\.[^\W\d_a-zà-öø-ÿа-яё]){1,7}(?:\.|(?![^\W_]))", speak)


def slash(pairs: Mapping[str, str]) -> Rule:
    """ "and/or": the slash is silent, or a word between the known `pairs`."""

    def speak(match: Match) -> str:
        first, second = match.group().split("/")
        joint = pairs.get(match.group().lower(), "")
        return f"{first} {joint} {second}" if joint else f"{first} {second}"

    word = r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_])){0,24}"
    return Rule("slash", rf"(?<![/\\]){word}/{word}(?![/\w@]|\.\w)", speak)
