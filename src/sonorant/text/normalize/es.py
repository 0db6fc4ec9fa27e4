"""Spanish, of Spain and of America."""

from __future__ import annotations

from typing import ClassVar

from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import word_after
from sonorant.text.normalize.european import Grammar, clock, roman, scanner
from sonorant.text.normalize.numbers import EuropeanNumbers, Noun, nouns, spell
from sonorant.text.normalize.rules import Currency, Language
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule, Scanner


class SpanishNumbers(EuropeanNumbers):
    language: ClassVar[str] = "es"
    digit_names: ClassVar[tuple[str, ...]] = tuple("cero uno dos tres cuatro cinco seis siete ocho nueve".split())
    minus: ClassVar[str] = "menos"
    plus: ClassVar[str] = "más"
    point: ClassVar[str] = "coma"
    ampersand: ClassVar[str] = "y"
    dot: ClassVar[str] = "punto"
    version: ClassVar[str] = "versión"

    def cardinal(self, number: int, gender: str = "") -> str:
        return spell("es", {"": "numbering", "f": "cardinal-feminine"}.get(gender, "cardinal-masculine"), number)

    def ordinal(self, number: int, gender: str = "m") -> str:
        """`gender` may also be "a", the short masculine before its noun: "primer"."""
        rulesets = {"m": "ordinal-masculine", "f": "ordinal-feminine", "a": "ordinal-masculine-adjective"}
        return spell("es", rulesets[gender], number)

    def after_scale(self, scale: Noun, noun: str) -> str:
        return noun if scale.one == "mil" else f"de {noun}"


NUMBERS = SpanishNumbers()

UNITS = nouns("""
%: por ciento, por ciento,
°C, ° C, ºC, º C, ℃: grado Celsius, grados Celsius
°F, ° F, ℉: grado Fahrenheit, grados Fahrenheit
°: grado, grados
km: kilómetro, kilómetros
m: metro, metros
cm: centímetro, centímetros
mm: milímetro, milímetros
kg: kilogramo, kilogramos
g: gramo, gramos
mg: miligramo, miligramos
t: tonelada, toneladas, f
l, L: litro, litros
ml, mL: mililitro, mililitros
cl: centilitro, centilitros
ha: hectárea, hectáreas, f
m², m2: metro cuadrado, metros cuadrados
km², km2: kilómetro cuadrado, kilómetros cuadrados
m³, m3: metro cúbico, metros cúbicos
km/h: kilómetro por hora, kilómetros por hora
m/s: metro por segundo, metros por segundo
h: hora, horas, f
min: minuto, minutos
s: segundo, segundos
ms: milisegundo, milisegundos
Hz: hercio, hercios
kHz: kilohercio, kilohercios
MHz: megahercio, megahercios
GHz: gigahercio, gigahercios
kB, KB: kilobyte, kilobytes
MB: megabyte, megabytes
GB: gigabyte, gigabytes
TB: terabyte, terabytes
MB/s: megabyte por segundo, megabytes por segundo
W: vatio, vatios
kW: kilovatio, kilovatios
MW: megavatio, megavatios
kWh: kilovatio hora, kilovatios hora
V: voltio, voltios
dB: decibelio, decibelios
kcal: kilocaloría, kilocalorías, f
""")

_CENTIMO, _CENTAVO = Noun("céntimo", "céntimos"), Noun("centavo", "centavos")
_DOLLAR = Currency(Noun("dólar", "dólares"), _CENTAVO)
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), Currency(Noun("euro", "euros"), _CENTIMO)),
    **dict.fromkeys(("$", "US$", "USD", "U$S"), _DOLLAR),
    **dict.fromkeys(("£", "GBP"), Currency(Noun("libra", "libras", "f"), Noun("penique", "peniques"))),
    **dict.fromkeys(("¥", "JPY"), Currency(Noun("yen", "yenes"))),
    **dict.fromkeys(("MX$", "MXN"), Currency(Noun("peso mexicano", "pesos mexicanos"), _CENTAVO)),
    **dict.fromkeys(("₽", "RUB"), Currency(Noun("rublo", "rublos"))),
    "CHF": Currency(Noun("franco suizo", "francos suizos")),
}  # fmt: skip

