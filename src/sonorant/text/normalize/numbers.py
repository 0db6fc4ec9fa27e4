"""Written numbers, read into amounts and spelled out.

Spelling comes from the CLDR rule-based number formats (`unicode-rbnf`); each language's subclass mends what they get
wrong and adds its grammar. Grammatical gender is "m", "f", "n", or "" for counting ("uno", "один").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar

# CLDR's tables end at quadrillions; longer numbers are read digit by digit.
MAX_DIGITS = 15

SPACE = r"[ \u00a0\u202f]"
MINUS_SIGNS = "-−"


@cache
def _engine(language: str) -> Any:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(language)


@lru_cache(maxsize=4096)
def spell(language: str, ruleset: str, number: int) -> str:
    """`number` in words by CLDR's ruleset "spellout-<ruleset>"."""
    name = f"spellout-{ruleset}"
    text: str = _engine(language).format_number(number, ruleset_names=[name]).text_by_ruleset[name]
    return text.replace("\u00ad", "")


@dataclass(frozen=True)
class Noun:
    """A counted noun. `few` is for Russian: after 2, 3, 4 and after a decimal."""

    one: str
    many: str
    gender: str = "m"
    few: str = ""


@dataclass(frozen=True)
class Amount:
    """A number as written: digits only, nothing lost ("3.50" keeps its zero)."""

    whole: str
    decimals: str = ""
    sign: str = ""  # "-", "+" or ""

    @property
    def is_one(self) -> bool:
        return self.whole.lstrip("0") == "1" and not self.decimals


class Numbers:
    """How one language reads and says numbers."""

    language: ClassVar[str]
    digit_names: ClassVar[tuple[str, ...]]
    minus: ClassVar[str]
    plus: ClassVar[str]
    point: ClassVar[str]
    ampersand: ClassVar[str]
    dot: ClassVar[str]  # in versions and addresses
    version: ClassVar[str]
    # An unsigned number, with its group separators and decimals.
    pattern: ClassVar[str]

    def cardinal(self, number: int, gender: str = "") -> str:
        raise NotImplementedError

    def ordinal(self, number: int, gender: str = "m") -> str:
        raise NotImplementedError

    def read(self, written: str) -> Amount:
        """The amount in a text that matched `signed` or `pattern`."""
        raise NotImplementedError

    @property
    def signed(self) -> str:
        """`pattern` with a sign, where the sign cannot be a hyphen."""
        return r"(?:(?<![^\s(\[=:;,/<>])[-−+])?" + self.pattern

    def digits(self, written: str) -> str:
        """Digit by digit; anything else in `written` is passed over."""
        return " ".join(self.digit_names[int(char)] for char in written if char in "0123456789")

    def whole(self, written: str, gender: str = "") -> str:
        if len(written) > MAX_DIGITS:
            return self.digits(written)
        return self.cardinal(int(written or "0"), gender)

    def decimal(self, amount: Amount, gender: str = "") -> str:
        """Whole part, point, decimals; without the sign."""
        return f"{self.whole(amount.whole)} {self.point} {self.decimals(amount.decimals)}"

    def decimals(self, written: str) -> str:
        """One or two decimals as a number ("coma catorce"), more as digits."""
        if len(written) > 2 or written.startswith("0"):
            return self.digits(written)
        return self.cardinal(int(written))

    def say(self, amount: Amount, gender: str = "") -> str:
        spoken = self.decimal(amount, gender) if amount.decimals else self.whole(amount.whole, gender)
        return f"{self.sign(amount)}{spoken}"

    def sign(self, amount: Amount) -> str:
        return {"": "", "-": self.minus + " ", "+": self.plus + " "}[amount.sign]

    def form(self, amount: Amount, noun: Noun) -> str:
        """The form of `noun` that stands after `amount`."""
        return noun.one if amount.is_one else noun.many

    def counted(self, amount: Amount, noun: Noun) -> str:
        return f"{self.say(amount, noun.gender)} {self.form(amount, noun)}"

    def scaled(self, amount: Amount, scale: Noun, noun: Noun | None) -> str:
        """ "2.5 million dollars", "dos millones de euros": the scale counted, the noun after it in the plural."""
        spoken = self.counted(amount, scale)
        return f"{spoken} {self.after_scale(scale, noun.many)}" if noun else spoken

    def after_scale(self, scale: Noun, noun: str) -> str:
        return noun


def split_sign(written: str) -> tuple[str, str]:
    """The sign ("-", "+" or "") and the rest."""
    if written[:1] in MINUS_SIGNS and written:
        return "-", written[1:]
    return ("+", written[1:]) if written.startswith("+") else ("", written)


class EuropeanNumbers(Numbers):
    """Comma before decimals, point or space between groups.

    A point before other than three digits is decimal too, and "1,299.99" is read as America writes it.
    """

    pattern: ClassVar[str] = (
        r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}\.[0-9]{1,2}(?![0-9])|"
        rf"(?:[0-9]{{1,3}}(?:{SPACE}[0-9]{{3}}){{1,5}}(?![0-9])|[0-9]{{1,3}}(?:\.[0-9]{{3}}){{1,5}}(?![0-9])|[0-9]{{1,30}})"
        r"(?:[,.][0-9]{1,30})?(?![0-9]))"
    )

    def read(self, written: str) -> Amount:
        sign, number = split_sign(written)
        number = "".join(number.split())
        if "," in number and number.find(".") > number.find(","):
            whole, _, decimals = number.replace(",", "").partition(".")
            return Amount(whole, decimals, sign)
        if "," in number:
            whole, _, decimals = number.partition(",")
            return Amount(whole.replace(".", ""), decimals, sign)
        first, *groups = number.split(".")
        if groups and (first == "0" or (len(groups) == 1 and len(groups[0]) != 3)):
            return Amount("".join([first, *groups[:-1]]), groups[-1], sign)
        return Amount(number.replace(".", ""), "", sign)


def nouns(text: str) -> dict[str, Noun]:
    """Nouns from lines of `written, written: one, many, gender`; Russian adds `few` at the end."""
    table = {}
    for line in text.strip().splitlines():
        written, _, forms = line.strip().partition(": ")
        noun = Noun(*(form.strip() for form in forms.split(",")))
        table.update(dict.fromkeys(written.split(", "), noun))
    return table
