"""Text to tokens: what each word becomes, and that nothing is lost on the way."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import ConfigError, TextError
from sonorant.text.frontend import Frontend, FrontendConfig, LanguageConfig, Sentence
from sonorant.text.hangul import from_jamo
from sonorant.text.lexicon import Lexicon
from sonorant.text.phonemize import CharactersConfig, EspeakConfig
from sonorant.text.standard import standard_frontend, standard_symbols
from sonorant.text.symbols import SymbolTable, TokenLayout

ENGLISH = LanguageConfig(code="en-us", normalizer="en", phonemizer=EspeakConfig(voice="en-us"))


def frontend(*, max_symbols: int = 400, marks: str = ".,;:!?", lexicons: tuple[Lexicon, ...] = ()) -> Frontend:
    cfg = FrontendConfig(languages=(ENGLISH,), max_symbols=max_symbols, marks=marks, layout=TokenLayout(blank="_"))
    return Frontend(cfg, ENGLISH, SymbolTable(standard_symbols()), lexicons=lexicons)


def one(text: str, front: Frontend | None = None) -> Sentence:
    (sentence,) = (front or frontend())(text)
    return sentence


def test_a_sentence_keeps_every_step_of_every_word() -> None:
    sentence = one("It cost $3.50, OK?")
    assert [word.text for word in sentence.words] == ["It", "cost", "$3.50", "OK"]
    money = sentence.words[2]
    assert money.spoken == "three dollars and fifty cents"
    assert money.rule == "money"
    assert money.phonemes.startswith("θɹˈiː dˈɑːlɚz")
    assert "".join(sentence.symbols).startswith("ɪt kˈɔst θɹˈiː dˈɑːlɚz")
    assert sentence.symbols[-1] == "?"
    assert "," in sentence.symbols


def test_ids_lead_back_to_symbols_and_words() -> None:
    sentence = one("Hello there.")
    table = standard_symbols()
    for token, symbol in zip(sentence.tokens, sentence.symbol_of_token, strict=True):
        assert token == (table["_"] if symbol < 0 else table[sentence.symbols[symbol]])
    first = "".join(s for s, word in zip(sentence.symbols, sentence.word_of_symbol, strict=True) if word == 0)
    assert first == sentence.words[0].phonemes == "həlˈoʊ"


def test_sentences_are_found_after_normalisation() -> None:
    texts = [s.text for s in frontend()("Dr. Smith paid $3.50 at 5 p.m. on Jan. 5. He left! Did he?")]
    assert texts == ["Dr. Smith paid $3.50 at 5 p.m. on Jan. 5.", "He left!", "Did he?"]


def test_only_the_last_sentence_ends_the_paragraph() -> None:
    assert [s.ends_paragraph for s in frontend()("One. Two. Three.")] == [False, False, True]


def test_marks_inside_what_is_said_are_kept() -> None:
    sentence = one("Call 555-123-4567 now.")
    number = sentence.words[1]
    assert (number.text, number.rule) == ("555-123-4567", "telephone")
    assert number.phonemes.count(",") == sentence.symbols.count(",") == 2
    assert sentence.symbols.count(".") == 1


def test_decoration_is_not_reported() -> None:
    sentence = one("The Acme™ **really** works.")
    assert sentence.unknown == {}
    assert [word.text for word in sentence.words] == ["The", "Acme", "really", "works"]


def test_inline_ipa_is_taken_as_it_is() -> None:
    sentence = one("Say [[tˈɛst]] now.")
    assert sentence.words[1].phonemes == "tˈɛst"
    assert sentence.words[1].by == "[[ ]]"
    assert "tˈɛst" in "".join(sentence.symbols)


def test_a_lexicon_overrules_phonemizer_and_normaliser() -> None:
    lexicon = Lexicon({"gif": "dʒˈɪf", "$5": "fˈaɪvɚ"}, name="mine")
    sentence = one("A GIF for $5.", frontend(lexicons=(lexicon,)))
    assert [(w.phonemes, w.by) for w in sentence.words[1::2]] == [("dʒˈɪf", "mine"), ("fˈaɪvɚ", "mine")]


def test_pauses_divide() -> None:
    first, second = frontend()("Wait [pause:0.7s] go.")
    assert (first.text.split()[0], first.pause_s, second.text) == ("Wait", 0.7, "go.")


def test_a_leading_pause_says_nothing() -> None:
    first, _ = frontend()("[pause:1s] Go.")
    assert (first.tokens, first.pause_s) == ((), 1.0)


def test_runs_of_marks_become_the_strongest() -> None:
    assert "".join(one("What?!...").symbols[-2:]) == "t?"


def test_a_mark_the_voice_lacks_is_said_through_one_it_has() -> None:
    assert "," in one("Well — no.").symbols
    assert one("Well…").symbols[-1] == "."


def test_sentences_keep_their_quotes_brackets_and_points() -> None:
    text = '(He was tired.) She said "no." “Why?” he asked... "Well!"'
    assert " ".join(sentence.text for sentence in frontend()(text)) == text


def test_normalised_text_is_whole_after_a_lexicon_hit() -> None:
    lexicon = Lexicon({"$5": "fˈaɪvɚ"}, name="mine")
    assert one("A GIF for $5", frontend(lexicons=(lexicon,))).normalized == "A GIF for five dollars"
    assert one("Say [[tˈɛst]].").normalized == "Say tˈɛst."


def test_a_pause_of_nothing_is_asked_for_all_the_same() -> None:
    first, second = frontend()("One [pause:0s] two.")
    assert (first.pause_s, second.pause_s) == (0.0, None)


@pytest.mark.parametrize(
    ("voice", "text"),
    [("hi", "हिन्दी में नमस्ते"), ("ta", "வணக்கம் உலகம்"), ("ar", "مَرْحَبًا بِالعَالَم"), ("he", "שָׁלוֹם עוֹלָם"), ("th", "สวัสดี ครับ")],
)
def test_vowel_signs_stay_with_their_letters(voice: str, text: str) -> None:
    language = LanguageConfig(code=voice, normalizer="none", phonemizer=CharactersConfig())
    table = SymbolTable({c: i for i, c in enumerate(sorted(set(text)))})
    sentence = one(text, Frontend(FrontendConfig(languages=(language,)), language, table))
    assert [word.text for word in sentence.words] == text.split()
    assert sentence.unknown == {}


def test_what_has_no_symbol_is_reported() -> None:
    sentence = one("Fine 😀😀 day [[ʬ]].")
    assert sentence.unknown == {"😀": 2, "ʬ": 1}


@pytest.mark.parametrize("pause", ["", "[pause:1s]"])
def test_long_sentences_are_cut_where_they_may_be(pause: str) -> None:
    text = "one two three four five, " * 20 + "end." + pause
    parts = list(frontend(max_symbols=120)(text))
    assert len(parts) > 3
    assert all(len(part.symbols) <= 120 for part in parts)
    assert [word.text for part in parts for word in part.words] == text.removesuffix(pause).replace(",", "").replace(
        ".", ""
    ).split()


def test_a_word_without_end_is_refused() -> None:
    with pytest.raises(TextError, match="a word may have at most"):
        list(frontend()("a" + "tion" * 2000))


def test_characters_can_be_the_symbols() -> None:
    language = LanguageConfig(code="en", normalizer="en", phonemizer=CharactersConfig(lower=True))
    table = SymbolTable({c: i for i, c in enumerate("_ abcdefghijklmnopqrstuvwxyz'")})
    cfg = FrontendConfig(languages=(language,), layout=TokenLayout(blank="_", blank_at_ends=True), marks="")
    sentence = one("It's 5 PM.", Frontend(cfg, language, table))
    assert "".join(sentence.symbols) == "it's five p m"


def test_a_word_break_must_be_a_symbol() -> None:
    cfg = FrontendConfig(languages=(ENGLISH,), word_break="|")
    with pytest.raises(ConfigError, match="word break"):
        Frontend(cfg, ENGLISH, SymbolTable({"a": 0}))


@given(st.text(max_size=200).filter(lambda text: "[" not in text))
def test_any_text_becomes_sentences(text: str) -> None:
    front = frontend()
    sentences = list(front(text))
    told = Counter(char for sentence in sentences for char in sentence.unknown)
    said = Counter(char for sentence in sentences for word in sentence.words for char in word.text)
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) in {"Lu", "Ll"} or ord(char) >= 0x1F300:
            assert told[char] or said[char], char
    for sentence in sentences:
        assert len(sentence.tokens) == len(sentence.symbol_of_token)
        assert len(sentence.symbols) == len(sentence.word_of_symbol)
        assert all(row < front.table.n_rows for row in sentence.tokens)


@given(
    st.lists(
        st.sampled_from("the cat's in of a hat 5 $3.50 Dr. no! well, U.S. 3/4/2024 etc.".split()),
        min_size=1,
        max_size=30,
    )
)
def test_every_written_word_is_in_exactly_one_sentence(words: list[str]) -> None:
    text = " ".join(words)
    covered = "".join(word.text for sentence in frontend()(text) for word in sentence.words)
    letters = [c for c in covered if c.isalnum()]
    assert letters == [c for c in text if c.isalnum()]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The 3 dogs ran 5 km on May 1st."),
        ("es", "Los 3 perros corrieron 5 km el 1 de mayo."),
        ("fr", "Les 3 chiens ont couru 5 km le 1er mai."),
        ("it", "I 3 cani hanno corso 5 km il 1º maggio."),
        ("ru", "3 собаки пробежали 5 км 1 мая."),
    ],
)
def test_five_languages_have_all_their_symbols(language: str, text: str) -> None:
    (sentence,) = standard_frontend(language)(text)
    assert sentence.unknown == {}
    assert len(sentence.words) >= 5


def korean(text: str, *, lexicons: tuple[Lexicon, ...] = ()) -> Sentence:
    return one(text, standard_frontend("ko", lexicons=lexicons))


def test_korean_words_keep_their_way_and_their_symbols() -> None:
    sentence = korean("오전 9시 30분에 값을 봤어요, 그렇죠?")
    assert [(word.text, word.spoken, from_jamo(word.phonemes)) for word in sentence.words] == [
        ("오전", "오전", "오전"), ("9시", "아홉 시", "아홉 씨"), ("30분에", "삼십 분에", "삼십 뿌네"),
        ("값을", "값을", "갑쓸"),
        ("봤어요", "봤어요", "봐써요"), ("그렇죠", "그렇죠", "그러쵸"),
    ]  # fmt: skip
    for index, word in enumerate(sentence.words):
        owned = [s for s, owner in zip(sentence.symbols, sentence.word_of_symbol, strict=True) if owner == index]
        assert "".join(owned) == word.phonemes.replace(" ", "")
    assert sentence.symbols[-1] == "?"
    assert "," in sentence.symbols


def test_korean_is_not_joined_across_a_mark() -> None:
    assert from_jamo("".join(korean("책 넣는다.").symbols)) == "챙 넌는다."
    assert from_jamo("".join(korean("책, 넣는다.").symbols)) == "책, 넌는다."


@pytest.mark.parametrize("given", ["깨니플", unicodedata.normalize("NFD", "깨니플")])
def test_inline_korean_is_taken_as_pronounced(given: str) -> None:
    sentence = korean(f"나는 [[{given}]] 먹는다.")
    assert from_jamo("".join(sentence.symbols)) == "나는 깨니플 멍는다."
    assert sentence.words[1].by == "[[ ]]"


def test_a_coda_that_is_not_heard_is_no_symbol_of_korean() -> None:
    assert korean("[[값]] 본다.").unknown == {"\u11b9": 1}


def test_what_is_not_hangul_is_reported() -> None:
    assert korean("大韓 nice 좋다 漢을.").unknown == {"大韓": 1, "nice": 1, "漢을": 1}


def test_a_lexicon_gives_korean_words_as_pronounced() -> None:
    sentence = korean("감기약 신고!", lexicons=(Lexicon({"신고": "신꼬"}, name="mine"),))
    assert from_jamo("".join(sentence.symbols)) == "감기약 신꼬!"
    assert sentence.words[1].by == "mine"
