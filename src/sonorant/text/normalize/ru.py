"""Russian: tables and rules."""

from __future__ import annotations

from sonorant.text.normalize.codes import Spelling
from sonorant.text.normalize.context import word_after, word_before
from sonorant.text.normalize.european import Grammar, clock, roman, scanner
from sonorant.text.normalize.numbers import SPACE, Noun, nouns
from sonorant.text.normalize.ru_numbers import RussianNumbers
from sonorant.text.normalize.rules import Currency, Language, table
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule, Scanner
from sonorant.text.normalize.words import ROMAN, roman_value

NUMBERS = RussianNumbers()

UNITS = nouns("""
%: процент, процентов, m, процента
°C, ° C, °С, ° С, ℃: градус Цельсия, градусов Цельсия, m, градуса Цельсия
°F, ° F, ℉: градус Фаренгейта, градусов Фаренгейта, m, градуса Фаренгейта
°: градус, градусов, m, градуса
км: километр, километров, m, километра
м: метр, метров, m, метра
см: сантиметр, сантиметров, m, сантиметра
мм: миллиметр, миллиметров, m, миллиметра
кг: килограмм, килограммов, m, килограмма
г, гр.: грамм, граммов, m, грамма
мг: миллиграмм, миллиграммов, m, миллиграмма
т: тонна, тонн, f, тонны
л: литр, литров, m, литра
мл: миллилитр, миллилитров, m, миллилитра
га: гектар, гектаров, m, гектара
м², м2, кв. м: квадратный метр, квадратных метров, m, квадратных метра
км², км2: квадратный километр, квадратных километров, m, квадратных километра
м³, м3: кубический метр, кубических метров, m, кубических метра
км/ч: километр в час, километров в час, m, километра в час
м/с: метр в секунду, метров в секунду, m, метра в секунду
ч, ч.: час, часов, m, часа
мин, мин.: минута, минут, f, минуты
с, сек, сек.: секунда, секунд, f, секунды
мс: миллисекунда, миллисекунд, f, миллисекунды
Гц: герц, герц, m, герца
кГц: килогерц, килогерц, m, килогерца
МГц: мегагерц, мегагерц, m, мегагерца
ГГц: гигагерц, гигагерц, m, гигагерца
КБ, Кб: килобайт, килобайт, m, килобайта
МБ, Мб: мегабайт, мегабайт, m, мегабайта
ГБ, Гб: гигабайт, гигабайт, m, гигабайта
ТБ, Тб: терабайт, терабайт, m, терабайта
МБ/с, Мб/с: мегабайт в секунду, мегабайт в секунду, m, мегабайта в секунду
Вт: ватт, ватт, m, ватта
кВт: киловатт, киловатт, m, киловатта
кВт·ч: киловатт-час, киловатт-часов, m, киловатт-часа
В: вольт, вольт, m, вольта
дБ: децибел, децибел, m, децибела
ккал: килокалория, килокалорий, f, килокалории
чел.: человек, человек, m, человека
шт, шт.: штука, штук, f, штуки
экз.: экземпляр, экземпляров, m, экземпляра
""")

_KOPECK = Noun("копейка", "копеек", "f", "копейки")
_CENT = Noun("цент", "центов", "m", "цента")
CURRENCIES = {
    **dict.fromkeys(("₽", "руб.", "руб", "р.", "RUB"), Currency(Noun("рубль", "рублей", "m", "рубля"), _KOPECK)),
    "коп.": Currency(_KOPECK),
    **dict.fromkeys(("$", "US$", "USD"), Currency(Noun("доллар", "долларов", "m", "доллара"), _CENT)),
    **dict.fromkeys(("€", "EUR"), Currency(Noun("евро", "евро", "m", "евро"), _CENT)),
    **dict.fromkeys(("£", "GBP"), Currency(Noun("фунт", "фунтов", "m", "фунта"), Noun("пенс", "пенсов", "m", "пенса"))),
    **dict.fromkeys(("¥", "JPY"), Currency(Noun("иена", "иен", "f", "иены"))),
}
_THOUSAND = Noun("тысяча", "тысяч", "f", "тысячи")
_MILLION = Noun("миллион", "миллионов", "m", "миллиона")
_BILLION = Noun("миллиард", "миллиардов", "m", "миллиарда")
_TRILLION = Noun("триллион", "триллионов", "m", "триллиона")

