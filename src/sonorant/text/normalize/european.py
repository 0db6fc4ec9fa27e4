"""The order of rules that Spanish, French, Italian and Russian share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sonorant.text.normalize import codes, rules, words
from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import next_word, word_before
from sonorant.text.normalize.rules import Language
from sonorant.text.normalize.scan import (
    NOT_IN_WORD,
    NUMBER_START,
    SIGN_START,
    TOKEN_START,
    WORD_START,
    Match,
    Rule,
    Scanner,
    Section,
)

CLOCK = r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?![:.]?[0-9])"


@dataclass(frozen=True)
class Grammar:
    """What one of these languages adds to the shared rules."""

    language: Language
    spelling: Spelling
    say_date: Callable[[int, int, str], str]
    say_time: Callable[[Match], str]
    fraction: Callable[[int, int], str]
    gender: Callable[[Match], str]  # of what a bare number counts
    titles: Mapping[str, str]  # before a capital, without the full stop
    labels: Mapping[str, str]  # before a number, as written
    inner: Mapping[str, str]
    ending: Mapping[str, str]  # may end a sentence
    telephones: Sequence[str]
    telephone_group: Callable[[str], str] | None = None
    time_suffix: str = ""
    first_rules: Sequence[Rule] = field(default_factory=list)  # at a number, before all others
    number_rules: Sequence[Rule] = field(default_factory=list)  # at a number, before money and units
    word_rules: Sequence[Rule] = field(default_factory=list)
    sign_rules: Sequence[Rule] = field(default_factory=list)


def scanner(grammar: Grammar) -> Scanner:
    def say_number(written: str) -> str:
        return codes.code_number(grammar.language.numbers, written)

    return Scanner(
        [
            Section(TOKEN_START, codes.web(grammar.spelling, say_number)),
            Section(NUMBER_START, _number_rules(grammar, say_number)),
            Section(WORD_START, _word_rules(grammar, say_number)),
            Section(SIGN_START, _sign_rules(grammar, say_number)),
        ]
    )


def _number_rules(grammar: Grammar, say_number: Callable[[str], str]) -> list[Rule]:
    language, numbers = grammar.language, grammar.language.numbers

    def fraction(match: Match) -> str:
        said = grammar.fraction(int(match["top"]), int(match["bottom"]))
        return said if match["whole"] is None else f"{numbers.whole(match['whole'])}{language.half_joint}{said}"

    return [
        *grammar.first_rules,
        rules.iso_date(grammar.say_date),
        rules.day_first_date(grammar.say_date),
        *rules.telephone(numbers, *grammar.telephones, group=grammar.telephone_group),
        rules.dotted(numbers.dot, say_number, unless=r"[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,5}(?![.0-9])"),
        rules.digit_groups(numbers),
        Rule("time", CLOCK + grammar.time_suffix + NOT_IN_WORD, grammar.say_time),
        *grammar.number_rules,
        *rules.money(language),
        rules.unit(language),
        rules.scaled(language),
        Rule(
            "fraction",
            r"(?:(?P<whole>[0-9]{1,6}) )?(?P<top>[0-9]{1,3})[/⁄](?P<bottom>[0-9]{1,3})(?![\d/])" + NOT_IN_WORD,
            fraction,
        ),
        rules.vulgar_fraction(language),
        rules.number_range(language),
        Rule(
            "ratio",
            r"(?P<low>[0-9]{1,4}):(?P<high>[0-9]{1,4})(?!:?[0-9])" + NOT_IN_WORD,
            lambda m: f"{numbers.whole(m['low'])}{language.range_joint}{numbers.whole(m['high'])}",
        ),
        Rule(
            "dimensions",
            r"[0-9]{1,5}(?:[xх×][0-9]{1,5}){1,3}" + NOT_IN_WORD,
            lambda m: f" {language.operators['x']} ".join(map(numbers.whole, re.findall("[0-9]+", m.group()))),
        ),
        rules.leading_zero(language),
        rules.long_digits(language),
        rules.cardinal(language, grammar.gender),
        codes.code(numbers, say_number)[1],
        rules.any_digits(language),
    ]


def _word_rules(grammar: Grammar, say_number: Callable[[str], str]) -> list[Rule]:
    numbers = grammar.language.numbers

    def version(match: Match) -> str:
        return f"{numbers.version} " + f" {numbers.dot} ".join(map(say_number, re.findall("[0-9]+", match.group())))

    return [
        *grammar.word_rules,
        words.titles(grammar.titles, before=r"(?=[ \u00a0]?[A-ZÀ-ÖØ-ÞА-ЯЁ])"),
        rules.table("abbreviation", grammar.labels, after=r"(?=[ \u00a0]?[0-9])"),
        words.closing(grammar.ending),
        rules.table("abbreviation", grammar.inner, after=r"(?![^\W_])"),
        words.initials(ends=lambda match: next_word(match) == ""),
        rules.money(grammar.language)[0],
        Rule("version", r"v\.? ?[0-9]{1,6}(?:\.[0-9]{1,6}){0,5}(?!\.?[0-9])" + NOT_IN_WORD, version),
        rules.by(grammar.language),
        *codes.code(numbers, say_number),
        words.slash({}),
    ]


def _sign_rules(grammar: Grammar, say_number: Callable[[str], str]) -> list[Rule]:
    language = grammar.language
    return [
        *codes.tags(grammar.spelling, say_number),
        *grammar.sign_rules,
        rules.fixed("sign", r"(?<![^\s(])#(?=[0-9])", language.signs["№"]),
        Rule("decade", r"(?<!\w)['’‘](?P<tens>[0-9]0)(?!\w)", lambda m: language.numbers.cardinal(int(m["tens"]))),
        *rules.operator(language),
        *rules.exponent(language),
        *rules.signs(language),
    ]


def roman(say: Callable[[int, str], str | None]) -> Rule:
    """A roman numeral; `say` takes its value and the word before it."""
    return Rule("roman", words.ROMAN, lambda match: say(words.roman_value(match.group()), word_before(match)))


def clock(match: Match) -> tuple[int, int, int | None]:
    """Hour, minute and second; the second None where it is not written."""
    second = match.groupdict().get("second")
    return int(match["hour"]), int(match["minute"] or 0), int(second) if second else None
