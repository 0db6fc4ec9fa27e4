"""Texts that are said alike compare as one."""

from __future__ import annotations

import pytest

from sonorant.text.comparison import base_language, character_error_rate, spoken_form


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("It cost $3.", "en-us", "it cost three dollars"),
        ("it cost three dollars!", "en-gb", "it cost three dollars"),
        ("“Don’t,” she said — twice…", "en", "don't she said twice"),
        ("L'ÉTÉ 2 fois", "fr-fr", "l'été deux fois"),
        ("wait [pause:1s] for it", "en", "wait for it"),
        ("say [[təˈmɑːtəʊ]]", "en", "say təˈmɑːtəʊ"),
        ("你好，世界。", "cmn", "你好 世界"),
        ("'quoted'", "en", "quoted"),
        ("...?!", "en", ""),
        ("", "en", ""),
    ],
)
def test_the_spoken_form_is_words_alone(text: str, language: str, spoken: str) -> None:
    assert spoken_form(text, language) == spoken


def test_accents_written_in_two_ways_are_one() -> None:
    assert spoken_form("e\u0301te\u0301", "fr") == spoken_form("été", "fr")


@pytest.mark.parametrize("language", ["en", "en-us", "EN_GB", "en-gb-x-rp"])
def test_the_region_is_left_out_of_a_language(language: str) -> None:
    assert base_language(language) == "en"


def test_error_rates_count_edits_over_all_characters_together() -> None:
    assert character_error_rate(["abcd"], ["abcd"]) == 0
    assert character_error_rate(["abcd", "abcdef"], ["abcx", "abcdef"]) == pytest.approx(0.1)
    assert character_error_rate(["abcd"], [""]) == 1
    assert character_error_rate(["ab"], ["ab and more"]) > 1
