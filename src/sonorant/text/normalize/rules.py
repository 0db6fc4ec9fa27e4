"""The rules that languages share, each made from one language's tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sonorant.text.normalize.context import ends_sentence
from sonorant.text.normalize.numbers import SPACE, Amount, Noun, Numbers
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule

# A hyphen or an en dash set tight, or a spaced en dash.
RANGE_DASH = rf"(?:[-‐‑–—]|{SPACE}–{SPACE})"
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")


@dataclass(frozen=True)
class Currency:
    """A currency and its hundredth, if that is named."""

    unit: Noun
    hundredth: Noun | None = None


@dataclass(frozen=True)
class Language:
    """The tables of one language that the shared rules need."""

    numbers: Numbers
    units: Mapping[str, Noun]
    currencies: Mapping[str, Currency]
    scales: Mapping[str, Noun]
    range_joint: str
    operators: Mapping[str, str]  # between numbers
    signs: Mapping[str, str]  # anywhere
    cents_joint: str
    squared: str
    cubed: str
    power: str  # before the exponent
    vulgar_fractions: Mapping[str, str]
    half_joint: str  # "two {and} three quarters"
    a_half: str  # after a whole number
    name_cents: bool = True
    # Whether the measure stands as an adjective and so in the singular: "a 5 km run".
    attributive: Callable[[Match], bool] = lambda match: False
    of: str = "(?!)"  # pattern of what joins a scale and its noun: "millones {de} €"
    unit_suffixes: Mapping[str, str] = field(default_factory=dict)  # after a price: "/month"


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of `words`, the longest first."""
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


def fixed(name: str, pattern: str, spoken: str) -> Rule:
    return Rule(name, pattern, lambda match: spoken)


def table(name: str, words: Mapping[str, str], *, before: str = "", after: str = "") -> Rule:
    """Each key said as its value."""
    return Rule(name, before + any_of(words) + after, lambda match: words[match.group()])


def letters(text: str) -> str:
    """The letters of `text` as separate capitals."""
    return " ".join(char.upper() for char in text if char.isalpha())


def full_stop(match: Match) -> str:
    """The full stop of an abbreviation that also ended the sentence, or ""."""
    return "." if match.group().endswith(".") and ends_sentence(match) else ""


# Numbers with a noun


def cardinal(language: Language, gender: Callable[[Match], str] = lambda match: "") -> Rule:
    """A bare number, in the gender of what it counts."""
    numbers = language.numbers

    def speak(match: Match) -> str:
        return numbers.say(numbers.read(match.group()), gender(match))

    return Rule("number", numbers.signed + NOT_IN_WORD, speak)


def leading_zero(language: Language) -> Rule:
    return Rule("digits", r"0[0-9]{1,30}(?![0-9.,:]?[0-9])" + NOT_IN_WORD, lambda m: language.numbers.digits(m.group()))


def long_digits(language: Language) -> Rule:
    """Ten digits without a separator are a code, unless they end in zeros."""
    pattern = r"(?![0-9]{0,20}000(?![0-9]))[0-9]{10,30}(?![0-9])" + NOT_IN_WORD
    return Rule("digits", pattern, lambda match: language.numbers.digits(match.group()))


def any_digits(language: Language) -> Rule:
    """The last rule for digits: it refuses nothing."""

    def speak(match: Match) -> str:
        written = match.group()
        by_digit = len(written) > 9 or (written.startswith("0") and len(written) > 1)
        return language.numbers.digits(written) if by_digit else language.numbers.cardinal(int(written))

    return Rule("digits", r"[0-9]+", speak)


def low_high(language: Language) -> str:
    """Pattern of a number or a range of two: groups `low` and `high`."""
    numbers = language.numbers
    return rf"(?P<low>{numbers.signed})(?:{RANGE_DASH}(?P<high>{numbers.pattern}))?"