LANGUAGE = Language(
    numbers=NUMBERS,
    units=UNITS,
    currencies=CURRENCIES,
    scales={
        **dict.fromkeys(("тыс.", "тыс"), _THOUSAND),
        **dict.fromkeys(("млн", "млн.", "миллион", "миллиона", "миллионов"), _MILLION),
        **dict.fromkeys(("млрд", "млрд.", "миллиард", "миллиарда", "миллиардов"), _BILLION),
        **dict.fromkeys(("трлн", "трлн."), _TRILLION),
    },
    range_joint=" — ",
    operators={
        "+": "плюс", "-": "минус", "−": "минус", "–": "минус", "×": "умножить на", "x": "на", "х": "на",
        "*": "умножить на",
        "÷": "разделить на", "/": "разделить на", "=": "равно", "<": "меньше", ">": "больше", "≤": "меньше или равно",
        "≥": "больше или равно", "≠": "не равно", "≈": "примерно", "±": "плюс-минус", "^": "в степени",
    },
    signs={
        "%": "процент", "°": "градус", "©": "копирайт", "®": "зарегистрированный знак", "™": "товарный знак",
        "§": "параграф", "~": "примерно", "^": "крышка", "|": "вертикальная черта", "\\": "обратная косая черта",
        "/": "косая черта", "*": "звёздочка", "_": "нижнее подчёркивание", "&": "и", "+": "плюс", "=": "равно",
        "×": "умножить на", "÷": "разделить на", "±": "плюс-минус", "≈": "примерно", "#": "решётка", "@": "собака",
        "№": "номер", "$": "доллар", "€": "евро", "£": "фунт", "₽": "рубль", "−": "минус",
    },
    cents_joint=" ",
    squared="в квадрате",
    cubed="в кубе",
    power="в степени",
    vulgar_fractions={
        "½": "одна вторая", "⅓": "одна третья", "⅔": "две третьих", "¼": "одна четвёртая", "¾": "три четвёртых",
        "⅛": "одна восьмая", "⅕": "одна пятая",
    },
    half_joint=" и ",
    a_half="одна вторая",
)  # fmt: skip

SPELLING = Spelling(
    numbers=NUMBERS,
    hashtag="хештег",
    signs={
        ".": "точка", "@": "собака", "/": "слэш", "-": "дефис", "_": "нижнее подчёркивание", "?": "вопросительный знак",
        "=": "равно", "&": "и", "#": "решётка", "%": "процент", ":": "двоеточие", "~": "тильда", "+": "плюс",
    },
)  # fmt: skip

MONTHS = tuple(
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
)  # fmt: skip
TITLES = {
    "г": "город", "ул": "улица", "пр": "проспект", "просп": "проспект", "пл": "площадь", "пер": "переулок",
    "им": "имени",
    "проф": "профессор", "акад": "академик", "д-р": "доктор", "св": "святой", "оз": "озеро",
    "пос": "посёлок", "обл": "область", "гр": "гражданин", "ген": "генерал", "стр": "страница",
}  # fmt: skip
LABELS = {
    "д.": "дом", "кв.": "квартира", "стр.": "страница", "с.": "страница", "рис.": "рисунок", "Рис.": "рисунок",
    "гл.": "глава",
    "табл.": "таблица", "ст.": "статья", "п.": "пункт", "т.": "том", "тел.": "телефон", "Тел.": "телефон", "№": "номер",
    "корп.": "корпус", "вып.": "выпуск", "ок.": "около",
}  # fmt: skip
INNER = {
    "т. е.": "то есть", "т.е.": "то есть", "т. к.": "так как", "т.к.": "так как", "т. н.": "так называемый",
    "т.н.": "так называемый", "напр.": "например", "см.": "смотри", "ср.": "сравни", "в т. ч.": "в том числе",
    "в т.ч.": "в том числе", "им.": "имени", "обл.": "область", "пр-т": "проспект", "д-р": "доктор",
}  # fmt: skip
ENDING = {
    "и т. д.": "и так далее", "и т.д.": "и так далее", "и т. п.": "и тому подобное", "и т.п.": "и тому подобное",
    "т. д.": "так далее", "т.д.": "так далее", "т. п.": "тому подобное", "т.п.": "тому подобное", "и др.": "и другие",
    "и пр.": "и прочее", "до н. э.": "до нашей эры", "до н.э.": "до нашей эры", "н. э.": "нашей эры",
    "н.э.": "нашей эры",
}  # fmt: skip
RULERS = {
    **dict.fromkeys("Пётр Петр Людовик Павел Николай Александр Иван Карл Генрих Георг Наполеон Пий Филипп Рамзес "
                    "Фридрих Вильгельм Эдуард Ричард Василий Франциск Бенедикт".split(), "mn"),
    **dict.fromkeys("Петра Людовика Павла Николая Александра Ивана Карла Генриха Георга Наполеона".split(), "mg"),
    **dict.fromkeys("Петру Людовику Павлу Николаю Александру Ивану Карлу Генриху Георгу Наполеону".split(), "md"),
    **dict.fromkeys("Екатерина Елизавета Анна Мария Виктория".split(), "fn"),
    **dict.fromkeys("Екатерины Елизаветы Анны Марии Екатерине Елизавете".split(), "fg"),
}  # fmt: skip
# Cases that a preposition asks of a year or a century.
_GENITIVE = frozenset("с до от после около из для без против начала конца середины".split()) | frozenset(MONTHS)
_GENITIVE_NUMBER = frozenset("от до около более менее больше меньше свыше из для без".split())
_PREPOSITIONAL = frozenset("в во о об на при".split())
_YEAR_FORMS = {"год": "mn", "года": "mg", "году": "mp", "годом": "mi", "годы": "pn", "годов": "pg", "годах": "pg"}
_CENTURY_FORMS = {"век": "mn", "века": "mg", "веке": "mp", "веком": "mi", "веку": "md", "веков": "pg", "веках": "pg"}
_SUFFIXES = {
    "й": "mn", "ый": "mn", "ий": "mn", "ой": "fg", "го": "mg", "ого": "mg", "му": "md", "ому": "md", "м": "mp",
    "ом": "mp",
    "ым": "mi", "я": "fn", "ая": "fn", "ю": "fa", "ую": "fa", "е": "nn", "ое": "nn", "ые": "pn", "х": "pg", "ых": "pg",
    "ми": "pi", "ыми": "pi", "ти": "pg", "и": "pg",
}  # fmt: skip


