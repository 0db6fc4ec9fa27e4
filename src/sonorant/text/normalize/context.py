"""What stands before and after a match."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from sonorant.text.normalize.scan import Match

_CLOSING = "\"'”’»)]"


def word_before(match: Match) -> str:
    """The word that ends right before the match and one space, or ""."""
    found = _word_end().search(match.string, max(0, match.start() - 40), match.start())
    return found.group(1) if found else ""


def word_after(match: Match) -> str:
    """The word that begins one space after the match, or ""."""
    found = _word_begin().match(match.string, match.end())
    return found.group(1) if found else ""


@lru_cache(maxsize=1)
def _word_end() -> re.Pattern[str]:
    return re.compile(r"([^\W\d_][\w'’]{0,38})[.]?[ \u00a0]\Z")


@lru_cache(maxsize=1)
def _word_begin() -> re.Pattern[str]:
    return re.compile(r"[ \u00a0]([^\W\d_][\w'’]{0,38})")


def next_word(match: Match) -> str | None:
    """The next word after whitespace; "" if the text or the line ends, None if something other than a space follows."""
    rest = match.string[match.end() : match.end() + 40]
    stripped = rest.lstrip(_CLOSING)
    if not stripped.strip() or stripped.lstrip(" ").startswith("\n"):
        return ""
    if not stripped[0].isspace():
        return None
    found = re.match(r"\s*[\"'“‘«(¿¡]?([\w'’]*)", stripped)
    return found.group(1) if found and found.group(1) else None


def ends_sentence(match: Match, *, continuing: Collection[str] = ()) -> bool:
    """Whether a full stop here also ends the sentence: a capital follows that does not continue the name."""
    word = next_word(match)
    return word is not None and (word == "" or (word[0].isupper() and word not in continuing))