def span(language: Language, match: Match, gender: str = "") -> str:
    """ "ten to ", the said beginning of a range, or ""."""
    if match["high"] is None:
        return ""
    return language.numbers.say(language.numbers.read(match["low"]), gender) + language.range_joint


def last_amount(language: Language, match: Match) -> Amount:
    return language.numbers.read(match["low"] if match["high"] is None else match["high"])


def number_range(language: Language) -> Rule:
    numbers = language.numbers

    def speak(match: Match) -> str:
        low, high = (numbers.say(numbers.read(match[end])) for end in ("low", "high"))
        return f"{low}{language.range_joint}{high}"

    pattern = (
        rf"(?P<low>{numbers.signed})(?:[-‐‑–—]|(?<=[0-9]){SPACE}–{SPACE})"
        rf"(?P<high>{numbers.pattern})(?![-–—/:][0-9])" + NOT_IN_WORD
    )
    return Rule("range", pattern, speak)


def unit(language: Language) -> Rule:
    """ "5 km", "10–20 %", "-5 °C"; a scale may stand between: "2 млн км"."""
    numbers = language.numbers

    def speak(match: Match) -> str:
        amount, noun = last_amount(language, match), language.units[match["unit"]]
        if language.attributive(match):
            noun = replace(noun, many=noun.one)
        said = span(language, match, noun.gender)
        if match["scale"]:
            said += numbers.scaled(amount, language.scales[match["scale"]], noun)
        else:
            said += numbers.counted(amount, noun)
        return said + full_stop(match)

    scale = rf"(?:{SPACE}?(?P<scale>{any_of(language.scales)}){SPACE})?"
    units = rf"{SPACE}?(?P<unit>{any_of(language.units)})(?![^\W_]|/[^\W_])"
    return Rule("unit", low_high(language) + scale + units, speak)


def money(language: Language) -> list[Rule]:
    """The sign before or after the number: "$3.50", "3,50 €", "$2.5 million", "5 USD"."""
    numbers = language.numbers

    def price(match: Match) -> str:
        currency = language.currencies[match["currency"]]
        amount, scale, noun = last_amount(language, match), match["scale"], currency.unit
        if language.attributive(match):
            noun = replace(noun, many=noun.one)
        sign = numbers.sign(Amount("0", sign="-")) if match.groupdict().get("minus") else ""
        said = sign + span(language, match, noun.gender)
        if scale:
            said += numbers.scaled(amount, language.scales[scale], noun)
        elif len(amount.decimals) == 2 and currency.hundredth:
            said += coins(amount, noun, currency.hundredth)
        else:
            said += numbers.counted(amount, noun)
        suffix = match["per"]
        return f"{said} {language.unit_suffixes[suffix]}" if suffix else said + full_stop(match)

    def coins(amount: Amount, noun: Noun, hundredth: Noun) -> str:
        cents = Amount(str(int(amount.decimals)))
        whole = Amount(amount.whole, "", amount.sign)
        if cents.whole == "0":
            return numbers.counted(whole, noun)
        if not amount.whole.strip("0"):
            return numbers.sign(amount) + numbers.counted(cents, hundredth)
        said_cents = numbers.counted(cents, hundredth) if language.name_cents else numbers.whole(cents.whole)
        return numbers.counted(whole, noun) + language.cents_joint + said_cents

    scale = rf"(?:{SPACE}?(?P<scale>{any_of(language.scales)}){NOT_IN_WORD})?"
    per = rf"(?P<per>{any_of(language.unit_suffixes)}{NOT_IN_WORD})?" if language.unit_suffixes else "(?P<per>(?!))?"
    money_sign = rf"(?P<currency>{any_of(language.currencies)})"
    minus = r"(?P<minus>(?<![^\s(])[-−])?"
    high = rf"(?:{RANGE_DASH}{any_of(language.currencies)}?(?P<high>{numbers.pattern}))?"
    low = rf"(?P<low>{numbers.pattern})"
    before = rf"{minus}{money_sign}{SPACE}?{low}{high}{scale}{NOT_IN_WORD}{per}"
    after = rf"{low_high(language)}{scale}(?:{SPACE}{language.of})?{SPACE}?{money_sign}{NOT_IN_WORD}{per}"
    return [Rule("money", before, price), Rule("money", after, price)]


