"""Korean: rules. Particles stay with what they are written to: "3개를" is "세 개를", "KBS에서" is "케이비에스에서"."""

from __future__ import annotations

import re

from sonorant.text.hangul import has_coda
from sonorant.text.normalize import ko_tables as ko
from sonorant.text.normalize import rules
from sonorant.text.normalize.context import word_after, word_before
from sonorant.text.normalize.ko_numbers import PATTERN, SIGNED, digits, native, read, say, sino, whole
from sonorant.text.normalize.rules import any_of, fixed, table
from sonorant.text.normalize.scan import NUMBER_START, SIGN_START, Match, Piece, Rule, Scanner, Section

_DASH = r"[-‐‑–—~∼〜～]"
_WAVE = r"[~∼〜～]"
_NOT_LATIN = r"(?![A-Za-z0-9])"
_LATIN_START = r"(?<![A-Za-z])(?=[A-Za-z])"
_HALF_DAY = rf"(?i:[ap](?:m{_NOT_LATIN}|\.m\.))"
_CLOCK = r"(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?(?![:.]?[0-9])"
# What may stand right after a counter that is written apart from its number; else "3 시장" would be three o'clock.
_AFTER_COUNTER = (
    r"(?![가-힣])|(?=이|가|은|는|을|를|의|에|로|으로|와|과|도|만|까지|부터|씩|쯤|정도|마다|나|밖에|당|짜리|동안|간|째"
    r"|반|전|후)"
)
_NOTHING_MORE = re.compile(r"\s*\Z")
_WHOLE_PEOPLE = re.compile(r"님$")
_NUMBERED_BY_DAE = ("강", "보험", "명절", "과제", "요소", "원칙", "기업", "강국", "도시", "천왕", "대통령")


def _month(number: int) -> str:
    return {6: "유월", 10: "시월"}.get(number, f"{sino(number)}월")


def _hour(number: int) -> str:
    """Native until twelve; the clock of twenty-four hours is read in Chinese numbers."""
    return f"{native(number) if 1 <= number <= 12 else sino(number)} 시"


def _date(match: Match) -> str:
    spoken = f"{sino(int(match['year']))}년 {_month(int(match['month']))} {sino(int(match['day']))}일"
    return spoken + _full_stop(match)


def _full_stop(match: Match) -> str:
    """The point of a date or of initials that also ends the text, or ""."""
    return "." if match.group().endswith(".") and _NOTHING_MORE.match(match.string, match.end()) else ""


def _time(match: Match) -> str:
    half = (match["half"] or "").strip()
    spoken = (f"{_half_day(half)} " if half else "") + _clock(match["hour"], match["minute"], match["second"])
    return spoken if match["until"] is None else f"{spoken}에서 {_clock(match['until'], match['past'], None)}"


def _half_day(written: str) -> str:
    """a.m. and p.m."""
    return {"a": "오전", "p": "오후"}[written[0].lower()]


def _clock(hour: str, minute: str, second: str | None) -> str:
    spoken = _hour(int(hour))
    if int(minute):
        spoken += f" {sino(int(minute))} 분"
    return spoken + (f" {sino(int(second))} 초" if second else "")


def _named_day(match: Match) -> str:
    """6.25 is 육이오, 10.26 십이육; but 6.10 is 육십, 12.12 십이십이."""
    month, day = re.split(r"\D", match.group())
    whole_day = day.endswith("0") or month == day
    return sino(int(month)) + (sino(int(day)) if whole_day else digits(day, zero="영"))


def _telephone(match: Match) -> str:
    """Digit by digit, a pause between the groups."""
    runs = re.findall("[0-9]+", match.group())
    if len(runs) == 1 and len(runs[0]) == 11:
        runs = [runs[0][:3], runs[0][3:7], runs[0][7:]]
    plus = "플러스 " if match.group().startswith("+") else ""
    return plus + ", ".join(map(digits, runs))


# ---- numbers and what they count -----------------------------------------------------------------------------------


