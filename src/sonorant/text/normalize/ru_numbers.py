"""Russian numbers: cardinals that agree with their noun, ordinals in every case."""

from __future__ import annotations

from typing import ClassVar

from sonorant.text.normalize.numbers import Amount, EuropeanNumbers, Noun, spell

_MENDED = {"трех": "трёх", "четырех": "четырёх", "трем": "трём", "четырем": "четырём"}

# The last word of an ordinal, in the masculine, by value.
_ORDINALS = {
    0: "нулевой", 1: "первый", 2: "второй", 3: "третий", 4: "четвёртый", 5: "пятый", 6: "шестой", 7: "седьмой",
    8: "восьмой", 9: "девятый", 10: "десятый", 11: "одиннадцатый", 12: "двенадцатый", 13: "тринадцатый",
    14: "четырнадцатый", 15: "пятнадцатый", 16: "шестнадцатый", 17: "семнадцатый", 18: "восемнадцатый",
    19: "девятнадцатый", 20: "двадцатый", 30: "тридцатый", 40: "сороковой", 50: "пятидесятый", 60: "шестидесятый",
    70: "семидесятый", 80: "восьмидесятый", 90: "девяностый", 100: "сотый", 200: "двухсотый", 300: "трёхсотый",
    400: "четырёхсотый", 500: "пятисотый", 600: "шестисотый", 700: "семисотый", 800: "восьмисотый", 900: "девятисотый",
}  # fmt: skip
# Before "-тысячный".
_PREFIXES = {
    1: "", 2: "двух", 3: "трёх", 4: "четырёх", 5: "пяти", 6: "шести", 7: "семи", 8: "восьми", 9: "девяти", 10: "десяти",
    20: "двадцати", 30: "тридцати", 40: "сорока", 50: "пятидесяти", 100: "сто",
}  # fmt: skip
# Endings by form: gender or "p" for plural, then the case: nominative, genitive, dative, accusative, instrumental,
# prepositional. The second of each pair is for "третий".
_ENDINGS = {
    "mn": ("ый", "ий"), "mg": ("ого", "ьего"), "md": ("ому", "ьему"), "mi": ("ым", "ьим"), "mp": ("ом", "ьем"),
    "fn": ("ая", "ья"), "fg": ("ой", "ьей"), "fa": ("ую", "ью"), "nn": ("ое", "ье"), "pn": ("ые", "ьи"),
    "pg": ("ых", "ьих"), "pd": ("ым", "ьим"), "pi": ("ыми", "ьими"),
}  # fmt: skip


class RussianNumbers(EuropeanNumbers):
    language: ClassVar[str] = "ru"
    digit_names: ClassVar[tuple[str, ...]] = tuple("ноль один два три четыре пять шесть семь восемь девять".split())
    minus: ClassVar[str] = "минус"
    plus: ClassVar[str] = "плюс"
    point: ClassVar[str] = "запятая"
    ampersand: ClassVar[str] = "и"
    dot: ClassVar[str] = "точка"
    version: ClassVar[str] = "версия"

    def cardinal(self, number: int, gender: str = "") -> str:
        """`gender` may also be "g", the genitive."""
        if gender == "g":
            return self.genitive(number)
        ruleset = {"f": "cardinal-feminine", "n": "cardinal-neuter"}.get(gender, "cardinal-masculine")
        return self._mend(spell("ru", ruleset, number))

    def genitive(self, number: int, gender: str = "m") -> str:
        ruleset = "cardinal-feminine-genitive" if gender == "f" else "cardinal-masculine-genitive"
        return self._mend(spell("ru", ruleset, number))

    def prefix(self, number: int) -> str:
        """The number inside a compound: "пяти" in "пятиэтажный"."""
        if number == 1:
            return "одно"
        joined = self.genitive(number).replace(" ", "")
        return {"ста": "сто", "девяноста": "девяносто", "однойтысячи": "тысяче"}.get(joined, joined)

    def _mend(self, spoken: str) -> str:
        words = " ".join(_MENDED.get(word, word) for word in spoken.split())
        return words.removeprefix("одна ") if words.startswith("одна тысяча") else words

    def ordinal(self, number: int, gender: str = "m") -> str:
        return self.ordinal_form(number, gender + "n")

    def ordinal_form(self, number: int, form: str) -> str:
        """`form` is gender and case, as in "mg": masculine, genitive."""
        if number >= 1000 and number % 1000 == 0:
            thousands = number // 1000
            if thousands not in _PREFIXES:
                return self.cardinal(number)
            return _PREFIXES[thousands] + _inflect("тысячный", form)
        rest = number % 100
        last = rest if 0 < rest <= 20 else rest % 10 or rest
        last = last or number % 1000
        head = self.cardinal(number - last) if number > last else ""
        return f"{head} {_inflect(_ORDINALS[last], form)}".strip()

    def decimal(self, amount: Amount, gender: str = "") -> str:
        """ "три целых пять десятых"; more than three decimals digit by digit."""
        places = len(amount.decimals)
        if places > 3 or len(amount.whole) > 9:
            return f"{self.whole(amount.whole)} {self.point} {self.digits(amount.decimals)}"
        names = (("десятая", "десятых"), ("сотая", "сотых"), ("тысячная", "тысячных"))[places - 1]
        whole, part = int(amount.whole), int(amount.decimals)
        return (
            f"{self.cardinal(whole, 'f')} {('целая', 'целых')[not _ends_in_one(whole)]} "
            f"{self.cardinal(part, 'f')} {names[not _ends_in_one(part)]}"
        )

    def form(self, amount: Amount, noun: Noun) -> str:
        if amount.decimals:
            return noun.few
        last, tens = int(amount.whole[-1]), int(amount.whole[-2:])
        if len(amount.whole) > 15 or last in (0, 5, 6, 7, 8, 9) or 11 <= tens <= 14:
            return noun.many
        return noun.one if last == 1 else noun.few

    def in_groups(self, written: str) -> str:
        """A group of a telephone number."""
        return self.digits(written) if written.startswith("0") or len(written) > 3 else self.cardinal(int(written))


def _ends_in_one(number: int) -> bool:
    return number % 10 == 1 and number % 100 != 11


def _inflect(ordinal: str, form: str) -> str:
    stem, is_third = ordinal[:-2], ordinal == "третий"
    if form == "mn":
        return ordinal
    return stem + _ENDINGS[form][is_third]
