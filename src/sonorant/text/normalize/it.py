"""Italian."""

from __future__ import annotations

from typing import ClassVar

from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import word_after, word_before
from sonorant.text.normalize.european import Grammar, clock, roman, scanner
from sonorant.text.normalize.numbers import Amount, EuropeanNumbers, Noun, nouns, spell
from sonorant.text.normalize.rules import Currency, Language
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule, Scanner
from sonorant.text.normalize.words import ROMAN, roman_value


class ItalianNumbers(EuropeanNumbers):
    """Gender shows only in 1 alone; before s and a consonant the counting "uno" serves."""

    language: ClassVar[str] = "it"
    digit_names: ClassVar[tuple[str, ...]] = tuple("zero uno due tre quattro cinque sei sette otto nove".split())
    minus: ClassVar[str] = "meno"
    plus: ClassVar[str] = "più"
    point: ClassVar[str] = "virgola"
    ampersand: ClassVar[str] = "e"
    dot: ClassVar[str] = "punto"
    version: ClassVar[str] = "versione"

    def cardinal(self, number: int, gender: str = "") -> str:
        if number == 1:
            return {"m": "un", "f": "una"}.get(gender, "uno")
        return spell("it", "numbering", number)

    def ordinal(self, number: int, gender: str = "m") -> str:
        """Made from the cardinal, because CLDR has "duemilamillesimo"."""
        first = "zeresimo primo secondo terzo quarto quinto sesto settimo ottavo nono decimo".split()
        if number < len(first):
            word = first[number]
        else:
            stem = self.cardinal(number)
            if stem.endswith("mila"):
                stem = stem.removesuffix("a") + "la"
            elif stem.endswith("tré"):
                stem = stem.removesuffix("é") + "ee"
            elif number % 10 in (3, 6) and number % 100 not in (13, 16):
                stem += "e"
            word = stem[:-1] + "esimo"
        return word[:-1] + "a" if gender == "f" else word

    def counted(self, amount: Amount, noun: Noun) -> str:
        if amount.is_one and noun.gender == "f" and noun.one[0] in "aeiou":
            return f"{self.sign(amount)}un'{noun.one}"
        return super().counted(amount, noun)

    def after_scale(self, scale: Noun, noun: str) -> str:
        return noun if scale.one == "mille" else f"di {noun}"


NUMBERS = ItalianNumbers()

UNITS = nouns("""
%: per cento, per cento,
°C, ° C, ºC, º C, ℃: grado Celsius, gradi Celsius
°F, ° F, ℉: grado Fahrenheit, gradi Fahrenheit
°: grado, gradi
km: chilometro, chilometri
m: metro, metri
cm: centimetro, centimetri
mm: millimetro, millimetri
kg: chilogrammo, chilogrammi
g: grammo, grammi
mg: milligrammo, milligrammi
t: tonnellata, tonnellate, f
l, L: litro, litri
ml, mL: millilitro, millilitri
cl: centilitro, centilitri
ha: ettaro, ettari
m², m2, mq: metro quadrato, metri quadrati
km², km2, kmq: chilometro quadrato, chilometri quadrati
m³, m3: metro cubo, metri cubi
km/h: chilometro orario, chilometri orari
m/s: metro al secondo, metri al secondo
h: ora, ore, f
min: minuto, minuti
s: secondo, secondi
ms: millisecondo, millisecondi
Hz: hertz, hertz
kHz: chilohertz, chilohertz
MHz: megahertz, megahertz
GHz: gigahertz, gigahertz
kB, KB: kilobyte, kilobyte
MB: megabyte, megabyte
GB: gigabyte, gigabyte
TB: terabyte, terabyte
MB/s: megabyte al secondo, megabyte al secondo
W: watt, watt
kW: chilowatt, chilowatt
MW: megawatt, megawatt
kWh: chilowattora, chilowattora
V: volt, volt
dB: decibel, decibel
kcal: chilocaloria, chilocalorie, f
""")

_CENTESIMO = Noun("centesimo", "centesimi")
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), Currency(Noun("euro", "euro"), _CENTESIMO)),
    **dict.fromkeys(("$", "US$", "USD"), Currency(Noun("dollaro", "dollari"), _CENTESIMO)),
    **dict.fromkeys(("£", "GBP"), Currency(Noun("sterlina", "sterline", "f"), Noun("penny", "pence"))),
    **dict.fromkeys(("¥", "JPY"), Currency(Noun("yen", "yen"))),
    **dict.fromkeys(("CHF",), Currency(Noun("franco svizzero", "franchi svizzeri"), _CENTESIMO)),
    **dict.fromkeys(("₽", "RUB"), Currency(Noun("rublo", "rubli"))),
}
_MILLION, _BILLION = Noun("milione", "milioni"), Noun("miliardo", "miliardi")

