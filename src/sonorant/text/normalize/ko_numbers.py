"""Korean numbers: Chinese ones (일, 이, 삼) by myriads, and native ones (하나, 둘, 셋) before what they count."""

from __future__ import annotations

from sonorant.text.normalize.numbers import Amount, split_sign

_ONES = "영일이삼사오육칠팔구"
_MYRIADS = ("", "만", "억", "조", "경")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTING = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
MAX_DIGITS = 20

# With commas between thousands, a point before decimals.
PATTERN = r"(?:(?:[0-9]{1,3}(?:,[0-9]{3}){1,6}(?![0-9]|,[0-9])|[0-9]{1,40})(?:\.[0-9]{1,30}(?!\.?[0-9]))?(?![0-9]))"
SIGNED = r"(?:(?<![^\s(\[=:;,/<>~])[-−+])?" + PATTERN


def read(written: str) -> Amount:
    """The amount in a text that matched `SIGNED`."""
    sign, number = split_sign(written)
    whole, _, decimals = number.replace(",", "").partition(".")
    return Amount(whole, decimals, sign)


def sino(number: int) -> str:
    """26 is 이십육, 12345 is 만 이천삼백사십오: myriads apart, and no 일 before a first 만."""
    if number == 0:
        return "영"
    groups: list[str] = []
    place = 0
    while number:
        number, group = divmod(number, 10000)
        if group:
            said = "" if group == 1 and place == 1 and not number else _below_myriad(group)
            groups.append(said + _MYRIADS[place])
        place += 1
    return " ".join(reversed(groups))


def native(number: int) -> str:
    """1 to 99 before what is counted: 한, 두, 스무, 스물한."""
    if number == 20:
        return "스무"
    tens, ones = divmod(number, 10)
    return _NATIVE_TENS[tens] + _COUNTING[ones]


def digits(written: str, *, zero: str = "공") -> str:
    """Digit by digit, as of a telephone."""
    return "".join(zero if char == "0" else _ONES[int(char)] for char in written if char in "0123456789")


def whole(written: str) -> str:
    return digits(written) if len(written) > MAX_DIGITS else sino(int(written or "0"))


def say(amount: Amount, *, minus: str = "마이너스") -> str:
    """영 점 오, 마이너스 삼."""
    sign = {"": "", "-": f"{minus} ", "+": "플러스 "}[amount.sign]
    point = f" 점 {digits(amount.decimals, zero='영')}" if amount.decimals else ""
    return f"{sign}{whole(amount.whole)}{point}"


def _below_myriad(number: int) -> str:
    said = ""
    for value, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        count, number = divmod(number, value)
        if count:
            said += ("" if count == 1 and name else _ONES[count]) + name
    return said