def _counted(match: Match) -> str:
    counter, ends = match["counter"], [read(match["low"])]
    if match["high"] is not None:
        ends.append(read(match["high"]))
    if counter == "월" and all(not each.decimals and 1 <= int(each.whole) <= 12 for each in ends):
        return "에서 ".join(_month(int(each.whole)) for each in ends)
    if counter == "번째" and match.group().strip("번째 ") == "1":
        return "첫 번째"
    if all(_is_native(match, counter, each.whole, each.decimals) for each in ends):
        return "에서 ".join(f"{native(int(each.whole))} {counter}" for each in ends)
    minus = "영하" if counter == "도" else "마이너스"
    joint = "" if counter in ko.ATTACHED else " "
    return "에서 ".join(say(each, minus=minus) for each in ends) + joint + counter


def _about(match: Match) -> str | None:
    """3,4명, "three or four": 서너 명; 3,4년: 삼사 년. Two numbers that do not follow one another are a list."""
    low, counter = int(match["low"]), match["counter"]
    if int(match["high"]) != low + 1:
        return None
    if counter == "월":
        return "오뉴월" if low == 5 else f"{sino(low)}{sino(low + 1)}월"
    if _is_native(match, counter, match["low"], ""):
        return f"{ko.ABOUT[low]} {counter}"
    return f"{sino(low)}{_after(low)}{'' if counter in ko.ATTACHED else ' '}{counter}"


def _about_scaled(match: Match) -> str | None:
    """3,4만 is 삼사만, 5,6천 오륙천."""
    low = int(match["low"])
    if int(match["high"]) != low + 1:
        return None
    return f"{sino(low)}{_after(low)}{match['scale']}"


def _after(low: int) -> str:
    """The next number, said as one with the one before: 오륙."""
    return "륙" if low == 5 else sino(low + 1)


def _minus(match: Match) -> str:
    return " 빼기 ".join(whole(number) for number in match.group().split("-"))


def _is_native(match: Match, counter: str, number: str, decimals: str) -> bool:
    if decimals or len(number) > 2 or not 1 <= int(number) <= ko.NATIVE_COUNTERS.get(counter, 99):
        return False
    value, before = int(number), word_before(match)
    following = word_after(match) or match.string[match.end() : match.end() + 4]
    if match.string.endswith("제", 0, match.start()) or (before == "제" and counter in ko.ORDINALS):
        return False
    match counter:
        case "시":
            return value <= 12
        case "분":
            return before in ko.PEOPLE or _WHOLE_PEOPLE.search(before) is not None
        case "번":
            named = ko.NUMBERED_BEFORE_BEON.fullmatch(before) or following.startswith(tuple(ko.NUMBERED_BY_BEON))
            return not named
        case "대":
            is_decade = value % 10 == 0 and before not in ko.MACHINES
            return not (is_decade or before == "세계" or following.startswith(_NUMBERED_BY_DAE))
        case _:
            return counter in ko.NATIVE_COUNTERS


def _measured(match: Match) -> str:
    unit = match["unit"]
    prefix, name = ko.UNIT_PREFIXES.get(unit, ""), ko.UNITS[unit]
    low = read(match["low"])
    if name == "도" and low.sign == "-":
        prefix = ""
    said = prefix + say(low, minus="영하" if name == "도" else "마이너스")
    if match["high"] is not None:
        said += f"에서 {say(read(match['high']))}"
    return f"{said} {name}"


def _scaled(match: Match) -> str:
    """3만, 2천만, 1.5억; 만 and 천 without a 일."""
    amount, scale = read(match["number"]), match["scale"]
    bare = amount.whole.lstrip("0") == "1" and not amount.decimals and not amount.sign and scale[0] in "백천십만"
    return scale if bare else say(amount) + scale


def _price(match: Match) -> str:
    unit, hundredth = ko.CURRENCIES[match["currency"]]
    amount = read(match["number"])
    if match["scale"]:
        return f"{say(amount)}{match['scale']} {unit}"
    if hundredth and len(amount.decimals) == 2:
        parts = [f"{sino(int(amount.whole))} {unit}"] if int(amount.whole) else []
        parts += [f"{sino(int(amount.decimals))} {hundredth}"] if int(amount.decimals) else []
        return " ".join(parts) or f"영 {unit}"
    return f"{say(amount)} {unit}"


