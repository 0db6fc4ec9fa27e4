"""Comparing texts by what is said: the same words, however they are written."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from sonorant.errors import MissingExtraError
from sonorant.text.composed import composed
from sonorant.text.markup import InlineIpa, Pause, Plain, segments
from sonorant.text.normalize import LANGUAGES, normalizer_for

_BETWEEN_WORDS = regex.compile(r"[^\p{L}\p{M}\p{N}']+")
_APOSTROPHES = str.maketrans("’ʼ", "''", "\u00ad\u200b\u200c\u200d\u2060\ufeff")


def spoken_form(text: str, language: str) -> str:
    """What is said, as lower-case words with single spaces: "It cost $3." gives "it cost three dollars".

    Two texts with one spoken form are the same to a listener. "" where no word is said.
    Raises TextError for broken markup.
    """
    base = base_language(language)
    normalize = normalizer_for(base if base in LANGUAGES else "none")
    said: list[str] = []
    for segment in segments(composed(text)):
        match segment:
            case Plain(plain):
                said += (piece.spoken for piece in normalize(plain))
            case InlineIpa(_, ipa):
                said.append(ipa)
            case Pause():
                said.append(" ")
    words = _BETWEEN_WORDS.sub(" ", "".join(said).translate(_APOSTROPHES).casefold()).split()
    return " ".join(word for token in words if (word := token.strip("'")))


def base_language(language: str) -> str:
    """The language without its region: "en" of "en-us" and "EN_GB"."""
    return language.lower().replace("_", "-").partition("-")[0]


def character_error_rate(references: Sequence[str], heard: Sequence[str]) -> float:
    """Edits per character of the references, over all texts together; give both as spoken forms.

    Above 1 where more was heard than there is. References without a character are an error.
    """
    try:
        import jiwer
    except ImportError:
        raise MissingExtraError("the character error rate", package="jiwer", extra="evaluate") from None

    return float(jiwer.cer(list(references), list(heard)))
