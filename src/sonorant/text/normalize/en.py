"""English: the rules, in priority order."""

from __future__ import annotations

import re

from sonorant.text.normalize import codes, context, en_dates, rules, words
from sonorant.text.normalize import en_tables as en
from sonorant.text.normalize.en_tables import EURO, LANGUAGE, NUMBERS, SPELLING
from sonorant.text.normalize.numbers import Amount
from sonorant.text.normalize.rules import RANGE_DASH
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


def normalizer() -> Scanner:
    say_number = NUMBERS.in_code
    return Scanner(
        [
            Section(TOKEN_START, [*codes.web(SPELLING, say_number)]),
            Section(NUMBER_START, _number_rules()),
            Section(WORD_START, _word_rules()),
            Section(
                SIGN_START,
                [
                    *codes.tags(SPELLING, say_number),
                    Rule("decade", r"(?<!\w)['’‘](?P<tens>[0-9]0)s" + NOT_IN_WORD, en_dates.decade),
                    Rule(
                        "year", r"(?<!\w)['’‘](?P<year>[0-9]{2})(?![\w\"”'’])", lambda m: en_dates.short_year(m["year"])
                    ),
                    rules.fixed("sign", r"(?<![^\s(])#(?=[0-9])", "number"),
                    rules.fixed("sign", r"~(?=[0-9$€£])", "about"),
                    *rules.operator(LANGUAGE),
                    *rules.exponent(LANGUAGE),
                    *rules.signs(LANGUAGE),
                ],
            ),
        ]
    )


def _number_rules() -> list[Rule]:
    return [
        *rules.telephone(
            NUMBERS,
            r"(?<![\w-])(?:\+?1[-. ])?(?:\([0-9]{3}\)[ -]?|[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}",
            r"(?<![\w-])(?:\([0-9]{3}\) ?|[2-9][0-9]{2}-)(?![0-9]{2}00)[0-9]{4}",
        ),
        rules.dotted("dot", _version_part),
        *en_dates.dates(),
        Rule("telephone", r"(?:[0-9]11|999|112|988)(?![\w.,]?[0-9])" + NOT_IN_WORD, _emergency),
        rules.digit_groups(NUMBERS),
        *en_dates.times(),
        rules.fixed("phrase", r"50[-–]50" + NOT_IN_WORD, "fifty fifty"),
        Rule("rating", r"(?P<score>[0-9]{1,3}\.[0-9]{1,3})/(?P<best>[0-9]{1,4})(?![\d/.])" + NOT_IN_WORD, _rating),
        rules.fixed("phrase", r"24/7(?![/\d])" + NOT_IN_WORD, "twenty-four seven"),
        rules.fixed("phrase", r"9/11(?![/\d])" + NOT_IN_WORD, "nine eleven"),
        Rule("money", r"(?P<euros>[0-9]{1,6}),(?P<cents>[0-9]{2}) ?€", _comma_euros),
        *rules.money(LANGUAGE),
        Rule("unit", r"(?P<feet>[0-9]{1,3})['’′] ?(?P<inches>[0-9]{1,2})(?:\"|”|″|'')", _height),
        Rule("unit", r"(?P<feet>[0-9]{1,3})′", lambda m: f"{NUMBERS.whole(m['feet'])} feet"),
        _hyphenated_unit(),
        Rule("decade", r"(?P<tens>[0-9]{1,3}0)['’]?s" + NOT_IN_WORD, en_dates.decade),
        Rule(
            "ordinal",
            r"(?P<number>[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:st|nd|rd|th|ST|ND|RD|TH)" + NOT_IN_WORD,
            _ordinal,
        ),
        Rule("year", r"(?P<year>[0-9]{1,4}) ?(?P<era>(?:BCE|CE|BC|AD)(?![^\W_])|B\.C\.(?:E\.)?|A\.D\.)", en_dates.era),
        rules.unit(LANGUAGE),
        rules.scaled(LANGUAGE),
        Rule(
            "fraction",
            r"(?:(?P<whole>[0-9]{1,6}) )?(?P<top>[0-9]{1,3})[/⁄](?P<bottom>[0-9]{1,3})(?![\d/])" + NOT_IN_WORD,
            _fraction,
        ),
        rules.vulgar_fraction(LANGUAGE),
        Rule(
            "year",
            rf"(?P<low>1[1-9][0-9]{{2}}|20[0-9]{{2}}){RANGE_DASH}(?P<high>1[1-9][0-9]{{2}}|20[0-9]{{2}}|[0-9]{{2}})(?![-–]?[0-9])"
            + NOT_IN_WORD,
            en_dates.years,
        ),
        rules.number_range(LANGUAGE),
        Rule("ratio", r"(?P<low>[0-9]{1,4}):(?P<high>[0-9]{1,4})(?!:?[0-9])" + NOT_IN_WORD, _ratio),
        Rule(
            "dimensions",
            r"(?P<sizes>[0-9]{1,5}(?:[x×][0-9]{1,5}){1,3})(?: ?(?P<unit>[mck]?m|ft|px))?" + NOT_IN_WORD,
            _dimensions,
        ),
        rules.leading_zero(LANGUAGE),
        rules.long_digits(LANGUAGE),
        Rule("year", r"[12][0-9]{3}(?![0-9]|[.,][0-9])" + NOT_IN_WORD, en_dates.year),
        rules.cardinal(LANGUAGE),
        *codes.code(NUMBERS, NUMBERS.in_code)[1:2],
        rules.any_digits(LANGUAGE),
    ]