def _fraction(match: Match) -> str:
    said = f"{sino(int(match['bottom']))}분의 {sino(int(match['top']))}"
    before = match.groupdict().get("whole")
    return f"{sino(int(before))}과 {said}" if before else said


def _vulgar(match: Match) -> str:
    top, bottom = ko.VULGAR[match["fraction"]]
    said = f"{sino(bottom)}분의 {sino(top)}"
    return f"{sino(int(match['whole']))}과 {said}" if match["whole"] else said


def _equals(match: Match) -> str:
    """The particle 은 or 는, by the sound of the last digit before."""
    found = re.search(r"([0-9])[)\s]*$", match.string[max(0, match.start() - 8) : match.start()])
    return "은" if (found and has_coda(whole(found[1])[-1])) or not found or found[1] == "0" else "는"


def _number_rules() -> list[Rule]:
    low_high = rf"(?P<low>{SIGNED})(?:{_DASH}(?P<high>{PATTERN}))?"
    counters = any_of((*ko.NATIVE_COUNTERS, *ko.SINO_COUNTERS))
    scales = rf"(?P<scale>{any_of(ko.SCALES)})(?!각|직|항|문|례|막|국|화점|남|세|(?<=경)기)"
    month, day = r"(?P<month>0?[1-9]|1[0-2])", r"(?P<day>0?[1-9]|[12][0-9]|3[01])"
    year = r"(?P<year>[12][0-9]{3})"
    return [
        *(
            Rule("date", rf"{year}{dash}{month}{dash}{day}(?![-/.]?[0-9])(?![A-Za-z])", _date)
            for dash in ("-", "/", r"\.")
        ),
        Rule("date", rf"{year}\. ?{month}\. ?{day}\.(?![0-9])", _date),
        Rule("telephone", r"\+[0-9]{1,3}(?:[ -]\(?[0-9]{1,4}\)?){2,5}(?!-?[0-9])", _telephone),
        Rule("telephone", r"(?:0[0-9]{1,2}[-. )]|\(0[0-9]{1,2}\) ?)[0-9]{3,4}[-. ][0-9]{4}(?!-?[0-9])", _telephone),
        Rule("telephone", r"1[0-9]{3}-[0-9]{4}(?!-?[0-9])|01[016789][0-9]{7,8}(?![0-9])", _telephone),
        Rule("telephone", r"(?:112|119|114)(?=에 |로 |에서 | 신고| 구급| 구조)", lambda match: digits(match.group())),
        Rule("operator", r"[0-9]{1,9}(?:-[0-9]{1,9}){1,9}(?= ?= ?[-−]?[0-9])", _minus),
        Rule("digits", r"[0-9]{1,20}(?:-[0-9]{1,20}){2,10}(?![0-9])", _telephone),
        Rule(
            "version",
            r"[0-9]{1,9}(?:\.[0-9]{1,9}){2,9}(?!\.?[0-9])",
            lambda match: " 점 ".join(sino(int(part)) for part in match.group().split(".")),
        ),
        Rule(
            "time",
            _CLOCK + rf"(?:{_DASH}(?P<until>[01]?[0-9]|2[0-4]):(?P<past>[0-5][0-9])(?![:0-9]))?"
            rf"(?P<half> ?{_HALF_DAY})?",
            _time,
        ),
        Rule(
            "time",
            rf"(?P<hour>1[0-2]|0?[1-9]) ?(?P<half>{_HALF_DAY})",
            lambda match: f"{_half_day(match['half'])} {_hour(int(match['hour']))}",
        ),
        Rule(
            "power",
            rf"(?P<base>{SIGNED})(?P<power>[²³])(?![0-9²³])",
            lambda match: f"{say(read(match['base']))}의 {ko.POWERS[match['power']]}",
        ),
        # Days that are named by their numbers: 6·25, 3·1절; with a full stop only where the name follows.
        Rule("day", r"[0-9]{1,2}[·ㆍ․][0-9]{1,2}(?![0-9·])", _named_day),
        Rule("day", rf"{month}\.{day}(?= ?{any_of(ko.NAMED_DAYS)})|(?:{ko.NAMED_SURELY})", _named_day),
        Rule("quarter", r"(?P<quarter>[1-4])/4(?= ?분기)", lambda match: f"{sino(int(match['quarter']))}사"),
        Rule("fraction", r"(?P<bottom>[0-9]{1,15}) ?분의 ?(?P<top>[0-9]{1,15})(?![0-9.])", _fraction),
        Rule(
            "score",
            rf"(?P<low>[0-9]{{1,4}}) ?(?:대|:) ?(?P<high>[0-9]{{1,4}})(?![0-9:])(?={_AFTER_COUNTER}|승|패)",
            lambda match: f"{sino(int(match['low']))} 대 {sino(int(match['high']))}",
        ),
        Rule(
            "money", rf"(?<![0-9가-힣])(?P<currency>{any_of(ko.CURRENCIES)})(?P<number>{PATTERN})(?:{scales})?", _price
        ),
        Rule(
            "money",
            rf"(?P<number>{PATTERN}) ?(?P<currency>{any_of(ko.CURRENCY_CODES)}){_NOT_LATIN}",
            lambda match: f"{say(read(match['number']))} {ko.CURRENCY_CODES[match['currency']]}",
        ),
        table("code", ko.CODES, after=_NOT_LATIN),
        Rule("unit", rf"{low_high} ?(?P<unit>{any_of(ko.UNITS)})(?![A-Za-z0-9²³/])", _measured),
        Rule("scale", rf"(?<![0-9],)(?P<low>[1-8]),(?P<high>[2-9]){scales}", _about_scaled),
        Rule("scale", rf"(?P<number>{SIGNED}){scales}", _scaled),
        Rule("counter", rf"(?<![0-9],)(?P<low>[1-8]),(?P<high>[2-9])(?P<counter>{counters})", _about),
        Rule("counter", rf"{low_high}(?P<counter>{counters})", _counted),
        Rule("counter", rf"{low_high} (?P<counter>{counters})(?:{_AFTER_COUNTER})", _counted),
        Rule(
            "fraction", r"(?:(?P<whole>[0-9]{1,6}) )?(?P<top>[0-9]{1,4})[/⁄](?P<bottom>[0-9]{1,4})(?![0-9/])", _fraction
        ),
        Rule("fraction", rf"(?:(?P<whole>[0-9]{{1,9}}) ?)?(?P<fraction>{any_of(ko.VULGAR)})", _vulgar),
        Rule(
            "range",
            rf"(?P<low>{SIGNED}) ?{_WAVE} ?(?P<high>{PATTERN})",
            lambda match: f"{say(read(match['low']))}에서 {say(read(match['high']))}",
        ),
        Rule(
            "range",
            rf"(?P<low>{PATTERN})-(?P<high>{PATTERN})",
            lambda match: f"{say(read(match['low']))} 다시 {say(read(match['high']))}",
        ),
        Rule("digits", r"0[0-9]{1,30}(?![0-9.,:])", lambda match: digits(match.group())),
        Rule("number", SIGNED, lambda match: say(read(match.group()))),
        Rule("digits", "[0-9]+", lambda match: whole(match.group())),
    ]


