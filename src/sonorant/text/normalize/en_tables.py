"""English: its numbers and its tables."""

from __future__ import annotations

import re
from typing import ClassVar

from sonorant.text.normalize import rules
from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import word_after, word_before
from sonorant.text.normalize.numbers import Amount, Noun, Numbers, nouns, spell, split_sign
from sonorant.text.normalize.rules import Currency, Language


class EnglishNumbers(Numbers):
    """Comma between groups, point before decimals."""

    language: ClassVar[str] = "en"
    digit_names: ClassVar[tuple[str, ...]] = tuple("zero one two three four five six seven eight nine".split())
    minus: ClassVar[str] = "minus"
    plus: ClassVar[str] = "plus"
    point: ClassVar[str] = "point"
    ampersand: ClassVar[str] = "and"
    dot: ClassVar[str] = "dot"
    version: ClassVar[str] = "version"
    pattern: ClassVar[str] = (
        r"(?:(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}(?![0-9])|[0-9]{1,30})(?:\.[0-9]{1,30})?(?![0-9])|(?<![\w.])\.[0-9]{1,30}(?![0-9]))"
    )

    def cardinal(self, number: int, gender: str = "") -> str:
        return spell("en", "cardinal", number)

    def ordinal(self, number: int, gender: str = "m") -> str:
        return spell("en", "ordinal", number)

    def read(self, written: str) -> Amount:
        sign, number = split_sign(written)
        whole, _, decimals = number.replace(",", "").partition(".")
        return Amount(whole, decimals, sign)

    def decimal(self, amount: Amount, gender: str = "") -> str:
        said = f"{self.point} {self.digits(amount.decimals)}"
        return f"{self.whole(amount.whole)} {said}" if amount.whole else said

    def year(self, number: int) -> str:
        """As years are said: "nineteen oh five", "twenty twenty-four"."""
        century, rest = divmod(number, 100)
        if number < 1000 or number > 9999 or (century % 10 == 0 and rest < 10):
            return self.cardinal(number)
        if rest == 0:
            return f"{self.cardinal(century)} hundred"
        return f"{self.cardinal(century)} {'oh ' if rest < 10 else ''}{self.cardinal(rest)}"

    def in_code(self, written: str) -> str:
        """Digits inside a code, in twos as flights and highways are said: "one thirteen"."""
        if len(written) > 4 or (written.startswith("0") and len(written) > 1):
            return self.digits(written)
        number = int(written)
        if number < 100 or number % 100 == 0 or (number % 1000 < 10 and number >= 1000):
            return self.cardinal(number)
        first, rest = divmod(number, 100)
        return f"{self.cardinal(first)} {self.cardinal(rest) if rest >= 10 else self.digits(f'{rest:02}')}"

    def plural_of_tens(self, number: int) -> str:
        """ "nineties", "nineteen nineties", "eighteen hundreds"."""
        word = self.cardinal(number) if number >= 1000 and number % 1000 == 0 else self.year(number)
        return word[:-1] + "ies" if word.endswith("y") else word + "s"


NUMBERS = EnglishNumbers()