def _word_rules() -> list[Rule]:
    return [
        en_dates.month_day(),
        rules.fixed("title", r"Dr\.(?= ?[A-Z])", "Doctor"),
        Rule("street", r"(?:Dr|St)\.?(?![^\W_])", _street),
        words.titles(en.TITLES, before=r"(?=[ \u00a0]?[A-Z])"),
        words.titles(en.LABELS, before=r"(?=[ \u00a0]?[0-9])"),
        rules.table("abbreviation", en.INNER),
        Rule("month", rules.any_of(en.MONTH_ABBREVIATIONS) + r"\.(?![^\W_])", en_dates.calendar),
        Rule("day", rules.any_of(en.DAY_ABBREVIATIONS) + r"\.(?![^\W_])", en_dates.calendar),
        Rule(
            "day", rules.any_of(en.DAY_ABBREVIATIONS) + r"(?=[–-](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b)", en_dates.calendar
        ),
        Rule(
            "day",
            r"(?:(?<=Mon[–-])|(?<=Tue[–-])|(?<=Wed[–-])|(?<=Thu[–-])|(?<=Fri[–-]))(?:Tue|Wed|Thu|Fri|Sat|Sun)\b",
            en_dates.calendar,
        ),
        Rule("abbreviation", rules.any_of(k for k in en.ENDING if k.lower() in ("a.m.", "p.m.")), en_dates.before_noon),
        words.closing({k: v for k, v in en.ENDING.items() if k.lower() not in ("a.m.", "p.m.")}, ends=_ends),
        words.initials(ends=_ends),
        rules.fixed("era", r"AD (?=[0-9]{1,4}(?![0-9]))", "A D"),
        *rules.money(LANGUAGE)[:1],
        Rule(
            "version",
            r"v(?:er\.?|\.)? ?(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6}){0,5})(?!\.?[0-9])" + NOT_IN_WORD,
            _version,
        ),
        rules.by(LANGUAGE),
        *codes.code(NUMBERS, NUMBERS.in_code),
        Rule("roman", words.ROMAN, _roman),
        words.slash(
            {
                "he/she": "or",
                "she/he": "or",
                "his/her": "or",
                "him/her": "or",
                "s/he": "or",
                "yes/no": "or",
                "true/false": "or",
                "on/off": "or",
                "either/or": "",
                "and/or": "",
                "his/hers": "or",
            }
        ),
    ]


# Other numbers


def _version_part(written: str) -> str:
    return NUMBERS.in_code(written) if len(written) < 4 else NUMBERS.digits(written)


