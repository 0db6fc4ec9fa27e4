"""Symbols to start from where no voice says its own: those of VITS, and what other languages need beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sonorant.config import config
from sonorant.text.frontend import Frontend, FrontendConfig, LanguageConfig
from sonorant.text.hangul import CODA_JAMO, ONSET_JAMO, SOUND_JAMO, VOWEL_JAMO
from sonorant.text.lexicon import Lexicon
from sonorant.text.normalize import LANGUAGES
from sonorant.text.phonemize import CharactersConfig, EspeakConfig, KoreanConfig, PhonemizerConfig
from sonorant.text.symbols import SymbolTable, TokenLayout

# The symbols of the official VITS checkpoints, in the order of their ids: pad, marks, letters, IPA (Kim et al. 2021).
# The apostrophe stands twice, at 174 and 176; a table keeps its last place, as the official code does.
VITS_SYMBOLS = (
    "_"
    ';:,.!?¡¿—…"«»“” '
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃ"
    "ˈˌːˑʼʴʰʱʲʷˠˤ˞↓↑→↗↘'\u0329'ᵻ"
)
# What espeak-ng writes for other languages: nasal, dental, voiceless, raised, liaison, tones.
_MORE = "\u0303\u032a\u0325\u031d\u0306\u032f\u0361-ᵝʑ˥˦˧˨˩^"
# Beyond a to z, decomposed: Russian, and the accents, hooks and ligatures of European spelling.
_LETTERS = "абвгдежзиклмнопрстуфхцчшщъыьэюя\u0300\u0301\u0302\u0308\u030a\u0327\u0328\u030cßłðþı"
_DEFAULT_VOICE = {"en": "en-us"}


Input = Literal["phonemes", "characters"]


@config
class StandardText:
    """The standard symbols, and how texts become rows of them."""

    kind: Literal["standard"] = "standard"
    input: Input = "phonemes"
    blanks: bool = True
    """A blank between any two symbols and at the ends, as in VITS; without, at the ends only, for silence there."""


@config
class GivenText:
    """A front end and symbols of someone's own, such as those of a voice that training starts from."""

    kind: Literal["given"] = "given"
    frontend: FrontendConfig
    symbols: Mapping[str, int]


TextConfig = StandardText | GivenText


def text_of(cfg: TextConfig, languages: Sequence[str]) -> tuple[FrontendConfig, Mapping[str, int]]:
    """The front end and the symbols of a configuration, for the languages of a corpus."""
    match cfg:
        case StandardText():
            frontend = standard_config(languages, read_as=cfg.input, blanks=cfg.blanks)
            return frontend, standard_symbols(cfg.input, languages=languages)
        case GivenText():
            return cfg.frontend, cfg.symbols


def vits_symbols() -> dict[str, int]:
    """The symbol table of official VITS checkpoints: 178 rows, space at 16, the apostrophe at 176."""
    return {symbol: row for row, symbol in enumerate(VITS_SYMBOLS)}


def standard_symbols(read_as: Input = "phonemes", *, languages: Sequence[str] = ()) -> dict[str, int]:
    """The VITS symbols and those other languages need; for characters, the letters of the languages we normalise.

    Jamo come after them, and only where Korean is among `languages`, so that no other voice's table changes.
    """
    table = vits_symbols()
    symbols = _MORE if read_as == "phonemes" else _MORE + _LETTERS
    if any(_base(language) == "ko" for language in languages):
        symbols += SOUND_JAMO if read_as == "phonemes" else ONSET_JAMO + VOWEL_JAMO + CODA_JAMO
    for symbol in symbols:
        table.setdefault(symbol, max(table.values()) + 1)
    return table


def has_blanks(cfg: TextConfig) -> bool:
    """Whether there are blanks between symbols."""
    return cfg.blanks if isinstance(cfg, StandardText) else cfg.frontend.layout.blank is not None


def standard_config(languages: Sequence[str], *, read_as: Input = "phonemes", blanks: bool = True) -> FrontendConfig:
    """How texts of Korean and of espeak-ng's languages become tokens; numbers are spelled out for those we normalise.

    Read as characters, a language need not be one of espeak-ng's.
    """
    return FrontendConfig(
        languages=tuple(_standard_language(language, read_as) for language in languages),
        layout=TokenLayout(blank="_", blank_at_ends=True) if blanks else TokenLayout(begin="_", end="_"),
        marks=";:,.!?¡¿—…",
        mark_runs="all",
        unicode_form="NFD",
    )


def standard_frontend(language: str, *, lexicons: Sequence[Lexicon] = ()) -> Frontend:
    """A front end for one language. Raises ConfigError for a language espeak-ng does not know."""
    cfg = standard_config([language])
    table = SymbolTable(standard_symbols(languages=[language]))
    return Frontend(cfg, cfg.languages[0], table, lexicons=lexicons)


def _standard_language(language: str, read_as: Input) -> LanguageConfig:
    code = language.lower().replace("_", "-")
    base = _base(code)
    phonemizer: PhonemizerConfig = EspeakConfig(voice=_DEFAULT_VOICE.get(code, code))
    if read_as == "characters":
        phonemizer = CharactersConfig(lower=True)
    elif base == "ko":
        phonemizer = KoreanConfig()
    return LanguageConfig(code=code, normalizer=base if base in LANGUAGES else "none", phonemizer=phonemizer)


def _base(language: str) -> str:
    return language.lower().replace("_", "-").split("-")[0]