LANGUAGE = Language(
    numbers=NUMBERS,
    units=UNITS,
    currencies=CURRENCIES,
    scales={
        "mil": Noun("mil", "mil"), "millón": Noun("millón", "millones"), "millones": Noun("millón", "millones"),
        "M": Noun("millón", "millones"), "billón": Noun("billón", "billones"), "billones": Noun("billón", "billones"),
    },
    range_joint=" a ",
    operators={
        "+": "más", "-": "menos", "−": "menos", "–": "menos", "×": "por", "x": "por", "*": "por", "÷": "entre",
        "/": "entre",
        "=": "igual a", "<": "menor que", ">": "mayor que", "≤": "menor o igual que", "≥": "mayor o igual que",
        "≠": "distinto de", "≈": "aproximadamente", "±": "más menos", "^": "elevado a",
    },
    signs={
        "%": "por ciento", "°": "grados", "©": "copyright", "®": "registrado", "™": "marca registrada", "§": "sección",
        "~": "aproximadamente", "^": "circunflejo", "|": "barra vertical", "\\": "barra invertida", "/": "barra",
        "*": "asterisco", "_": "guion bajo", "&": "y", "+": "más", "=": "igual a", "×": "por", "÷": "entre",
        "±": "más menos", "≈": "aproximadamente", "#": "almohadilla", "@": "arroba", "№": "número", "$": "dólar",
        "€": "euro", "£": "libra", "¥": "yen", "−": "menos",
    },
    cents_joint=" con ",
    squared="al cuadrado",
    cubed="al cubo",
    power="elevado a",
    vulgar_fractions={
        "½": "un medio", "⅓": "un tercio", "⅔": "dos tercios", "¼": "un cuarto", "¾": "tres cuartos", "⅛": "un octavo",
        "⅕": "un quinto",
    },
    of="de",
    half_joint=" y ",
    a_half="medio",
)  # fmt: skip

SPELLING = Spelling(
    numbers=NUMBERS,
    hashtag="hashtag",
    signs={
        ".": "punto", "@": "arroba", "/": "barra", "-": "guion", "_": "guion bajo", "?": "signo de interrogación",
        "=": "igual", "&": "y", "#": "almohadilla", "%": "por ciento", ":": "dos puntos", "~": "virgulilla", "+": "más",
    },
)  # fmt: skip

MONTHS = tuple(
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()
)  # fmt: skip
TITLES = {
    "Sr": "señor", "Sra": "señora", "Srta": "señorita", "Sres": "señores", "Dr": "doctor", "Dra": "doctora", "D": "don",
    "Dña": "doña", "Prof": "profesor", "Profa": "profesora", "Lic": "licenciado", "Ing": "ingeniero", "Gral": "general",
    "Sto": "santo", "Sta": "santa", "Av": "avenida", "Avda": "avenida", "Ud": "usted",
}  # fmt: skip
LABELS = {
    "núm.": "número", "Núm.": "número", "n.º": "número", "N.º": "número", "nº": "número", "Nº": "número",
    "n.°": "número",
    "pág.": "página", "págs.": "páginas", "p.": "página", "pp.": "páginas", "vol.": "volumen", "cap.": "capítulo",
    "art.": "artículo", "Art.": "artículo", "fig.": "figura", "Fig.": "figura", "tel.": "teléfono", "Tel.": "teléfono",
}  # fmt: skip
INNER = {
    "C/": "calle", "c/": "calle", "D.ª": "doña", "p. ej.": "por ejemplo", "p.ej.": "por ejemplo",
    "aprox.": "aproximadamente", "vs.": "versus", "Ud.": "usted",
    "Uds.": "ustedes", "Vd.": "usted", "dpto.": "departamento", "Dpto.": "departamento",
}  # fmt: skip
ENDING = {
    "etc.": "etcétera", "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos", "EE UU": "Estados Unidos",
    "a. m.": "A M", "p. m.": "P M", "a.m.": "A M", "p.m.": "P M", "a. C.": "antes de Cristo",
    "d. C.": "después de Cristo",
    "a.C.": "antes de Cristo", "d.C.": "después de Cristo", "Cía.": "compañía",
}  # fmt: skip
QUEENS = frozenset("Isabel Catalina Juana María Cristina Victoria Margarita Ana".split())
KINGS = frozenset(
    """Felipe Alfonso Carlos Fernando Luis Enrique Jorge Pablo Pío Benedicto Juan León Sancho Pedro Napoleón Guillermo
    Ricardo Eduardo Jaime Francisco Nicolás Alejandro Federico Ramsés""".split()
)  # fmt: skip
# After a bare number these are not what it counts.
_NOT_COUNTED = frozenset("y o e a de del en que con por para es son más menos se la el los las lo un una mil".split())


