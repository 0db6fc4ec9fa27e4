"""French."""

from __future__ import annotations

import re
from typing import ClassVar

from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import word_after
from sonorant.text.normalize.european import Grammar, clock, roman, scanner
from sonorant.text.normalize.numbers import Amount, EuropeanNumbers, Noun, nouns, spell
from sonorant.text.normalize.rules import Currency, Language, fixed
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule, Scanner
from sonorant.text.normalize.words import roman_value


class FrenchNumbers(EuropeanNumbers):
    language: ClassVar[str] = "fr"
    digit_names: ClassVar[tuple[str, ...]] = tuple("zéro un deux trois quatre cinq six sept huit neuf".split())
    minus: ClassVar[str] = "moins"
    plus: ClassVar[str] = "plus"
    point: ClassVar[str] = "virgule"
    ampersand: ClassVar[str] = "et"
    dot: ClassVar[str] = "point"
    version: ClassVar[str] = "version"

    def cardinal(self, number: int, gender: str = "") -> str:
        return spell("fr", "cardinal-feminine" if gender == "f" else "cardinal-masculine", number)

    def ordinal(self, number: int, gender: str = "m") -> str:
        """Made from the cardinal, because CLDR has "quatre-vingt-et-unième"."""
        if number == 1:
            return "première" if gender == "f" else "premier"
        word = self.cardinal(number)
        for end, ordinal_end in (("cinq", "cinqu"), ("neuf", "neuv"), ("vingts", "vingt"), ("cents", "cent")):
            if word.endswith(end):
                word = word.removesuffix(end) + ordinal_end
        return word.removesuffix("e").replace("millions", "million") + "ième"

    def decimals(self, written: str) -> str:
        """ "virgule zéro cinq", "virgule quatorze"."""
        if written.startswith("0") and len(written) == 2:
            return self.digits(written)
        return super().decimals(written)

    def form(self, amount: Amount, noun: Noun) -> str:
        return noun.one if amount.whole.lstrip("0") in ("", "1") else noun.many

    def after_scale(self, scale: Noun, noun: str) -> str:
        if scale.one == "mille":
            return noun
        return f"d'{noun}" if noun[0] in "aeiouyéh" else f"de {noun}"

    def in_pairs(self, written: str) -> str:
        """A group of a telephone number: "zéro six", "trente-quatre"."""
        return self.digits(written) if written.startswith("0") or len(written) > 3 else self.cardinal(int(written))


NUMBERS = FrenchNumbers()

UNITS = nouns("""
%: pour cent, pour cent
°C, ° C, ºC, º C, ℃: degré Celsius, degrés Celsius
°F, ° F, ℉: degré Fahrenheit, degrés Fahrenheit
°: degré, degrés
km: kilomètre, kilomètres
m: mètre, mètres
cm: centimètre, centimètres
mm: millimètre, millimètres
kg: kilogramme, kilogrammes
g: gramme, grammes
mg: milligramme, milligrammes
t: tonne, tonnes, f
l, L: litre, litres
ml, mL: millilitre, millilitres
cl: centilitre, centilitres
ha: hectare, hectares
m², m2: mètre carré, mètres carrés
km², km2: kilomètre carré, kilomètres carrés
m³, m3: mètre cube, mètres cubes
km/h: kilomètre heure, kilomètres heure
m/s: mètre par seconde, mètres par seconde
h: heure, heures, f
min: minute, minutes, f
s: seconde, secondes, f
ms: milliseconde, millisecondes, f
Hz: hertz, hertz
kHz: kilohertz, kilohertz
MHz: mégahertz, mégahertz
GHz: gigahertz, gigahertz
ko, kB: kilooctet, kilooctets
Mo, MB: mégaoctet, mégaoctets
Go, GB: gigaoctet, gigaoctets
To, TB: téraoctet, téraoctets
Mo/s: mégaoctet par seconde, mégaoctets par seconde
W: watt, watts
kW: kilowatt, kilowatts
MW: mégawatt, mégawatts
kWh: kilowattheure, kilowattheures
V: volt, volts
dB: décibel, décibels
kcal: kilocalorie, kilocalories, f
""")

_CENTIME, _CENT = Noun("centime", "centimes"), Noun("cent", "cents")
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), Currency(Noun("euro", "euros"), _CENTIME)),
    **dict.fromkeys(("$", "US$", "USD"), Currency(Noun("dollar", "dollars"), _CENT)),
    **dict.fromkeys(("£", "GBP"), Currency(Noun("livre", "livres", "f"), Noun("penny", "pence"))),
    **dict.fromkeys(("¥", "JPY"), Currency(Noun("yen", "yens"))),
    **dict.fromkeys(("CHF",), Currency(Noun("franc suisse", "francs suisses"), _CENTIME)),
    **dict.fromkeys(("₽", "RUB"), Currency(Noun("rouble", "roubles"))),
}
_MILLION, _MILLIARD = Noun("million", "millions"), Noun("milliard", "milliards")

