"""English dates, years and times."""

from __future__ import annotations

from sonorant.text.normalize import context, rules
from sonorant.text.normalize import en_tables as en
from sonorant.text.normalize.en_tables import MONTH, NUMBERS
from sonorant.text.normalize.rules import RANGE_DASH
from sonorant.text.normalize.scan import NOT_IN_WORD, Match, Rule

_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_YEAR = r"[12][0-9]{3}(?![0-9]|,[0-9])"
_HALF_DAY = r"(?:[ \u00a0]?(?P<half>[ap]\.[ ]?m\.|[AP]\.M\.|[ap]\.?m(?![^\W_])|[AP]M(?![^\W_])))"


def dates() -> list[Rule]:
    year = r"(?P<year>[12][0-9]{3}|[0-9]{2})"
    end = r"(?![-/.]?[0-9])" + NOT_IN_WORD
    day = rf"(?P<day>{_DAY})(?P<suffix>st|nd|rd|th)?"
    of_month = rf"{day}[ \u00a0](?:of )?(?P<month>{MONTH})(?:(?P<comma>,?) (?P<year>{_YEAR}))?"
    return [
        rules.iso_date(en.say_date),
        Rule("date", rf"(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})/{year}{end}", _numeric_date),
        Rule("date", rf"(?P<month>0?[1-9]|1[0-2])-(?P<day>{_DAY})-(?P<year>[12][0-9]{{3}}){end}", _numeric_date),
        Rule("date", rf"(?P<day>{_DAY})\.(?P<month>0?[1-9]|1[0-2])\.(?P<year>[12][0-9]{{3}}){end}", _numeric_date),
        Rule("date", of_month + NOT_IN_WORD, _day_month),
    ]


def times() -> list[Rule]:
    clock = r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?![:.]?[0-9])"
    return [
        Rule("time", clock + _HALF_DAY + r"?" + NOT_IN_WORD, _time),
        Rule("time", rf"(?P<first>1[0-2]|0?[1-9])(?:{RANGE_DASH}(?P<hour>1[0-2]|0?[1-9])){_HALF_DAY}", _hours),
        Rule("time", rf"(?P<hour>1[0-2]|0?[1-9]){_HALF_DAY}", _time),
    ]


def month_day() -> Rule:
    """ "March 4th, 2024"."""
    return Rule(
        "date",
        rf"(?P<month>{MONTH})[ \u00a0](?P<day>{_DAY})(?P<suffix>st|nd|rd|th)?"
        rf"(?:{RANGE_DASH}(?P<last>{_DAY})(?:st|nd|rd|th)?)?(?!\d|:\d|[.,]\d|[ ]?%)"
        rf"(?:(?P<comma>,?) (?P<year>{_YEAR}))?" + NOT_IN_WORD,
        _month_day,
    )


# Dates and years


def short_year(written: str) -> str:
    return NUMBERS.digits(written) if written == "00" else NUMBERS.year(1900 + int(written)).split(" ", 1)[1]


def _full_year(written: str) -> str:
    if len(written) == 2:
        written = ("19" if int(written) > 50 else "20") + written
    return NUMBERS.year(int(written))


def _numeric_date(match: Match) -> str | None:
    """Month first, unless only the other order makes a date."""
    month, day = int(match["month"]), int(match["day"])
    if month > 12:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{en.MONTHS[month - 1]} {NUMBERS.ordinal(day)}, {_full_year(match['year'])}"


def _month_day(match: Match) -> str:
    spoken = f"{en.month_name(match['month'])} {NUMBERS.ordinal(int(match['day']))}"
    if match["last"]:
        spoken += f" to {NUMBERS.ordinal(int(match['last']))}"
    return f"{spoken}, {_full_year(match['year'])}" if match["year"] else spoken


def _day_month(match: Match) -> str:
    article = "" if context.word_before(match).lower() == "the" else "the "
    spoken = f"{article}{NUMBERS.ordinal(int(match['day']))} of {en.month_name(match['month'])}"
    return f"{spoken}{match['comma']} {_full_year(match['year'])}" if match["year"] else spoken


def year(match: Match) -> str:
    """Four digits are a year, unless what follows or precedes shows that they count something."""
    number = int(match.group())
    before, after = context.word_before(match), context.word_after(match)
    plural = after.islower() and len(after) > 3 and after.endswith("s") and not after.endswith(("ss", "is", "us"))
    counts = after in en.PEOPLE or plural
    if before.lower() in en.YEAR_CONTEXT or before in en.MONTHS or before in en.MONTH_ABBREVIATIONS:
        is_year = not (before.lower() == "the" and after in en.PEOPLE)
    elif before.lower() in en.LOOSE_YEAR_CONTEXT:
        is_year = not counts
    else:
        is_year = not counts and before.lower() not in en.COUNT_CONTEXT and 1100 <= number <= 2099
    return NUMBERS.year(number) if is_year else NUMBERS.cardinal(number)


def years(match: Match) -> str:
    low, high = NUMBERS.year(int(match["low"])), match["high"]
    if len(high) == 2:
        return f"{low} to {short_year(high) if high != '00' else NUMBERS.cardinal(100)}"
    return f"{low} to {NUMBERS.year(int(high))}"


def era(match: Match) -> str:
    return f"{NUMBERS.year(int(match['year']))} {rules.letters(match['era'])}"


def decade(match: Match) -> str | None:
    return NUMBERS.plural_of_tens(int(match["tens"])) if int(match["tens"]) else None


def calendar(match: Match) -> str | None:
    written = match.group().rstrip(".")
    follower = context.next_word(match)
    name = en.MONTH_ABBREVIATIONS.get(written) or en.DAY_ABBREVIATIONS[written]
    if not match.group().endswith(".") or follower is None:
        return name
    ends = context.ends_sentence(match, continuing=en.DAYS | {*en.MONTHS, *en.MONTH_ABBREVIATIONS})
    if ends and written in ("Sun", "Sat", "Wed", "Mar"):
        return None  # also words and names
    return f"{name}." if ends else name


# Times


def _time(match: Match) -> str:
    groups = match.groupdict()
    hour, minute, second = int(groups["hour"]), int(groups.get("minute") or 0), groups.get("second")
    half = groups["half"]
    said_hour = NUMBERS.cardinal(hour)
    if minute:
        spoken = f"{said_hour} {'oh ' if minute < 10 else ''}{NUMBERS.cardinal(minute)}"
    elif half or (second and int(second)):
        spoken = said_hour
    elif hour in (0, 24):
        spoken = "midnight"
    else:
        spoken = f"{said_hour} o'clock" if hour <= 12 else f"{said_hour} hundred"
    if second and int(second):
        spoken += f" and {NUMBERS.cardinal(int(second))} second{'s' * (int(second) != 1)}"
    return f"{spoken} {_half_day(match)}" if half else spoken


def _hours(match: Match) -> str:
    first, hour = (NUMBERS.cardinal(int(match[name])) for name in ("first", "hour"))
    return f"{first} to {hour} {_half_day(match)}"


def _half_day(match: Match) -> str:
    return rules.letters(match["half"]) + ("." if match["half"].endswith(".") and _noon_ends(match) else "")


def before_noon(match: Match) -> str:
    return en.ENDING[match.group()] + ("." if _noon_ends(match) else "")


def _noon_ends(match: Match) -> bool:
    zones = {"EST", "EDT", "ET", "PST", "PDT", "PT", "CST", "CDT", "MST", "GMT", "UTC", "BST", "CET"}
    return context.ends_sentence(match, continuing=en.DAYS | {*en.MONTHS, *en.MONTH_ABBREVIATIONS} | zones)