def say_date(day: int, month: int, year: str) -> str:
    return f"{NUMBERS.ordinal_form(day, 'nn')} {MONTHS[month - 1]} {NUMBERS.ordinal_form(int(year), 'mg')} года"


def _date(match: Match) -> str:
    form = "mg" if word_before(match).lower() in _GENITIVE | {"к"} else "nn"
    spoken = f"{NUMBERS.ordinal_form(int(match['day']), form)} {match['month']}"
    return f"{spoken} {NUMBERS.ordinal_form(int(match['year']), 'mg')} года" if match["year"] else spoken


def _year(match: Match) -> str:
    number, noun, before = int(match["year"]), match["noun"], word_before(match).lower()
    if noun == "г.":
        if before in _PREPOSITIONAL:
            form, noun = "mp", "году"
        elif before in _GENITIVE:
            form, noun = "mg", "года"
        elif before in ("к", "по"):
            form, noun = "md", "году"
        else:
            form, noun = "mn", "год"
    else:
        form = "md" if noun == "году" and before in ("к", "по") else _YEAR_FORMS[noun]
    return f"{NUMBERS.ordinal_form(number, form)} {noun}"


def _years(match: Match) -> str:
    form, noun = _case(match, "годы", "годов", "годах")
    low, high = (NUMBERS.ordinal_form(int(match[end]), form) for end in ("low", "high"))
    return f"{low} — {high} {noun}"


def _centuries(match: Match) -> str:
    form, noun = _case(match, "века", "веков", "веках")
    low, high = (NUMBERS.ordinal_form(roman_value(match[end]), form) for end in ("low", "high"))
    return f"{low} — {high} {noun}"


def _case(match: Match, nominative: str, genitive: str, prepositional: str) -> tuple[str, str]:
    """The case that the preposition asks for: the ordinal's form, and the noun in it."""
    before = word_before(match).lower()
    if before in _PREPOSITIONAL:
        return "mp", prepositional
    return ("mg", genitive) if before in _GENITIVE else ("mn", nominative)


def _compound(match: Match) -> str:
    return NUMBERS.prefix(int(match["number"])) + match["rest"]


def _suffixed(match: Match) -> str:
    number, suffix = int(match["number"]), match["suffix"]
    if suffix in ("ти", "и") or (suffix == "х" and number < 10):
        return NUMBERS.genitive(number)
    form = _SUFFIXES[suffix]
    if form == "nn" and number % 10 == 0 and number >= 10 and suffix == "е":
        form = "pn"  # "90-е" are years
    return NUMBERS.ordinal_form(number, form)


