"""What a writer may put into the text itself: `[[ipa]]` and `[pause:0.5s]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sonorant.errors import TextError

MAX_PAUSE_S = 60.0
_MARK = re.compile(r"\[\[(?P<ipa>[^\[\]]*)\]\]|\[pause\s*:(?P<pause>[^\[\]]*)\]|(?P<open>\[\[)", re.IGNORECASE)
_PAUSE = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Plain:
    """Text to be read."""

    text: str


@dataclass(frozen=True)
class InlineIpa:
    """Phonemes given by the writer: `[[həˈloʊ]]`."""

    text: str
    ipa: str


@dataclass(frozen=True)
class Pause:
    """Silence asked for by the writer, in seconds: `[pause:0.5s]`, `[pause:300ms]`."""

    text: str
    seconds: float


def segments(text: str) -> Iterator[Plain | InlineIpa | Pause]:
    """Cut a paragraph at its marks. Raises TextError for an empty or unclosed mark or a bad pause."""
    at = 0
    for mark in _MARK.finditer(text):
        if mark.start() > at:
            yield Plain(text[at : mark.start()])
        at = mark.end()
        if mark["open"] is not None:
            found = text[mark.start() : mark.start() + 24]
            raise TextError(f"'[[' without ']]' at {found!r}: write phonemes as [[həˈloʊ]]")
        if mark["ipa"] is not None:
            ipa = mark["ipa"].strip()
            if not ipa:
                raise TextError("'[[ ]]' holds no phonemes: write them as [[həˈloʊ]]")
            yield InlineIpa(mark.group(), ipa)
        else:
            yield Pause(mark.group(), _seconds(mark))
    if at < len(text):
        yield Plain(text[at:])


def _seconds(mark: re.Match[str]) -> float:
    amount = _PAUSE.fullmatch(mark["pause"])
    if amount is None:
        raise TextError(f"found {mark.group()!r}, expected a pause like [pause:0.5s] or [pause:300ms]")
    seconds = float(amount[1]) / (1000 if (amount[2] or "s").lower() == "ms" else 1)
    if seconds > MAX_PAUSE_S:
        raise TextError(f"found {mark.group()!r}: a pause lasts at most {MAX_PAUSE_S:g} s")
    return seconds