LANGUAGE = Language(
    numbers=NUMBERS,
    units=UNITS,
    currencies=CURRENCIES,
    scales={
        "mille": Noun("mille", "mille"), "million": _MILLION, "millions": _MILLION, "M": _MILLION,
        "milliard": _MILLIARD,
        "milliards": _MILLIARD, "Md": _MILLIARD, "Mds": _MILLIARD,
    },
    range_joint=" à ",
    operators={
        "+": "plus", "-": "moins", "−": "moins", "–": "moins", "×": "fois", "x": "fois", "*": "fois", "÷": "divisé par",
        "/": "sur", "=": "égale", "<": "inférieur à", ">": "supérieur à", "≤": "inférieur ou égal à",
        "≥": "supérieur ou égal à", "≠": "différent de", "≈": "environ", "±": "plus ou moins", "^": "puissance",
    },
    signs={
        "%": "pour cent", "°": "degrés", "©": "copyright", "®": "marque déposée", "™": "marque déposée",
        "§": "paragraphe",
        "~": "environ", "^": "accent circonflexe", "|": "barre verticale", "\\": "barre oblique inverse",
        "/": "barre oblique", "*": "astérisque", "_": "tiret bas", "&": "et", "+": "plus", "=": "égale", "×": "fois",
        "÷": "divisé par", "±": "plus ou moins", "≈": "environ", "#": "dièse", "@": "arobase", "№": "numéro",
        "$": "dollar", "€": "euro", "£": "livre", "¥": "yen", "−": "moins",
    },
    cents_joint=" ",
    squared="au carré",
    cubed="au cube",
    power="puissance",
    vulgar_fractions={
        "½": "un demi", "⅓": "un tiers", "⅔": "deux tiers", "¼": "un quart", "¾": "trois quarts", "⅛": "un huitième",
        "⅕": "un cinquième",
    },
    of="(?:de|d['’])",
    half_joint=" et ",
    a_half="demi",
    name_cents=False,
)  # fmt: skip

SPELLING = Spelling(
    numbers=NUMBERS,
    hashtag="hashtag",
    signs={
        ".": "point", "@": "arobase", "/": "slash", "-": "tiret", "_": "tiret bas", "?": "point d'interrogation",
        "=": "égale", "&": "et", "#": "dièse", "%": "pour cent", ":": "deux points", "~": "tilde", "+": "plus",
    },
)  # fmt: skip

MONTHS = tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split())
TITLES = {
    "M": "monsieur", "MM": "messieurs", "Dr": "docteur", "Pr": "professeur", "Prof": "professeur", "St": "saint",
    "Ste": "sainte", "Mgr": "monseigneur", "Gal": "général",
}  # fmt: skip
# Written without a full stop.
SHORT_TITLES = {
    "Mme": "madame", "Mmes": "mesdames", "Mlle": "mademoiselle", "Mlles": "mesdemoiselles", "Dr": "docteur",
    "Pr": "professeur", "Me": "maître", "Mgr": "monseigneur",
}  # fmt: skip
LABELS = {
    "n°": "numéro", "N°": "numéro", "nº": "numéro", "no.": "numéro", "p.": "page", "pp.": "pages", "vol.": "volume",
    "chap.": "chapitre", "art.": "article", "fig.": "figure", "Fig.": "figure", "tél.": "téléphone",
    "Tél.": "téléphone",
    "env.": "environ",
}  # fmt: skip
INNER = {
    "p. ex.": "par exemple", "p.ex.": "par exemple", "c.-à-d.": "c'est-à-dire", "env.": "environ", "cf.": "confer",
    "vs": "versus", "vs.": "versus", "av.": "avenue", "bd": "boulevard", "bd.": "boulevard",
}  # fmt: skip
ENDING = {
    "etc.": "et cetera", "av. J.-C.": "avant Jésus-Christ", "apr. J.-C.": "après Jésus-Christ", "Cie": "compagnie",
}  # fmt: skip
RULERS = frozenset(
    """Louis Henri Charles François Philippe Napoléon Jean Paul Pie Benoît Léon Élisabeth Elisabeth Catherine Georges
    Édouard Edouard Guillaume Frédéric Nicolas Alexandre Pierre Ramsès Albert Léopold Jacques Clément""".split()
)
_FEMININE = frozenset(
    """personne fois heure minute seconde page semaine année femme fille voiture maison place journée chose question
    ville équipe partie voix tonne livre bouteille""".split()
)


