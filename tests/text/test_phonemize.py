"""espeak-ng, and whose phonemes are whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import ConfigError
from sonorant.text.phonemize import Espeak


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
