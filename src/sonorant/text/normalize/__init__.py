"""Text normalisation: what is written in digits, signs and abbreviations becomes the words that are said.

    normalize = normalizer_for("en-us")
    normalize("It cost $3.50.")   # "It cost " · "three dollars and fifty cents" · "."

A normaliser cuts the text into pieces and never loses a character: the pieces' texts join to what was given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from sonorant.errors import TextError
from sonorant.text.normalize.scan import Piece

__all__ = ["LANGUAGES", "Normalizer", "Piece", "normalizer_for"]

LANGUAGES = ("en", "es", "fr", "it", "ko", "ru")


class Normalizer(Protocol):
    """Cuts a text into pieces, each with what to say for it."""

    def __call__(self, text: str) -> list[Piece]: ...


def normalizer_for(language: str) -> Normalizer:
    """The normaliser of a language, by its base: "en-us" and "en_GB" both give English. "none" leaves text alone.

    Raises `TextError` for a language that has none.
    """
    base = language.lower().replace("_", "-").partition("-")[0]
    if base == "none":
        return leave_untouched
    if base not in LANGUAGES:
        raise TextError(
            f"no text normalizer for language {language!r}; expected one of {', '.join(LANGUAGES)} or none: "
            "use 'none' and write numbers and abbreviations out"
        )
    return _normalizer(base)


def leave_untouched(text: str) -> list[Piece]:
    """The normaliser that rewrites nothing."""
    return [Piece(text, text, "")] if text else []


@lru_cache(maxsize=len(LANGUAGES))
def _normalizer(language: str) -> Normalizer:
    make: Callable[[], Normalizer] = import_module(f"sonorant.text.normalize.{language}").normalizer
    return make()
