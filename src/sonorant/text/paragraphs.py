"""Text as it arrives, bytes or lines, cut into paragraphs without ever holding it all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from sonorant.errors import TextError

MAX_LINE_CHARS = 200_000
_FLUSH_CHARS = 20_000
_BULLET = re.compile(r"\s*(?:[-*•–—]|\d{1,3}[.)])\s")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")


def decoded_lines(stream: BinaryIO, *, source: str) -> Iterator[str]:
    """Lines of a UTF-8 stream. Raises TextError, naming the line, for bytes that are not UTF-8 or a line too long."""
    number = 0
    while True:
        # UTF-8 needs at most four bytes for a character.
        line = stream.readline(4 * MAX_LINE_CHARS + 1)
        if not line:
            return
        number += 1
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            if len(line) > 4 * MAX_LINE_CHARS and error.end >= len(line) - 3:
                raise _too_long(source, number) from None
            found = line[error.start : error.start + 1].hex()
            raise TextError(
                f"{source} line {number}: byte 0x{found} at column {error.start + 1} is not UTF-8: "
                "convert the text to UTF-8"
            ) from None
        if len(text) > MAX_LINE_CHARS:
            raise _too_long(source, number)
        yield text


def _too_long(source: str, number: int) -> TextError:
    return TextError(
        f"{source} line {number}: longer than {MAX_LINE_CHARS:,} characters without a line break: "
        "break the text into paragraphs"
    )


def paragraphs(lines: Iterable[str], *, source: str = "text") -> Iterator[str]:
    """Join lines into paragraphs: a blank line or a list bullet starts a new one, a mere line break is a space.

    Raises TextError for a line longer than MAX_LINE_CHARS. Holds one paragraph at a time; a paragraph
    longer than some 20,000 characters is given in parts, cut at a line's end.
    """
    held: list[str] = []
    n_held = 0
    for number, raw in enumerate(lines, start=1):
        if len(raw) > MAX_LINE_CHARS:
            raise _too_long(source, number)
        if surrogate := _SURROGATE.search(raw):
            place = surrogate.start() + 1
            raise TextError(f"{source} line {number}: character {place} is not UTF-8: give valid Unicode")
        line = _NOT_TEXT.sub(" ", raw).strip()
        if held and (not line or _BULLET.match(raw) or n_held > _FLUSH_CHARS):
            yield " ".join(held)
            held, n_held = [], 0
        if line:
            held.append(line)
            n_held += len(line)
    if held:
        yield " ".join(held)
