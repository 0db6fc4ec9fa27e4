"""Web addresses, handles, hashtags, and codes of mixed letters and digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sonorant.text.normalize.numbers import Numbers
from sonorant.text.normalize.rules import letters
from sonorant.text.normalize.scan import LETTER, NOT_IN_WORD, RAISED, Match, Rule

_TOP_LEVEL = "com|org|net|edu|gov|info|io|ai|app|dev|co|uk|us|eu|de|fr|es|it|ru|mx|ar|ca|ch|jp|cn|tv|me|рф"
_DOMAIN = rf"[^\W_][\w-]{{0,61}}[^\W_](?:\.[^\W_](?:[\w-]{{0,62}}[^\W_])?){{0,4}}\.(?:{_TOP_LEVEL})(?![\w-])"
# Top-level domains said as words; other short ones are spelled.
_SAID_AS_WORDS = frozenset({"com", "org", "net", "edu", "gov", "info", "app", "dev", "me"})


@dataclass(frozen=True)
class Spelling:
    """How a language says the parts of codes and addresses."""

    numbers: Numbers
    signs: Mapping[str, str]  # ".", "@", "/", "-", "_", ... in addresses
    hashtag: str
    said_as_words: frozenset[str] = _SAID_AS_WORDS


def code_number(numbers: Numbers, written: str) -> str:
    """Digits in a code: as a number where short, else one by one."""
    if len(written) > 4 or (written.startswith("0") and len(written) > 1):
        return numbers.digits(written)
    return numbers.cardinal(int(written))


def web(spelling: Spelling, say_number: Callable[[str], str]) -> list[Rule]:
    def speak(match: Match) -> str:
        address = re.sub(r"^https?://", "", match.group())
        return _say_address(address, spelling, say_number)

    path = r"(?:[/?#:][\w/?#&=%.:~+@!$*,;-]{0,300}[\w/])?"
    return [
        Rule("email", r"[\w.+-]{1,64}@" + _DOMAIN.replace(_TOP_LEVEL, r"[^\W\d_]{2,12}"), speak),
        Rule("url", rf"(?:https?://|www\.)[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,6}}(?::[0-9]{{1,5}})?{path}", speak),
        Rule("url", rf"{_DOMAIN}{path}", speak),
    ]


def _say_address(address: str, spelling: Spelling, say_number: Callable[[str], str]) -> str:
    words: list[str] = []
    for part in re.findall(r"[0-9]+|[^\W\d_]+|[^\w\s]|_", address):
        if part in spelling.signs:
            words.append(spelling.signs[part])
        elif part[0] in "0123456789":
            words.append(say_number(part))
        elif part.isalpha():
            ends_domain = words[-1:] == [spelling.signs["."]]
            short = part == "www" or (len(part) == 2 and ends_domain and part not in {*spelling.said_as_words, "co"})
            words.append(letters(part) if short else part)
    return " ".join(words)


def tags(spelling: Spelling, say_number: Callable[[str], str]) -> list[Rule]:
    """ "@handle" and "#hashtag"."""

    def speak(match: Match) -> str:
        first = spelling.signs["@"] if match.group().startswith("@") else spelling.hashtag
        words = re.findall(r"[0-9]+|[^\W\d_](?:[^\W\d_A-ZА-Я]+|[A-ZА-Я]*(?![^\W\d_A-ZА-Я]))|[^\W\d_]", match.group())
        return " ".join([first, *(say_number(word) if word[0] in "0123456789" else word for word in words)])

    return [Rule("tag", r"(?<![\w@#])(?:@(?=\w)|#(?=[^\W\d_]|[0-9]{1,9}[^\W\d_]))[\w]{1,60}", speak)]


def code(numbers: Numbers, say_number: Callable[[str], str]) -> list[Rule]:
    """ "MP3", "R2D2", "COVID-19", "4K": runs of capitals up to three are spelled, longer ones are words."""

    def speak(match: Match) -> str:
        return " ".join(_say_run(run) for run in re.findall(r"[0-9]+|[^\W\d_]+", match.group()))

    def _say_run(run: str) -> str:
        if run[0] in "0123456789":
            return say_number(run)
        if len(run) == 1 or (run.isupper() and len(run) <= 3):
            return letters(run)
        return run

    letter, mixed, end = LETTER, rf"[^\W_{RAISED}]", NOT_IN_WORD
    hyphened = rf"(?:[-‐‑]{mixed}{{0,20}}[0-9]{letter}?){{0,3}}"
    return [
        Rule(
            "code",
            rf"(?={letter}{{1,20}}[-‐‑]?[0-9]){mixed}{{1,40}}{hyphened}{end}",
            speak,
        ),
        Rule("code", rf"(?=[0-9]{{1,12}}{letter}){mixed}{{1,40}}{end}", speak),
        Rule("code", rf"[A-Z]{{1,3}}&[A-Z]{{1,3}}{end}", lambda m: _ampersand(m, numbers)),
    ]


def _ampersand(match: Match, numbers: Numbers) -> str:
    first, _, second = match.group().partition("&")
    return f"{letters(first)} {numbers.ampersand} {letters(second)}"