def _century(match: Match) -> str:
    number, noun = roman_value(match["numeral"]), match["noun"]
    if noun.startswith("в."):
        form, noun = _case(match, "век", "века", "веке")
    else:
        form = _CENTURY_FORMS[noun]
    return f"{NUMBERS.ordinal_form(number, form)} {noun}"


def _roman(value: int, before: str) -> str | None:
    if before in RULERS:
        return NUMBERS.ordinal_form(value, RULERS[before])
    if before.lower() in ("глава", "часть", "том", "акт", "раздел", "тип", "класс"):
        return NUMBERS.cardinal(value)
    return None


def say_time(match: Match) -> str:
    hour, minute, second = clock(match)
    zero = "ноль " if minute < 10 else ""
    spoken = f"{NUMBERS.cardinal(hour)} {zero}{NUMBERS.cardinal(minute)}"
    if second is None:
        return spoken
    return f"{spoken} {'ноль ' if second < 10 else ''}{NUMBERS.cardinal(second)}"


def fraction(top: int, bottom: int) -> str:
    if not 2 <= bottom <= 100 or not 0 < top < bottom:
        return f"{NUMBERS.cardinal(top)} дробь {NUMBERS.cardinal(bottom)}"
    one = top % 10 == 1 and top % 100 != 11
    return f"{NUMBERS.cardinal(top, 'f')} {NUMBERS.ordinal_form(bottom, 'fn' if one else 'pg')}"


def gender(match: Match) -> str:
    """Of the noun that follows 1 or 2: "две книги", "два стола", "одна книга", "одно окно"; "g" after "до"."""
    number, noun = match.group(), word_after(match)
    before = word_before(match).lower()
    if before in _GENITIVE_NUMBER or (before == "с" and noun in ("до", "по")):
        return "g"
    if not noun.islower() or len(noun) < 3 or not number[-1].isdigit() or number[-2:] in ("11", "12"):
        return ""
    if number[-1] == "1":
        return "f" if noun[-1] in "ая" else "n" if noun[-1] in "ое" else ""
    # After 2 the noun stands in the genitive singular: "-и", "-ы" are feminine.
    return "f" if number[-1] == "2" and noun[-1] in "иы" and not noun.endswith(("ли", "ти")) else ""


def normalizer() -> Scanner:
    month, year = "(?:" + "|".join(MONTHS) + ")", r"[12][0-9]{3}"
    year_noun = r"(?P<noun>г\.|год(?:у|а|ом|ы|ов|ах)?(?![^\W_]))"
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
            telephones=[r"8 ?\(?[0-9]{3}\)?[ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}", r"[0-9]{3}-[0-9]{2}-[0-9]{2}"],
            telephone_group=NUMBERS.in_groups,
            first_rules=[
                Rule(
                    "date",
                    rf"(?P<day>0?[1-9]|[12][0-9]|3[01]){SPACE}(?P<month>{month})(?![^\W_])"
                    rf"(?:{SPACE}(?P<year>{year})(?:{SPACE}?(?:г\.|года(?![^\W_])))?(?![0-9]))?",
                    _date,
                ),
                Rule("year", rf"(?P<low>{year})[-–—](?P<high>{year}){SPACE}?(?:гг\.|годы)", _years),
                Rule("year", rf"(?P<year>{year}){SPACE}?{year_noun}", _year),
                Rule(
                    "year",
                    rf"(?P<year>[1-9][0-9]{{0,2}}){SPACE}?(?P<noun>г\.|год[уа]?)(?={SPACE}(?:до{SPACE})?н\.)",
                    _year,
                ),
                Rule("compound", r"(?P<number>[1-9][0-9]{0,3})[-‐‑](?P<rest>[а-яё]{4,30})" + NOT_IN_WORD, _compound),
                Rule(
                    "ordinal",
                    rf"(?P<number>[0-9]{{1,6}})[-‐‑](?P<suffix>{'|'.join(sorted(_SUFFIXES, key=len, reverse=True))})"
                    + NOT_IN_WORD,
                    _suffixed,
                ),
            ],
            word_rules=[
                Rule("roman", rf"(?P<low>{ROMAN})[-–—](?P<high>{ROMAN}){SPACE}вв\.", _centuries),
                Rule("roman", rf"(?P<numeral>{ROMAN}){SPACE}(?P<noun>в\.|век(?:а|е|ом|у|ов|ах)?(?![^\W_]))", _century),
                roman(_roman),
            ],
            sign_rules=[table("abbreviation", {"№№": "номера", "№": "номер"}, after=rf"(?={SPACE}?[0-9])")],
        )
    )