def scaled(language: Language) -> Rule:
    """ "5bn", "12 млн", "1 millón": a number and a scale."""
    words = {word: noun for word, noun in language.scales.items() if len(word) > 1}

    def speak(match: Match) -> str:
        amount = last_amount(language, match)
        said = language.numbers.scaled(amount, words[match["scale"]], None)
        return span(language, match) + said + full_stop(match)

    return Rule("scale", rf"{low_high(language)}{SPACE}?(?P<scale>{any_of(words)}){NOT_IN_WORD}", speak)


def vulgar_fraction(language: Language) -> Rule:
    """ "½", "2½", "2 ½"."""
    numbers, names = language.numbers, language.vulgar_fractions

    def speak(match: Match) -> str:
        if match["whole"] is None:
            return names[match["fraction"]]
        whole = numbers.whole(match["whole"])
        part = language.a_half if match["fraction"] == "½" else names[match["fraction"]]
        return f"{whole}{language.half_joint}{part}"

    return Rule("fraction", rf"(?:(?P<whole>[0-9]{{1,9}}){SPACE}?)?(?P<fraction>{any_of(names)})", speak)


# Dates and telephones


def iso_date(say_date: Callable[[int, int, str], str]) -> Rule:
    """`say_date` takes day, month and the year as written."""
    pattern = r"(?P<year>[12][0-9]{3})[-/.](?P<month>0[1-9]|1[0-2])[-/.](?P<day>0[1-9]|[12][0-9]|3[01])(?![-/.]?[0-9])"
    return Rule("date", pattern + NOT_IN_WORD, lambda m: say_date(int(m["day"]), int(m["month"]), m["year"]))


def day_first_date(say_date: Callable[[int, int, str], str]) -> Rule:
    day, month, year = r"(?P<day>0?[1-9]|[12][0-9]|3[01])", r"(?P<month>0?[1-9]|1[0-2])", r"(?P<year>[12][0-9]{3})"
    pattern = rf"{day}[./-]{month}[./-]{year}(?![-/.]?[0-9])" + NOT_IN_WORD
    return Rule("date", pattern, lambda match: say_date(int(match["day"]), int(match["month"]), match["year"]))


def telephone(numbers: Numbers, *national: str, group: Callable[[str], str] | None = None) -> list[Rule]:
    """International numbers, and what the `national` patterns match; `group` says one run of digits."""
    say = group or numbers.digits

    def speak(match: Match) -> str:
        plus = f"{numbers.plus} " if match.group().startswith("+") else ""
        return plus + ", ".join(say(run) for run in re.findall("[0-9]+", match.group()))

    def speak_if_long(match: Match) -> str | None:
        return speak(match) if sum(char.isdecimal() for char in match.group()) >= 8 else None

    spaced = r"\+[0-9]{1,3}(?:(?:[ .-]?\(|\)[ .-]?|[ \u00a0.-])[0-9]{1,4}){2,7}(?!-?[0-9])" + NOT_IN_WORD
    solid = r"\+[0-9]{8,15}(?![0-9])" + NOT_IN_WORD
    return [
        Rule("telephone", spaced, speak_if_long),
        Rule("telephone", solid, lambda match: f"{numbers.plus} {numbers.digits(match.group())}"),
        *(Rule("telephone", pattern + r"(?!-?[0-9])" + NOT_IN_WORD, speak) for pattern in national),
    ]


def dotted(dot: str, say_part: Callable[[str], str], *, unless: str = "(?!)") -> Rule:
    """Versions and IP addresses: numbers with two points or more; `unless` is the pattern of a grouped number."""
    return Rule(
        "version",
        rf"(?!{unless})" + r"[0-9]{1,9}(?:\.[0-9]{1,9}){2,9}(?!\.?[0-9])" + NOT_IN_WORD,
        lambda match: f" {dot} ".join(say_part(part) for part in match.group().split(".")),
    )