UNITS = nouns("""
%: percent, percent
‰: per mille, per mille
°C, ° C, ℃: degree Celsius, degrees Celsius
°F, ° F, ℉: degree Fahrenheit, degrees Fahrenheit
°: degree, degrees
km: kilometer, kilometers
m: meter, meters
cm: centimeter, centimeters
mm: millimeter, millimeters
µm, μm: micrometer, micrometers
nm: nanometer, nanometers
kg: kilogram, kilograms
g: gram, grams
mg: milligram, milligrams
µg, μg: microgram, micrograms
m², m2: square meter, square meters
km², km2: square kilometer, square kilometers
cm², cm2: square centimeter, square centimeters
m³, m3: cubic meter, cubic meters
km³, km3: cubic kilometer, cubic kilometers
cm³, cm3: cubic centimeter, cubic centimeters
km/h, km/hr, kph, kmh: kilometer per hour, kilometers per hour
km/s: kilometer per second, kilometers per second
m/s: meter per second, meters per second
m/s²: meter per second squared, meters per second squared
mph: mile per hour, miles per hour
mpg: mile per gallon, miles per gallon
rpm: R P M, R P M
bpm: beat per minute, beats per minute
fps: frame per second, frames per second
dpi: D P I, D P I
psi: P S I, P S I
in.: inch, inches
ft, ft.: foot, feet
sq ft, sq. ft., ft²: square foot, square feet
yd, yd., yds: yard, yards
mi, mi.: mile, miles
lb, lb., lbs, lbs.: pound, pounds
oz, oz.: ounce, ounces
fl oz: fluid ounce, fluid ounces
gal, gal.: gallon, gallons
tbsp: tablespoon, tablespoons
tsp: teaspoon, teaspoons
l, L: liter, liters
ml, mL: milliliter, milliliters
cl: centiliter, centiliters
mg/L: milligram per liter, milligrams per liter
h, hr, hr., hrs, hrs.: hour, hours
min, min., mins: minute, minutes
s, sec, sec., secs: second, seconds
ms: millisecond, milliseconds
µs, μs: microsecond, microseconds
ns: nanosecond, nanoseconds
Hz: hertz, hertz
kHz: kilohertz, kilohertz
MHz: megahertz, megahertz
GHz: gigahertz, gigahertz
THz: terahertz, terahertz
kB, KB: kilobyte, kilobytes
MB: megabyte, megabytes
GB: gigabyte, gigabytes
TB: terabyte, terabytes
PB: petabyte, petabytes
KB/s, kB/s: kilobyte per second, kilobytes per second
MB/s: megabyte per second, megabytes per second
GB/s: gigabyte per second, gigabytes per second
kbps, Kbps, kb/s, kbit/s: kilobit per second, kilobits per second
Mbps, Mb/s, Mbit/s: megabit per second, megabits per second
Gbps, Gb/s, Gbit/s: gigabit per second, gigabits per second
W: watt, watts
mW: milliwatt, milliwatts
kW: kilowatt, kilowatts
MW: megawatt, megawatts
GW: gigawatt, gigawatts
Wh: watt hour, watt hours
kWh: kilowatt hour, kilowatt hours
MWh: megawatt hour, megawatt hours
V: volt, volts
mV: millivolt, millivolts
kV: kilovolt, kilovolts
mA: milliamp, milliamps
mAh: milliamp hour, milliamp hours
Ω: ohm, ohms
dB: decibel, decibels
hp: horsepower, horsepower
cal: calorie, calories
kcal: kilocalorie, kilocalories
kJ: kilojoule, kilojoules
Pa: pascal, pascals
hPa: hectopascal, hectopascals
kPa: kilopascal, kilopascals
ha: hectare, hectares
px: pixel, pixels
""")


def _noun(one: str) -> Noun:
    return Noun(one, one + "s")


_CENT, _PENNY = _noun("cent"), Noun("penny", "pence")
_DOLLAR, EURO = Currency(_noun("dollar"), _CENT), Currency(_noun("euro"), _CENT)
_POUND, _YEN = Currency(_noun("pound"), _PENNY), Currency(Noun("yen", "yen"))
CURRENCIES = {
    **dict.fromkeys(("$", "USD"), _DOLLAR),
    "US$": Currency(_noun("U S dollar"), _CENT),
    **dict.fromkeys(("C$", "CA$", "CAD"), Currency(_noun("Canadian dollar"), _CENT)),
    **dict.fromkeys(("A$", "AU$", "AUD"), Currency(_noun("Australian dollar"), _CENT)),
    **dict.fromkeys(("NZ$", "NZD"), Currency(_noun("New Zealand dollar"), _CENT)),
    **dict.fromkeys(("HK$", "HKD"), Currency(_noun("Hong Kong dollar"), _CENT)),
    **dict.fromkeys(("R$", "BRL"), Currency(Noun("real", "reais"))),
    **dict.fromkeys(("€", "EUR"), EURO),
    **dict.fromkeys(("£", "GBP"), _POUND),
    **dict.fromkeys(("¥", "JPY"), _YEN),
    "CNY": Currency(Noun("yuan", "yuan")),
    **dict.fromkeys(("₽", "RUB"), Currency(_noun("ruble"), Noun("kopeck", "kopecks"))),
    **dict.fromkeys(("₹", "INR"), Currency(_noun("rupee"), Noun("paisa", "paise"))),
    **dict.fromkeys(("₩", "KRW"), Currency(Noun("won", "won"))),
    "₿": Currency(_noun("bitcoin")),
    "CHF": Currency(_noun("Swiss franc")),
    "MXN": Currency(_noun("Mexican peso")),
    "¢": Currency(_CENT),
}
SCALES = {
    **dict.fromkeys(("thousand", "k", "K"), Noun("thousand", "thousand")),
    **dict.fromkeys(("million", "mn", "mln", "m", "M"), Noun("million", "million")),
    **dict.fromkeys(("billion", "bn", "b", "B"), Noun("billion", "billion")),
    **dict.fromkeys(("trillion", "tn", "T"), Noun("trillion", "trillion")),
}

