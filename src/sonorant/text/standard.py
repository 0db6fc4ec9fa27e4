"""Symbols to start from where no voice says its own: those of VITS, and what other languages need beside them."""

from __future__ import annotations

from collections.abc import Sequence

from sonorant.text.frontend import Frontend, FrontendConfig, LanguageConfig
from sonorant.text.lexicon import Lexicon
from sonorant.text.normalize import LANGUAGES
from sonorant.text.phonemize import EspeakConfig
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
_DEFAULT_VOICE = {"en": "en-us"}


def vits_symbols() -> dict[str, int]:
    """The symbol table of official VITS checkpoints: 178 rows, space at 16, the apostrophe at 176."""
    return {symbol: row for row, symbol in enumerate(VITS_SYMBOLS)}


def standard_symbols() -> dict[str, int]:
    """The VITS symbols and those other languages need."""
    table = vits_symbols()
    for symbol in _MORE:
        table.setdefault(symbol, max(table.values()) + 1)
    return table


def standard_config(languages: Sequence[str]) -> FrontendConfig:
    """How texts of languages of espeak-ng become tokens; numbers are spelled out for those sonorant normalises."""
    return FrontendConfig(
        languages=tuple(_standard_language(language) for language in languages),
        layout=TokenLayout(blank="_", blank_at_ends=True),
        marks=";:,.!?¡¿—…",
        mark_runs="all",
        unicode_form="NFD",
    )


def standard_frontend(language: str, *, lexicons: Sequence[Lexicon] = ()) -> Frontend:
    """A front end for one language. Raises ConfigError for a language espeak-ng does not know."""
    cfg = standard_config([language])
    return Frontend(cfg, cfg.languages[0], SymbolTable(standard_symbols()), lexicons=lexicons)


def _standard_language(language: str) -> LanguageConfig:
    code = language.lower().replace("_", "-")
    base = code.split("-")[0]
    return LanguageConfig(
        code=code,
        normalizer=base if base in LANGUAGES else "none",
        phonemizer=EspeakConfig(voice=_DEFAULT_VOICE.get(code, code)),
    )