# ---- Latin letters, jamo and signs ---------------------------------------------------------------------------------


def _letters(text: str) -> str:
    return "".join(ko.LETTERS[char.upper()] for char in text if char.isalpha())


def _address(match: Match) -> str:
    words: list[str] = []
    for part in re.findall(r"[0-9]+|[A-Za-z]+|[^A-Za-z0-9]", re.sub(r"^https?://", "", match.group())):
        if part[0] in "0123456789":
            words.append(whole(part))
        elif part.isalpha():
            words.append(ko.LATIN_WORDS.get(part.lower()) or _letters(part))
        else:
            words.append(ko.ADDRESS_SIGNS[part])
    return " ".join(words).replace("점 컴", "닷컴")


def _latin_rules() -> list[Rule]:
    label = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    domain = rf"{label}(?:\.{label}){{0,4}}\.(?:com|net|org|kr|io|ai|tv|me|edu|gov){_NOT_LATIN}"
    path = r"(?:[/?#:][A-Za-z0-9/?#&=%.:~+@_-]{0,300}[A-Za-z0-9/])?"
    return [
        Rule("email", rf"[A-Za-z0-9._+-]{{1,64}}@{domain}", _address),
        Rule("url", rf"(?:https?://)?{domain}{path}", _address),
        Rule("time", rf"{_HALF_DAY}(?= ?[0-9]{{1,2}}(?::|시))", lambda match: _half_day(match.group())),
        Rule(
            "letters",
            rf"[A-Z]{{1,3}}&[A-Z]{{1,3}}{_NOT_LATIN}",
            lambda m: "앤".join(map(_letters, m.group().split("&"))),
        ),
        table("code", ko.CODES, after=_NOT_LATIN),
        Rule("initials", r"[A-Z](?:\.[A-Z]){1,7}(?:\.|(?![A-Za-z]))", lambda m: _letters(m.group()) + _full_stop(m)),
        Rule(
            "word", r"(?i:mr|mrs|ms|dr|vs|no)\.(?= ?[0-9A-Za-z가-힣])", lambda m: ko.LATIN_WORDS[m.group()[:-1].lower()]
        ),
        Rule("word", rf"(?i:{any_of(ko.LATIN_WORDS)})(?![A-Za-z])", lambda m: ko.LATIN_WORDS[m.group().lower()]),
        Rule("letters", r"(?:[A-Z]{1,8}|[a-z])(?![A-Za-z])", lambda m: _letters(m.group())),
        # What leans on Hangul would take that with it; a word by itself is no letters' name.
        Rule("letters", r"(?:(?<=[가-힣])[A-Za-z]{1,30}|[A-Za-z]{1,30}(?=[가-힣]))", lambda m: _letters(m.group())),
    ]