_FEMININE = frozenset("vez noche parte calle clase mano tarde leche llave nube torre serie".split())


def say_date(day: int, month: int, year: str) -> str:
    return f"{NUMBERS.cardinal(day)} de {MONTHS[month - 1]} de {NUMBERS.whole(year)}"


def say_time(match: Match) -> str:
    hour, minute, second = clock(match)
    with_hours = match["hours"] is not None
    spoken = NUMBERS.cardinal(hour, "f")
    if with_hours:
        spoken += " hora" if hour == 1 else " horas"
    if minute:
        spoken += f" {NUMBERS.cardinal(minute)}"
    return spoken + (f" y {NUMBERS.cardinal(second, 'm')} segundos" if second else "")


def fraction(top: int, bottom: int) -> str:
    names = {2: "medio", 3: "tercio"}
    if not 2 <= bottom <= 10 or not 0 < top < bottom:
        return f"{NUMBERS.cardinal(top)} sobre {NUMBERS.cardinal(bottom)}"
    name = names.get(bottom) or NUMBERS.ordinal(bottom)
    return f"{NUMBERS.cardinal(top, 'm')} {name}{'s' * (top > 1)}"


def gender(match: Match) -> str:
    """Of the noun that follows: "21 personas" is "veintiuna"."""
    noun = word_after(match)
    one = match.group() == "1"
    if not noun.islower() or noun in _NOT_COUNTED or not (one or noun.endswith("s")):
        return ""
    if noun.removesuffix("s") in _FEMININE or noun == "veces":
        return "f"
    return "f" if noun.rstrip("s").endswith(("a", "ción", "cione", "sione", "dad", "dade")) and noun != "días" else "m"


def _ordinal(match: Match) -> str:
    mark = match["mark"]
    kind = "f" if mark in ("ª", "ra", "da", "ta", "va", "ma", "na") else "a" if mark == "er" else "m"
    return NUMBERS.ordinal(int(match["number"]), kind)


def _roman(value: int, before: str) -> str | None:
    if before in KINGS or before in QUEENS or before.lower() in ("siglo", "siglos"):
        return NUMBERS.ordinal(value, "f" if before in QUEENS else "m") if value <= 10 else NUMBERS.cardinal(value)
    if before.lower() in ("capítulo", "tomo", "parte", "acto", "guerra", "fase", "título", "anexo", "volumen"):
        return NUMBERS.cardinal(value)
    return None


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
            telephones=[
                r"[6-9][0-9]{2} [0-9]{3} (?!000)[0-9]{3}",
                r"[6-9][0-9]{2}(?: [0-9]{2}){3}",
                r"9[0-9] [0-9]{3} [0-9]{2} [0-9]{2}",
            ],
            time_suffix=r"(?P<hours> ?(?:h|hs|hrs|horas)(?![^\W_]))?",
            number_rules=[
                Rule(
                    "ordinal",
                    r"(?P<number>[0-9]{1,4})\.?(?P<mark>[ºª]|er|ro|do|to|vo|mo|no|ra|da|ta|va|ma|na)" + NOT_IN_WORD,
                    _ordinal,
                )
            ],
            word_rules=[roman(_roman)],
        )
    )