def _day(day: int) -> str:
    return "premier" if day == 1 else NUMBERS.cardinal(day)


def say_date(day: int, month: int, year: str) -> str:
    return f"{_day(day)} {MONTHS[month - 1]} {NUMBERS.whole(year)}"


def say_time(match: Match) -> str:
    hour, minute, second = clock(match)
    spoken = f"{NUMBERS.cardinal(hour, 'f')} {'heure' if hour < 2 else 'heures'}"
    if minute:
        spoken += f" {NUMBERS.cardinal(minute, 'f')}"
    if second:
        spoken += f" et {NUMBERS.cardinal(second, 'f')} {'seconde' if second < 2 else 'secondes'}"
    return spoken


def fraction(top: int, bottom: int) -> str:
    names = {2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts")}
    if not 2 <= bottom <= 100 or not 0 < top < bottom:
        return f"{NUMBERS.cardinal(top)} sur {NUMBERS.cardinal(bottom)}"
    one = NUMBERS.ordinal(bottom)
    return f"{NUMBERS.cardinal(top)} {names.get(bottom, (one, one + 's'))[top > 1]}"


def gender(match: Match) -> str:
    return "f" if word_after(match).lower().removesuffix("s") in _FEMININE | {"foi"} else ""


def _ordinal(match: Match) -> str:
    mark = match["mark"]
    spoken = NUMBERS.ordinal(int(match["number"]), "f" if mark.startswith(("r", "èr")) else "m")
    if match["number"] == "2" and mark.startswith(("nd", "de")):
        spoken = "second" if mark.startswith("nd") and "e" not in mark else "seconde"
    return spoken + "s" * mark.endswith("s")


def _roman(value: int, before: str) -> str | None:
    if before in RULERS or before.lower() in (
        "chapitre",
        "tome",
        "partie",
        "acte",
        "guerre",
        "phase",
        "titre",
        "volume",
    ):
        return NUMBERS.cardinal(value) if value > 1 or before not in RULERS else "premier"
    return None


def _roman_ordinal(match: Match) -> str:
    return NUMBERS.ordinal(roman_value(match["numeral"]), "f" if match["mark"].startswith("r") else "m")


def normalizer() -> Scanner:
    return scanner(
        Grammar(
            language=LANGUAGE,
            spelling=SPELLING,
            say_date=say_date,
            say_time=say_time,
            fraction=fraction,
            gender=gender,
            titles=TITLES,
            labels=LABELS,
            inner=INNER,
            ending=ENDING,
            telephones=[r"0[1-9](?:[ .-][0-9]{2}){4}"],
            telephone_group=NUMBERS.in_pairs,
            time_suffix=r"(?: ?h(?![^\W_]))?",
            number_rules=[
                Rule("date", r"1(?= (?:" + "|".join(MONTHS) + r")(?![^\W_]))", lambda match: "premier"),
                Rule(
                    "time",
                    r"(?P<hour>[01]?[0-9]|2[0-4])(?: ?h ?(?P<minute>[0-5][0-9])|[hH])(?![0-9])" + NOT_IN_WORD,
                    say_time,
                ),
                Rule(
                    "ordinal",
                    r"(?P<number>[0-9]{1,6})(?P<mark>ers?|res?|ères?|èmes?|emes?|es?|nde?s?|des?)" + NOT_IN_WORD,
                    _ordinal,
                ),
            ],
            word_rules=[
                Rule(
                    "roman",
                    r"(?P<numeral>(?=[IVXL])X{0,3}(?:IX|IV|V?I{0,3}))(?P<mark>er|re|ème|e)" + NOT_IN_WORD,
                    _roman_ordinal,
                ),
                Rule(
                    "abbreviation",
                    rf"(?:{'|'.join(sorted(SHORT_TITLES, key=len, reverse=True))})\.?(?= [A-ZÀ-Þ])",
                    lambda match: SHORT_TITLES[re.sub(r"\W", "", match.group())],
                ),
                fixed("abbreviation", r"M\.(?= l[ea] )", "monsieur"),
                fixed("abbreviation", r"av\. J\.-C\.(?= [a-zà-ÿ])", "avant Jésus-Christ"),
                Rule(
                    "abbreviation", r"(?:St|Ste)(?=[ -][A-ZÀ-Þ])", lambda m: "saint" if m.group() == "St" else "sainte"
                ),
                roman(_roman),
            ],
        )
    )