def _version(match: Match) -> str:
    return "version " + " point ".join(map(_version_part, match["number"].split(".")))


def _emergency(match: Match) -> str | None:
    start = match.start()
    return NUMBERS.digits(match.group()) if en.CALLS.search(match.string, max(0, start - 12), start) else None


def _comma_euros(match: Match) -> str:
    euros = NUMBERS.counted(Amount(match["euros"]), EURO.unit)
    cents = NUMBERS.counted(Amount(match["cents"].lstrip("0") or "0"), EURO.hundredth or EURO.unit)
    return euros if cents.startswith("zero") else f"{euros} and {cents}"


def _rating(match: Match) -> str:
    return f"{NUMBERS.say(NUMBERS.read(match['score']))} out of {NUMBERS.whole(match['best'])}"


def _dimensions(match: Match) -> str:
    spoken = " by ".join(map(NUMBERS.whole, re.findall("[0-9]+", match["sizes"])))
    if not match["unit"]:
        return spoken
    unit = en.UNITS[match["unit"]]
    return f"{spoken} {unit.one if LANGUAGE.attributive(match) else unit.many}"


def _height(match: Match) -> str:
    return f"{NUMBERS.whole(match['feet'])} foot {NUMBERS.whole(match['inches'])}"


def _hyphenated_unit() -> Rule:
    units = {written: noun for written, noun in en.UNITS.items() if written[0].isalpha()}

    def speak(match: Match) -> str:
        return f"{NUMBERS.say(NUMBERS.read(match['number']))} {units[match['unit']].one}"

    pattern = rf"(?P<number>{NUMBERS.pattern})-(?P<unit>{rules.any_of(units)})(?![\w-]|/\w)"
    return Rule("unit", pattern, speak)


def _ordinal(match: Match) -> str:
    return NUMBERS.ordinal(int(match["number"].replace(",", "")))


def _fraction(match: Match) -> str:
    top, bottom = int(match["top"]), int(match["bottom"])
    if match["whole"] is None:
        return en.fraction(top, bottom)
    part = "a half" if (top, bottom) == (1, 2) else en.fraction(top, bottom)
    return f"{NUMBERS.whole(match['whole'])} and {part}"


def _ratio(match: Match) -> str:
    return f"{NUMBERS.whole(match['low'])} to {NUMBERS.whole(match['high'])}"


def _two_digit_year(match: Match) -> str:
    return en_dates.short_year(match["year"])


# Words


def _ends(match: Match) -> bool:
    follower = context.next_word(match)
    return follower is not None and (follower == "" or follower in en.SENTENCE_OPENERS)


def _street(match: Match) -> str | None:
    """ "St. Louis" and "Main St."; "Rodeo Dr."."""
    street, saint = ("Drive", None) if match.group().startswith("Dr") else ("Street", "Saint")
    has_point = match.group().endswith(".")
    place = re.search(
        r"(?:[A-Z][\w'’.]{0,30}|[0-9](?:st|nd|rd|th)) \Z", match.string[max(0, match.start() - 34) : match.start()]
    )
    follower = context.next_word(match)
    if saint and context.word_after(match)[:1].isupper() and not (place and follower in en.SENTENCE_OPENERS):
        return saint
    if not place or (not has_point and saint is None):
        return None
    return street + ("." if has_point and _ends(match) else "")


def _roman(match: Match) -> str | None:
    before, numeral = context.word_before(match), match.group()
    number = words.roman_value(numeral)
    if before in en.LETTER_LABELS:
        return NUMBERS.cardinal(number)
    if len(numeral) < 2 and not (before in en.REGNAL_NAMES and numeral in "VX"):
        return None
    if before in en.REGNAL_NAMES:
        return f"the {NUMBERS.ordinal(number)}"
    name = before[:1].isupper() and not before.isupper() and before not in en.SENTENCE_OPENERS
    return NUMBERS.cardinal(number) if name and set(numeral) <= set("IVX") else None
