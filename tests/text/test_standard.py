"""Symbols and front ends that stand where no voice says its own."""

from __future__ import annotations

import unicodedata

import pytest

from sonorant.config import config, parse, plain
from sonorant.errors import ConfigError
from sonorant.text.frontend import Frontend, FrontendConfig, LanguageConfig, Sentence
from sonorant.text.hangul import CODA_JAMO, ONSET_JAMO, SOUND_JAMO, VOWEL_JAMO, from_jamo
from sonorant.text.phonemize import CharactersConfig, EspeakConfig, KoreanConfig
from sonorant.text.standard import (
    GivenText,
    StandardText,
    TextConfig,
    standard_config,
    standard_symbols,
    text_of,
    vits_symbols,
)
from sonorant.text.symbols import SymbolTable, TokenLayout

CHARACTERS = StandardText(input="characters")


def read(text: str, language: str, cfg: TextConfig = CHARACTERS) -> Sentence:
    """A text that is one sentence."""
    frontend, symbols = text_of(cfg, [language])
    (sentence,) = Frontend(frontend, frontend.languages[0], SymbolTable(symbols))(text)
    return sentence


@pytest.mark.parametrize("read_as", ["phonemes", "characters"])
def test_rows_are_those_of_vits_and_then_one_after_another(read_as: str) -> None:
    symbols = standard_symbols(read_as)  # type: ignore[arg-type]
    assert symbols.items() >= vits_symbols().items()
    added = sorted(symbols[symbol] for symbol in symbols.keys() - vits_symbols().keys())
    assert added == list(range(178, 178 + len(added)))


def test_symbols_of_characters_begin_with_those_of_phonemes() -> None:
    phonemes, characters = standard_symbols("phonemes"), standard_symbols("characters")
    assert characters.items() > phonemes.items()
    assert "ж" in characters
    assert "ж" not in phonemes


def test_every_symbol_is_decomposed_as_texts_are() -> None:
    for symbol in standard_symbols("characters"):
        assert unicodedata.normalize("NFD", symbol) == symbol or symbol in vits_symbols(), symbol


@pytest.mark.parametrize(
    ("text", "language", "as_symbols"),
    [
        ("Чайный ёж", "ru", "чаи\u0306ныи\u0306 е\u0308ж"),
        ("Où est Noël, garçon", "fr", "ou\u0300 est noe\u0308l, garc\u0327on"),
        ("Él está", "es", "e\u0301l esta\u0301"),
        ("Straße über Öl", "de", "straße u\u0308ber o\u0308l"),
        ("Łódź śpi", "pl", "ło\u0301dz\u0301 s\u0301pi"),
        ("Perché no?", "it", "perche\u0301 no?"),
        ("Mañana", "es", "man\u0303ana"),
        ("Příliš žluťoučký kůň", "cs", "pr\u030ci\u0301lis\u030c z\u030clut\u030couc\u030cky\u0301 ku\u030an\u030c"),
    ],
)
def test_letters_of_many_languages_are_covered(text: str, language: str, as_symbols: str) -> None:
    for form in ("NFC", "NFD"):
        sentence = read(unicodedata.normalize(form, text), language)
        assert not sentence.unknown
        assert "".join(sentence.symbols) == as_symbols


def test_a_letter_that_no_language_of_ours_writes_is_told() -> None:
    assert read("ok 猫", "en").unknown == {"猫": 1}


def test_numbers_are_said_only_in_languages_that_are_normalised() -> None:
    assert "".join(read("2 Katzen", "de").symbols) != "zwei katzen"
    assert "".join(read("2 gatos", "es").symbols) == "dos gatos"
    languages = standard_config(["de", "es", "en-us"], read_as="characters").languages
    assert [language.normalizer for language in languages] == ["none", "es", "en"]


@pytest.mark.parametrize("text", ["Go on", "a"])
def test_blanks_stand_between_any_two_symbols_and_at_the_ends(text: str) -> None:
    sentence, blank = read(text, "en"), standard_symbols()["_"]
    assert len(sentence.tokens) == 2 * len(sentence.symbols) + 1
    assert set(sentence.tokens[::2]) == {blank}
    assert [sentence.symbols[at] for at in sentence.symbol_of_token if at >= 0] == list(text.lower())
    assert set(sentence.symbol_of_token[::2]) == {-1}