def _jamo(match: Match) -> str:
    """Laughter is said, weeping is not, one letter is named."""
    run = match.group()
    if run[0] in "ㅋㅎ" and len(run) > 1:
        return {"ㅋ": "크", "ㅎ": "흐"}[run[0]] * len(run)
    if run[0] in "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ":
        return "" if len(run) > 1 else chr(ord("아") + (ord(run) - ord("ㅏ")) * 28)
    return " ".join(ko.JAMO_NAMES.get(char, "") for char in run).strip()


def _sign_rules() -> list[Rule]:
    numeral = rf"(?P<numeral>{any_of(ko.ROMAN)})"
    after_number, spaced = r"(?:(?<=[0-9)%])|(?<=[0-9)%] ))", r"(?<=[0-9)%] )"
    tight = {sign: word for sign, word in ko.OPERATORS.items() if sign in "+×÷±"}
    return [
        Rule("roman", numeral, lambda match: sino(ko.ROMAN[match["numeral"]])),
        Rule("circled", any_of(ko.CIRCLED), lambda match: sino(ko.CIRCLED[match.group()])),
        table("bracket", ko.BRACKETS),
        fixed("range", rf"(?<=[0-9가-힣%℃]){_WAVE}(?=[0-9])", "에서"),
        Rule("particle", rf"{after_number}=(?= ?[-−]?[0-9])", _equals),
        table("operator", ko.OPERATORS, before=spaced, after=r"(?= [-−(]?[0-9])"),
        table("operator", tight, before=after_number, after=r"(?= ?[-−(]?[0-9])"),
        fixed("decoration", _WAVE, ""),
        *rules.decoration(),
        table("sign", ko.SIGNS),
    ]


def _joint(before: Piece, after: Piece) -> str:
    """Particles stay with what was rewritten, and it with the prefix 제; else two words."""
    tight = not after.rule or after.rule in ("range", "particle") or before.text == "제"
    return "" if tight else " "


def normalizer() -> Scanner:
    return Scanner(
        [
            Section(_LATIN_START, _latin_rules()),
            Section(NUMBER_START, _number_rules()),
            Section(r"(?=[ㄱ-ㅎㅏ-ㅣ])", [Rule("letter", r"ㅋ{1,60}|ㅎ{1,60}|[ㅏ-ㅣ]{1,60}|[ㄱ-ㅎ]", _jamo)]),
            Section(rf"(?:{SIGN_START}|(?=[Ⅰ-Ⅻ①-⑳]))", _sign_rules()),
        ],
        joint=_joint,
    )
