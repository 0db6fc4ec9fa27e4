"""What texts are written in."""

import pytest

from sonorant.text.scripts import is_written_in, letters_by_script, other_script


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Déjà vu, 12!", {"Latin": 6}),
        ("Привет, World", {"Cyrillic": 6, "Latin": 5}),
        ("안녕 세계", {"Hangul": 4}),
        ("カタカナとひらがなと漢字", {"Katakana": 4, "Hiragana": 6, "CJK": 2}),
        ("Ω", {"Greek": 1}),
        ("... 3.5 %", {}),
    ],
)
def test_letters_are_counted_by_script(text: str, counts: dict[str, int]) -> None:
    assert letters_by_script(text) == counts


@pytest.mark.parametrize(
    ("language", "script", "is_its"),
    [
        ("ru", "Cyrillic", True),
        ("en-us", "Cyrillic", False),
        ("ko-kr", "Hangul", True),
        ("ja", "CJK", True),
        ("ru", "Latin", True),
        ("ru", "Greek", False),
    ],
)
def test_languages_have_their_scripts(language: str, script: str, is_its: bool) -> None:
    assert is_written_in(language, script) is is_its


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("Привет, Anna", "en-us", "Cyrillic"),
        ("He said Привет", "en-us", None),
        ("Привет, Anna", "ru", None),
        ("カタカナとひらがなと漢字", "en-us", "Hiragana"),
        ("Καλημέρα", "ru", "Greek"),
        ("12.5 %", "en-us", None),
        ("", "ru", None),
    ],
)
def test_a_text_in_letters_that_a_language_lacks(text: str, language: str, script: str | None) -> None:
    assert other_script(letters_by_script(text), language) == script