LANGUAGE = Language(
    numbers=NUMBERS,
    units=UNITS,
    currencies=CURRENCIES,
    scales={
        "mila": Noun("mila", "mila"), "milione": _MILLION, "milioni": _MILLION, "mln": _MILLION, "miliardo": _BILLION,
        "miliardi": _BILLION, "mld": _BILLION,
    },
    range_joint=" a ",
    operators={
        "+": "più", "-": "meno", "−": "meno", "–": "meno", "×": "per", "x": "per", "*": "per", "÷": "diviso",
        "/": "fratto",
        "=": "uguale", "<": "minore di", ">": "maggiore di", "≤": "minore o uguale a", "≥": "maggiore o uguale a",
        "≠": "diverso da", "≈": "circa", "±": "più o meno", "^": "elevato a",
    },
    signs={
        "%": "per cento", "°": "gradi", "©": "copyright", "®": "marchio registrato", "™": "marchio", "§": "paragrafo",
        "~": "circa", "^": "accento circonflesso", "|": "barra verticale", "\\": "barra rovesciata", "/": "barra",
        "*": "asterisco", "_": "trattino basso", "&": "e", "+": "più", "=": "uguale", "×": "per", "÷": "diviso",
        "±": "più o meno", "≈": "circa", "#": "cancelletto", "@": "chiocciola", "№": "numero", "$": "dollaro",
        "€": "euro", "£": "sterlina", "¥": "yen", "−": "meno",
    },
    cents_joint=" e ",
    squared="al quadrato",
    cubed="al cubo",
    power="elevato a",
    vulgar_fractions={
        "½": "un mezzo", "⅓": "un terzo", "⅔": "due terzi", "¼": "un quarto", "¾": "tre quarti", "⅛": "un ottavo",
        "⅕": "un quinto",
    },
    of="di",
    half_joint=" e ",
    a_half="mezzo",
)  # fmt: skip

SPELLING = Spelling(
    numbers=NUMBERS,
    hashtag="hashtag",
    signs={
        ".": "punto", "@": "chiocciola", "/": "barra", "-": "trattino", "_": "trattino basso",
        "?": "punto interrogativo",
        "=": "uguale", "&": "e", "#": "cancelletto", "%": "per cento", ":": "due punti", "~": "tilde", "+": "più",
    },
)  # fmt: skip

MONTHS = tuple(
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split()
)  # fmt: skip
TITLES = {
    "Sig": "signor", "Sigg": "signori", "Dott": "dottor", "Dr": "dottor",
    "Prof": "professor", "Ing": "ingegner", "Avv": "avvocato", "On": "onorevole", "Gen": "generale", "Rag": "ragionier",
    "Arch": "architetto", "S": "san",
}  # fmt: skip
# Written without a last full stop.
SHORT_TITLES = {
    "Sig.ra": "signora", "Sig.na": "signorina", "Dott.ssa": "dottoressa", "Prof.ssa": "professoressa", "V.le": "viale",
    "P.zza": "piazza", "P.za": "piazza", "C.so": "corso",
}  # fmt: skip
LABELS = {
    "n.": "numero", "N.": "numero", "n°": "numero", "nº": "numero", "pag.": "pagina", "pagg.": "pagine", "p.": "pagina",
    "pp.": "pagine", "vol.": "volume", "cap.": "capitolo", "art.": "articolo", "Art.": "articolo", "fig.": "figura",
    "Fig.": "figura", "tel.": "telefono", "Tel.": "telefono", "ca.": "circa",
}  # fmt: skip
INNER = {
    "p. es.": "per esempio", "p.es.": "per esempio", "ad es.": "ad esempio", "ca.": "circa", "cfr.": "confronta",
    "sec.": "secolo",
    "vs.": "contro", "sig.": "signor", "sig.ra": "signora", "dott.": "dottor", "prof.": "professor",
}  # fmt: skip
ENDING = {
    "ecc.": "eccetera", "etc.": "eccetera", "a.C.": "avanti Cristo", "a. C.": "avanti Cristo", "d.C.": "dopo Cristo",
    "d. C.": "dopo Cristo",
}  # fmt: skip
KINGS = frozenset(
    """Luigi Enrico Carlo Vittorio Umberto Filippo Paolo Pio Giovanni Benedetto Leone Napoleone Giorgio Guglielmo
    Alessandro
    Pietro Federico Ferdinando Francesco Nicola Edoardo Riccardo Ramses Emanuele Giulio Clemente Gregorio""".split()
)  # fmt: skip
QUEENS = frozenset("Elisabetta Caterina Maria Isabella Cristina Margherita".split())
_NOT_COUNTED = frozenset("e o a da di del della in con per su il la lo le i gli è sono più meno fa".split())