def digit_groups(numbers: Numbers) -> Rule:
    """An ISBN, a card number: three groups or more joined by hyphens; a postal code: two."""
    return Rule(
        "digits",
        r"(?:[0-9]{1,20}(?:[-‐‑–][0-9]{1,20}){2,10}|0[0-9]{2,9}-[0-9]{1,9}|[0-9]{5}-[0-9]{4})(?![0-9])" + NOT_IN_WORD,
        lambda match: ", ".join(numbers.digits(run) for run in re.findall("[0-9]+", match.group())),
    )


# Signs


def operator(language: Language) -> list[Rule]:
    """Signs of arithmetic between numbers, and a dash between measures."""
    words = {sign: word for sign, word in language.operators.items() if len(sign) == 1}
    tight = {sign: word for sign, word in words.items() if sign not in "-x:/–хX"}
    after = rf"(?={SPACE}?[-−(]?[$€£]?[.]?[0-9])"
    spaced_after = rf"(?={SPACE}[-−(]?[$€£]?[.]?[0-9])"
    before = rf"(?:(?<=[0-9)²³%])|(?<=[0-9)²³%]{SPACE}))"
    measured = r"(?:(?<=[ap]m)|(?<=[°%])|(?<=°[CF])|(?<=[0-9][mkMh]))"
    return [
        # "9am-10am", "20°C–25°C": the unit written twice.
        fixed("range", rf"{measured}[-–](?=[$€£]?[0-9])", language.range_joint.strip()),
        table("operator", words, before=rf"(?<=[0-9)²³%]{SPACE})", after=spaced_after),
        table("operator", tight, before=before, after=after),
    ]


def by(language: Language) -> Rule:
    """ "3 x 4", "20 ft x 30 ft"."""
    return fixed("operator", r"(?<=[\w²\"'′″] )[xXхХ](?= [0-9])", language.operators["x"])


def exponent(language: Language) -> list[Rule]:
    def power(match: Match) -> str:
        written = match["digits"].translate(SUPERSCRIPTS)
        if match.group().startswith("⁻"):
            return f"{language.power} {language.numbers.minus} {language.numbers.whole(written)}"
        if written in ("2", "3"):
            return language.squared if written == "2" else language.cubed
        if match.string[match.start() - 1 : match.start()].isdigit():
            return f"{language.power} {language.numbers.whole(written)}"
        return language.numbers.whole(written)

    return [
        Rule("exponent", r"⁻?(?P<digits>[⁰¹²³⁴-⁹]{1,9})", power),
        Rule("subscript", r"[₀-₉]{1,9}", lambda m: language.numbers.whole(m.group().translate(SUPERSCRIPTS))),
    ]


def decoration() -> list[Rule]:
    """Keyboard signs that are silent."""
    ornament = r"[*_~#|^=\\]"
    return [
        # A list's bullet, a heading's mark.
        fixed("decoration", r"(?<![^\n])(?:[*+•·]|#{1,6})(?=[ \t])", ""),
        # A run of signs, or one that leans on a word: Markdown's emphasis, a footnote's star.
        fixed("decoration", rf"(?<![^\W_])(?<!{ornament}){ornament}{{2,}}", ""),
        fixed("decoration", rf"(?<!{ornament}){ornament}{{2,}}(?!{ornament}|[^\W_])", ""),
        fixed("decoration", r"(?:(?<![^\W_])[*_](?=[^\s*_])|(?<=[^\s*_])[*_](?![^\W_]))", ""),
        fixed("decoration", r"(?<=[^\W_])[™®](?![^\W_])", ""),
    ]


def signs(language: Language) -> list[Rule]:
    """What is left of the keyboard: silent as decoration, named when it stands alone."""
    names = {sign: word for sign, word in language.signs.items() if word}
    return [*decoration(), table("sign", names, after=r"")]