LANGUAGE = Language(
    numbers=NUMBERS,
    units=UNITS,
    currencies=CURRENCIES,
    scales=SCALES,
    range_joint=" to ",
    operators={
        "+": "plus", "-": "minus", "−": "minus", "–": "minus", "×": "times", "x": "by", "*": "times", "÷": "divided by",
        "/": "over", "=": "equals", "<": "is less than", ">": "is greater than", "≤": "is at most", "≥": "is at least",
        "≠": "is not equal to", "≈": "is about", "±": "plus or minus", ":": "to", "^": "to the power of",
    },
    signs={
        "%": "percent", "‰": "per mille", "°": "degrees", "©": "copyright", "®": "registered", "™": "trademark",
        "§": "section", "~": "tilde", "^": "caret", "|": "bar", "\\": "backslash", "/": "slash", "*": "asterisk",
        ">=": "is at least", "<=": "is at most",
        "_": "underscore", "&": "and", "+": "plus", "=": "equals", "×": "times", "÷": "divided by",
        "±": "plus or minus",
        "≈": "about", "≤": "at most", "≥": "at least", "≠": "not equal to", "#": "hash", "@": "at", "№": "number",
        "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "₽": "ruble", "¢": "cent", "−": "minus",
    },
    cents_joint=" and ",
    squared="squared",
    cubed="cubed",
    power="to the power of",
    vulgar_fractions={
        "½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter", "¾": "three quarters",
        "⅕": "one fifth", "⅖": "two fifths", "⅗": "three fifths", "⅘": "four fifths", "⅙": "one sixth",
        "⅚": "five sixths",
        "⅛": "one eighth", "⅜": "three eighths", "⅝": "five eighths", "⅞": "seven eighths", "⅐": "one seventh",
        "⅑": "one ninth",
        "⅒": "one tenth",
    },
    half_joint=" and ",
    a_half="a half",
    attributive=lambda match: word_before(match).lower() in ("a", "an") and word_after(match).islower(),
    unit_suffixes={
        f"/{written}": f"per {said}"
        for written, said in {
            **{word: word for word in ("second", "minute", "hour", "day", "week", "month", "year", "person", "night",
                                       "unit", "share", "barrel", "ton", "gallon", "user")},
            "hr": "hour", "h": "hour", "mo": "month", "yr": "year", "kg": "kilogram", "lb": "pound", "oz": "ounce",
            "kWh": "kilowatt hour", "gal": "gallon", "L": "liter", "sq ft": "square foot",
        }.items()
    },
)  # fmt: skip

SPELLING = Spelling(
    numbers=NUMBERS,
    hashtag="hashtag",
    signs={
        ".": "dot", "@": "at", "/": "slash", "-": "dash", "_": "underscore", "?": "question mark", "=": "equals",
        "&": "and", "#": "hash", "%": "percent", ":": "colon", "~": "tilde", "+": "plus",
    },
)  # fmt: skip

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH_ABBREVIATIONS = {name[:3]: name for name in MONTHS if name != "May"} | {"Sept": "September"}
DAY_ABBREVIATIONS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
DAYS = frozenset(DAY_ABBREVIATIONS.values())

# Before a name; never the end of a sentence.
TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Messrs": "Messers", "Prof": "Professor", "Gen": "General",
    "Sen": "Senator", "Rep": "Representative", "Gov": "Governor", "Capt": "Captain", "Cpt": "Captain",
    "Lt": "Lieutenant",
    "Col": "Colonel", "Sgt": "Sergeant", "Cpl": "Corporal", "Maj": "Major", "Cmdr": "Commander", "Adm": "Admiral",
    "Rev": "Reverend", "Hon": "Honorable", "Pres": "President", "Supt": "Superintendent", "Mt": "Mount", "Ft": "Fort",
    "Fr": "Father", "Br": "Brother",
}  # fmt: skip
# Before a number.
LABELS = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "Fig": "figure", "fig": "figure",
    "Figs": "figures", "figs": "figures", "Vol": "volume", "vol": "volume", "Vols": "volumes", "vols": "volumes",
    "p": "page", "pp": "pages", "pg": "page", "Ch": "chapter", "ch": "chapter", "Chap": "chapter", "Sec": "section",
    "sec": "section", "Eq": "equation", "eq": "equation", "Art": "article", "art": "article", "Pt": "part",
    "pt": "part",
    "Ex": "example", "Apt": "apartment", "apt": "apartment", "Ste": "suite", "Rm": "room", "Bldg": "building",
    "ext": "extension", "Ext": "extension", "Tel": "telephone", "tel": "telephone", "c": "circa", "ca": "circa",
}  # fmt: skip
# Said in full anywhere.
INNER = {
    "vs.": "versus", "e.g.": "for example", "E.g.": "For example", "i.e.": "that is", "I.e.": "That is",
    "approx.": "approximately", "Approx.": "Approximately", "cf.": "compare", "viz.": "namely", "incl.": "including",
    "w/": "with", "w/o": "without",
}  # fmt: skip
# May end a sentence.
ENDING = {
    "etc.": "et cetera", "a.m.": "A M", "p.m.": "P M", "A.M.": "A M", "P.M.": "P M", "Inc.": "Incorporated",
    "Ltd.": "Limited", "Co.": "Company", "Corp.": "Corporation", "Bros.": "Brothers", "dept.": "department",
    "Dept.": "Department", "Jr.": "Junior", "Sr.": "Senior", "Esq.": "Esquire", "Ave.": "Avenue", "Blvd.": "Boulevard",
    "Rd.": "Road", "Ln.": "Lane", "Hwy.": "Highway", "Pkwy.": "Parkway", "govt.": "government", "Univ.": "University",
    "Ph.D.": "P H D", "PhD.": "P H D", "PhD": "P H D", "Ph.D": "P H D", "min.": "minimum", "max.": "maximum",
    "avg.": "average", "misc.": "miscellaneous", "est.": "estimated", "Est.": "Established", "ft.": "feet",
    "lbs.": "pounds", "hrs.": "hours", "mins.": "minutes", "Assn.": "Association", "Intl.": "International",
}  # fmt: skip
# Words that open a sentence: after "U.S." or "Inc." other capitals rather continue the name.
SENTENCE_OPENERS = frozenset(
    """A About According After All Also Although An And Another Are As At Because Before Both But By Can Did Do Does
    During Each Even Every Everyone For From Had Has Have He Her Here His How However I If In Is It Its It's It’s Just
    Last Later Let Many Maybe Meanwhile More Most My Neither Next No Nobody None Nor Not Now Of On Once One Only Or
    Other Our Perhaps Please Several She Since So Some Soon Still Such That That's That’s The Their Then There There's
    There’s These They They're They’re This Those Though Thus To Today Tomorrow Under Until Was We Were What When Where
    Whether Which While Who Why Will With Would Yes Yesterday Yet You Your""".split()
)

