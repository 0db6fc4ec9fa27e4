"""What the text of an utterance shows by itself: how many phonemes it has, and what cannot be said."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from sonorant.data.checks.kinds import Findings, hash_number
from sonorant.data.manifest import Utterance
from sonorant.errors import TextError
from sonorant.text.comparison import base_language, spoken_form
from sonorant.text.frontend import Frontend, Sentence
from sonorant.text.standard import standard_frontend

_SHOWN = 5


def examine_text(utterance: Utterance) -> Findings:
    """What the text of an utterance shows. Raises ConfigError for a language espeak-ng does not know."""
    found = Findings()
    frontend = frontend_of(utterance.language)
    try:
        sentences = list(frontend(utterance.text))
        spoken = spoken_form(utterance.text, utterance.language)
    except TextError as error:
        found.faults["unspeakable"] = str(error)
        return found
    if spoken:
        found.measures["text_hash"] = hash_number(f"{base_language(utterance.language)}\t{spoken}".encode())
    if phonemes := _phonemes(sentences):
        found.measures["n_phonemes"] = len(phonemes)
    else:
        found.faults["unspeakable"] = "the text holds no word"
    if unknown := sum((Counter(sentence.unknown) for sentence in sentences), Counter()):
        shown = ", ".join(f"{symbol!r} ({_named(symbol)})" for symbol in list(unknown)[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        found.faults["symbols"] = f"the front end does not know {shown}{more}"
    return found


@lru_cache(maxsize=64)
def frontend_of(language: str) -> Frontend:
    """The standard front end of a language, made once. Raises ConfigError for one espeak-ng does not know."""
    return standard_frontend(language)


def phonemes_of(text: str, language: str) -> str:
    """The phonemes of a text, one character each. Raises TextError for broken markup."""
    return _phonemes(frontend_of(language)(text))


def _phonemes(sentences: Iterable[Sentence]) -> str:
    """Letters of IPA; stress, length, tones and what stands above or beside a letter are no phonemes."""
    ipa = "".join(word.phonemes for sentence in sentences for word in sentence.words)
    return "".join(char for char in ipa if unicodedata.category(char) in {"Ll", "Lu", "Lo"})


def _named(symbol: str) -> str:
    return f"U+{ord(symbol):04X}" if len(symbol) == 1 else f"{len(symbol)} characters"
