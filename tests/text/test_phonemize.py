"""espeak-ng, and whose phonemes are whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import ConfigError
from sonorant.text.hangul import SOUND_JAMO, from_jamo
from sonorant.text.phonemize import Espeak, Korean


@pytest.fixture(scope="module")
def english() -> Espeak:
    return Espeak("en-us")


def test_each_word_gets_its_phonemes(english: Espeak) -> None:
    assert [spoken.ipa for spoken in english(["the", "quick", "brown", "fox"])] == ["ðə", "kwˈɪk", "bɹˈaʊn", "fˈɑːks"]


def test_words_said_as_one_are_told_apart(english: Espeak) -> None:
    spoken = english("in the middle of the night".split())
    assert [(s.ipa, s.joined) for s in spoken] == [
        ("ɪn", False), ("ðə", True), ("mˈɪdəl", False), ("ʌv", False), ("ðə", True), ("nˈaɪt", False),
    ]  # fmt: skip


def test_context_is_heard(english: Espeak) -> None:
    assert english(["the", "apple"])[0].ipa == "ðɪ"
    assert english(["the", "pear"])[0].ipa == "ðə"


def test_words_of_other_languages_leave_no_flags(english: Espeak) -> None:
    assert "(" not in "".join(spoken.ipa for spoken in Espeak("fr-fr")(["le", "weekend", "hello"]))


@pytest.mark.parametrize("voice", ["en-us", "es", "fr-fr", "it", "ru"])
@given(words=st.lists(st.from_regex(r"[A-Za-zа-яéñçà]{1,12}", fullmatch=True), max_size=12))
def test_every_word_is_answered(voice: str, words: list[str]) -> None:
    assert len(Espeak(voice)(words)) == len(words)


@given(words=st.lists(st.sampled_from("of the in on a to is it I am for at with that U S".split()), max_size=14))
def test_sharing_out_loses_no_phoneme(words: list[str]) -> None:
    from sonorant.text.phonemize import _engine

    said = "".join(_engine()(" ".join(words), "en-us").split())
    assert "".join(spoken.ipa.replace(" ", "") for spoken in Espeak("en-us")(words)) == said


def test_an_unknown_voice_is_refused_with_its_neighbours() -> None:
    with pytest.raises(ConfigError, match=r"no voice 'en-xx'; it has .*en-us"):
        Espeak("en-xx")


def test_second_names_of_voices_are_known() -> None:
    assert Espeak("fr").voice == "fr-fr"
    assert Espeak("en").voice == "en-gb"


def test_spelled_letters_have_their_names(english: Espeak) -> None:
    assert english(["nine", "A", "M"])[1].ipa == "ˈeɪ"
    assert english(["A", "dog"])[0].ipa == "ɐ"


@given(words=st.lists(st.from_regex(r"[가-힣]{1,8}|[a-z漢가-힣'-]{1,6}", fullmatch=True), max_size=8))
def test_every_korean_word_is_answered_in_jamo_or_not_at_all(words: list[str]) -> None:
    spoken = Korean(relaxed=False)(words)
    assert len(spoken) == len(words)
    for word, (jamo, joined) in zip(words, spoken, strict=True):
        assert not joined
        assert set(jamo) <= set(SOUND_JAMO)
        letters = word.replace("'", "").replace("-", "")
        assert bool(jamo) is (letters != "" and all("가" <= letter <= "힣" for letter in letters))


def test_korean_hears_its_context() -> None:
    assert [from_jamo(spoken.ipa) for spoken in Korean(relaxed=False)(["책", "넣는다"])] == ["챙", "넌는다"]
    assert [from_jamo(spoken.ipa) for spoken in Korean(relaxed=False)(["책"])] == ["책"]


def test_korean_may_be_as_it_is_mostly_heard() -> None:
    assert from_jamo(Korean(relaxed=True)(["우리의"])[0].ipa) == "우리에"