def say_date(day: int, month: int, year: str) -> str:
    return f"{'primo' if day == 1 else NUMBERS.cardinal(day)} {MONTHS[month - 1]} {NUMBERS.whole(year)}"


def say_time(match: Match) -> str:
    hour, minute, second = clock(match)
    spoken = NUMBERS.cardinal(hour, "f")
    if minute:
        spoken += f" e {NUMBERS.cardinal(minute)}"
    return spoken + (f" e {NUMBERS.cardinal(second, 'm')} second{'o' if second == 1 else 'i'}" if second else "")


def _pointed_time(match: Match) -> str | None:
    """ "17.45", only where an hour is expected."""
    return say_time(match) if word_before(match).lower() in ("ore", "alle", "dalle", "le", "verso") else None


def fraction(top: int, bottom: int) -> str:
    if not 2 <= bottom <= 100 or not 0 < top < bottom:
        return f"{NUMBERS.cardinal(top)} su {NUMBERS.cardinal(bottom)}"
    name = "mezzo" if bottom == 2 else NUMBERS.ordinal(bottom)
    return f"{NUMBERS.cardinal(top, 'm')} {name[:-1] + 'i' if top > 1 else name}"


def gender(match: Match) -> str:
    """Of the noun after 1: "un libro", "una casa"; "uno" before "zaino", "studente"."""
    noun = word_after(match)
    if match.group() != "1" or not noun.islower() or noun in _NOT_COUNTED:
        return ""
    if noun.endswith(("a", "ione", "tà")):
        return "f"
    hard = noun[0] == "z" or (noun[0] == "s" and noun[1:2] not in tuple("aeiou")) or noun.startswith(("gn", "ps"))
    return "" if hard else "m"


def _ordinal(match: Match) -> str | None:
    """A degree sign may stand for "º", before a noun or after an article."""
    after_article = word_before(match).lower() in ("il", "al", "del", "dal", "nel", "sul")
    if match["mark"] == "°" and not word_after(match).islower() and not after_article:
        return None
    return NUMBERS.ordinal(int(match["number"]), "f" if match["mark"] == "ª" else "m")


def _roman(value: int, before: str) -> str | None:
    if before in KINGS or before in QUEENS or before.lower() in ("secolo", "sec", "papa"):
        return NUMBERS.ordinal(value, "f" if before in QUEENS else "m")
    if before.lower() in ("capitolo", "parte", "tomo", "volume", "fase", "titolo", "atto", "scena"):
        return NUMBERS.cardinal(value)
    return None


def _century(match: Match) -> str:
    return NUMBERS.ordinal(roman_value(match.group()))


def normalizer() -> Scanner:
    short_titles = "|".join(sorted((title.replace(".", r"\.") for title in SHORT_TITLES), key=len, reverse=True))
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
            telephones=[r"3[0-9]{2} [0-9]{3} (?!000)[0-9]{4}", r"0[0-9]{1,3}[ /-][0-9]{5,8}"],
            number_rules=[
                Rule(
                    "time",
                    r"(?P<hour>[01]?[0-9]|2[0-3])\.(?P<minute>[0-5][0-9])(?![.,]?[0-9])" + NOT_IN_WORD,
                    _pointed_time,
                ),
                Rule("date", r"(?<!['’])1[°º]?(?= (?:" + "|".join(MONTHS) + r")(?![^\W_]))", lambda match: "primo"),
                Rule("ordinal", r"(?P<number>[0-9]{1,6})\.?(?P<mark>[ºª°])" + NOT_IN_WORD, _ordinal),
            ],
            word_rules=[
                Rule("abbreviation", rf"(?:{short_titles}){NOT_IN_WORD}", lambda match: SHORT_TITLES[match.group()]),
                Rule("roman", ROMAN + r"(?= (?:secolo|capitolo|volume|canto)(?![^\W_]))", _century),
                roman(_roman),
            ],
        )
    )