def test_without_blanks_there_is_one_at_each_end_only() -> None:
    without = StandardText(input="characters", blanks=False)
    sentence, symbols = read("Go on", "en", without), standard_symbols("characters")
    assert sentence.tokens == (symbols["_"], *(symbols[char] for char in "go on"), symbols["_"])
    assert sentence.symbol_of_token == (-1, 0, 1, 2, 3, 4, -1)


def test_phonemes_are_espeaks_by_the_voice_of_the_language() -> None:
    frontend, symbols = text_of(StandardText(), ["en", "PT_br"])
    assert [language.code for language in frontend.languages] == ["en", "pt-br"]
    assert [language.phonemizer for language in frontend.languages] == [
        EspeakConfig(voice="en-us"),
        EspeakConfig(voice="pt-br"),
    ]
    assert symbols == standard_symbols("phonemes")


def test_given_text_is_given_back_whatever_the_languages() -> None:
    frontend = FrontendConfig(
        languages=(LanguageConfig(code="xx", normalizer="none", phonemizer=CharactersConfig()),),
        layout=TokenLayout(begin="^", end="$"),
    )
    given = GivenText(frontend=frontend, symbols={"^": 0, "$": 1, " ": 2, "a": 3})
    assert text_of(given, ["ru", "en"]) == (frontend, given.symbols)
    assert read("aa", "ru", given).tokens == (0, 3, 3, 1)


@pytest.mark.parametrize("read_as", ["phonemes", "characters"])
def test_jamo_are_symbols_only_where_korean_is_spoken_and_after_all_others(read_as: str) -> None:
    without = standard_symbols(read_as, languages=["en", "ru"])  # type: ignore[arg-type]
    with_korean = standard_symbols(read_as, languages=["en", "ko_KR"])  # type: ignore[arg-type]
    assert without == standard_symbols(read_as)  # type: ignore[arg-type]
    jamo = SOUND_JAMO if read_as == "phonemes" else ONSET_JAMO + VOWEL_JAMO + CODA_JAMO
    assert "".join(list(with_korean)[len(without) :]) == jamo
    assert with_korean.items() >= without.items()


@pytest.mark.parametrize("language", ["ko", "ko-kr", "ko_KR"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_korean_is_pronounced_jamo(language: str, form: str) -> None:
    sentence = read(unicodedata.normalize(form, "값이 3개, 꽃잎!"), language, StandardText())
    assert from_jamo("".join(sentence.symbols)) == "갑씨 세 개, 꼰닙!"
    assert not sentence.unknown
    assert [word.spoken for word in sentence.words] == ["값이", "세 개", "꽃잎"]


def test_korean_characters_are_jamo_as_written() -> None:
    sentence = read("값이 3개", "ko")
    assert "".join(sentence.symbols) == unicodedata.normalize("NFD", "값이 세 개")
    assert not sentence.unknown


def test_korean_is_refused_where_jamo_would_be_put_together() -> None:
    with pytest.raises(ValueError, match="'ko' has phonemes in jamo, which need unicode_form NFD"):
        FrontendConfig(languages=(LanguageConfig(code="ko", normalizer="ko", phonemizer=KoreanConfig()),))


@config
class Holder:
    """A file that says how texts are read."""

    text: TextConfig = StandardText()


@pytest.mark.parametrize(
    "cfg",
    [
        StandardText(),
        StandardText(input="characters", blanks=False),
        GivenText(frontend=standard_config(["it", "ko"]), symbols={"a": 1}),
    ],
)
def test_it_is_read_back_from_its_file(cfg: TextConfig) -> None:
    assert parse(Holder, plain(Holder(text=cfg)), source="test") == Holder(text=cfg)


@pytest.mark.parametrize("data", [{"kind": "vits"}, {"kind": "standard", "input": "letters"}, {"kind": "given"}])
def test_what_is_no_text_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="recipe: text"):
        parse(Holder, {"text": data}, source="recipe")