# Before a year; before a year unless a plural follows ("from 1500 cities"); before what is counted, not dated.
YEAR_CONTEXT = frozenset(
    """in since until till circa year years spring summer autumn fall winter early late mid the during
    through""".split()
)
LOOSE_YEAR_CONTEXT = frozenset("of from by before after to between and or around class".split())
COUNT_CONTEXT = frozenset(
    """about over than nearly almost exactly only approximately roughly some another every first last next to up
    least most under above below numbers number pages""".split()
)
PEOPLE = frozenset("people men women children police sheep fish feet million billion thousand more fewer".split())

LETTER_LABELS = frozenset(
    """Chapter Part Book Volume Act Scene Section Phase Type Class Title Article Level War Bowl Appendix Figure Table
    Stage Grade Category Episode Season Mark Unit Step Group Division Zone Tier Track""".split()
)
REGNAL_NAMES = frozenset(
    """Henry Louis Elizabeth George Charles James William Edward Richard Philip Francis Pius Paul Benedict Leo Nicholas
    Napoleon Alexander Catherine Ferdinand Frederick Peter Ivan Gregory Innocent Clement Urban Mary Ramses Ramesses
    Thutmose Darius Xerxes Ptolemy Mehmed Selim Suleiman Otto Wilhelm Christian Gustav Carl Margaret Juan Alfonso Felipe
    Isabella Joseph Leopold Albert Victor Umberto Boniface Julius Sixtus Adrian Celestine Alexios Constantine Justinian
    Theodosius Amenhotep Robert David Stephen Harald Haakon Olaf Cleopatra Josef Karl Rudolf
    Maximilian""".split()
)
DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def fraction(numerator: int, denominator: int) -> str:
    """ "three quarters", or "N over M" where no one would say it so."""
    if numerator == denominator:
        return f"{NUMBERS.cardinal(numerator)} {NUMBERS.cardinal(denominator)}"
    if denominator < 2 or denominator > 100 or numerator == 0 or numerator > denominator:
        return f"{NUMBERS.cardinal(numerator)} over {NUMBERS.cardinal(denominator)}"
    one = NUMBERS.ordinal(denominator)
    forms = DENOMINATORS.get(denominator, (one, one + "s"))
    return f"{NUMBERS.cardinal(numerator)} {forms[numerator > 1]}"


def say_date(day: int, month: int, year: str) -> str:
    return f"{MONTHS[month - 1]} {NUMBERS.ordinal(day)}, {NUMBERS.year(int(year))}"


def month_name(written: str) -> str:
    name = written.rstrip(".")
    return MONTH_ABBREVIATIONS.get(name, name)


MONTH = rf"(?:{rules.any_of(MONTHS)}|{rules.any_of(MONTH_ABBREVIATIONS)}\b\.?)(?![^\W_])"
CALLS = re.compile(r"(?i:\b(?:call|calls|called|calling|dial|dialed|dialled|phone|phoned|ring)) \Z")
