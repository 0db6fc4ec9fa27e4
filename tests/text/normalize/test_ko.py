"""Korean numbers by other ways of telling them, and that particles stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.text.normalize import normalizer_for
from sonorant.text.normalize.ko_numbers import native, sino
from sonorant.text.normalize.ko_tables import BRACKETS, LETTERS, NATIVE_COUNTERS, SINO_COUNTERS
from sonorant.text.normalize.numbers import spell
from sonorant.text.standard import standard_frontend

NORMALIZE = normalizer_for("ko")
VALUES = {"영": 0, **{name: value for value, name in enumerate("일이삼사오육칠팔구", start=1)}}
PLACES = {"십": 10, "백": 100, "천": 1000}
MYRIADS = {"만": 10**4, "억": 10**8, "조": 10**12, "경": 10**16}


def said(text: str) -> str:
    return "".join(piece.spoken for piece in NORMALIZE(text))


def value(spoken: str) -> int:
    """A Chinese number read back, syllable by syllable."""
    total = group = digit = 0
    for char in spoken.replace(" ", ""):
        if char in VALUES:
            digit = VALUES[char]
        elif char in PLACES:
            group, digit = group + (digit or 1) * PLACES[char], 0
        else:
            total, group, digit = total + (group + digit or 1) * MYRIADS[char], 0, 0
    return total + group + digit


@given(st.integers(0, 10**20 - 1) | st.sampled_from([10**power for power in range(20)]))
def test_a_chinese_number_can_be_read_back(number: int) -> None:
    assert value(sino(number)) == number


@given(st.integers(1, 9999))
def test_chinese_numbers_are_those_of_cldr(number: int) -> None:
    assert sino(number) == spell("ko", "cardinal-sinokorean", number).replace(" ", "")


@pytest.mark.parametrize("number", range(1, 100))
def test_native_numbers_are_those_of_cldr(number: int) -> None:
    assert native(number) == spell("ko", "cardinal-native-attributive", number).replace(" ", "")


@given(st.integers(100, 10**9), st.sampled_from(sorted(NATIVE_COUNTERS)))
def test_from_a_hundred_on_everything_is_counted_in_chinese_numbers(number: int, counter: str) -> None:
    assert said(f"{number:,}{counter}").replace(" ", "").startswith(sino(number).replace(" ", ""))


@given(
    st.integers(1, 99),
    st.sampled_from([counter for counter in (*NATIVE_COUNTERS, *SINO_COUNTERS) if counter not in {"조", "천"}]),
    st.sampled_from("은 는 이 가 을 를 의 에 로 도 만 에서 부터 까지".split()),
)
def test_particles_stay_with_what_is_counted(number: int, counter: str, particle: str) -> None:
    spoken = said(f"{number}{counter}{particle} 있다")
    assert spoken.endswith(f"{counter}{particle} 있다")
    assert not set(spoken) & set("0123456789")


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=3), st.sampled_from(["", "는", "에서"]))
def test_capitals_are_spelled_and_keep_their_particles(word: str, particle: str) -> None:
    spoken = said(f"{word}{particle}.")
    if all(piece.rule == "letters" for piece in NORMALIZE(word)):
        assert spoken == "".join(LETTERS[char] for char in word) + particle + "."
    assert spoken.endswith(particle + ".")


@pytest.mark.parametrize("text", ["nice", "iMac", "大韓民國", "漢字와 한글", "東"])
def test_what_cannot_be_said_is_left_for_the_front_end_to_report(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize("bracket", BRACKETS)
def test_brackets_are_silent(bracket: str) -> None:
    (sentence,) = standard_frontend("ko")(f"나는 {bracket}책{bracket} 읽었다.")
    assert sentence.unknown == {}
    assert [word.spoken for word in sentence.words] == ["나는", "책", "읽었다"]
