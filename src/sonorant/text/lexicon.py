"""Pronunciations a user or a voice insists on: written form -> IPA."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import regex

from sonorant.errors import TextError

# A written word: letters and digits, joined by inner apostrophes, hyphens and points.
WORD = regex.compile(r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}\u200c\u200d]|['’.\-·&](?=[\p{L}\p{N}]))*")


class Hit(NamedTuple):
    """A stretch of text, `start` to `end`, that a lexicon says how to pronounce."""

    start: int
    end: int
    ipa: str
    lexicon: str


class Lexicon:
    """Entries of one file or one call. Keys match whole words: as written first, then whatever their case."""

    def __init__(self, entries: Mapping[str, str], *, name: str) -> None:
        """Raises TextError when an entry has no word or no pronunciation."""
        self.name = name
        self.entries: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        for written, ipa in entries.items():
            word, said = _plain(" ".join(written.split())), ipa.strip().strip("/[]")
            if not word or not said:
                raise TextError(f"{name}: the entry {written!r} -> {ipa!r} lacks a word or its pronunciation")
            self.entries[word] = said
            self._folded.setdefault(word.casefold(), said)
        self.longest = max((len(word.split()) for word in self.entries), default=0)

    def get(self, written: str) -> str | None:
        """The IPA for a written form, or None."""
        plain = _plain(written)
        return self.entries.get(plain) or self._folded.get(plain.casefold())

    @classmethod
    def read(cls, path: Path, *, name: str | None = None) -> Lexicon:
        """Read `word<TAB>ipa` lines; `#` starts a comment line. Raises TextError naming file and line."""
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            raise TextError(f"{path}: the lexicon cannot be read ({error.strerror})") from None
        except UnicodeDecodeError as error:
            raise TextError(f"{path}: the lexicon is not UTF-8 (byte {error.start}): save it as UTF-8") from None
        entries: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            word, tab, ipa = line.partition("\t")
            if not tab or not word.strip() or not ipa.strip():
                raise TextError(f"{path} line {number}: found {line.strip()!r}, expected 'word<TAB>ipa'")
            entries[word.strip()] = ipa.strip()
        return cls(entries, name=name or str(path))


def _plain(written: str) -> str:
    """One form for what looks the same: composed letters, straight apostrophes."""
    return unicodedata.normalize("NFC", written).replace("’", "'")


def find(text: str, lexicons: Sequence[Lexicon]) -> Iterator[Hit]:
    """Every stretch of text that a lexicon knows, left to right, the longest first; earlier lexicons win."""
    longest = max((lexicon.longest for lexicon in lexicons), default=0)
    if longest == 0:
        return
    words = list(WORD.finditer(text))
    at = 0
    while at < len(words):
        hit = _longest_at(text, words[at : at + longest], lexicons)
        if hit is None:
            at += 1
            continue
        yield hit
        while at < len(words) and words[at].start() < hit.end:
            at += 1


def _longest_at(text: str, words: Sequence[regex.Match[str]], lexicons: Sequence[Lexicon]) -> Hit | None:
    start = words[0].start()
    for last in reversed(words):
        # "Dr." may be an entry with its point: try that before the bare word.
        pointed = text[last.end() : last.end() + 1] == "."
        for end in (last.end() + 1, last.end()) if pointed else (last.end(),):
            written = " ".join(text[start:end].split())
            for lexicon in lexicons:
                ipa = lexicon.get(written)
                if ipa is not None:
                    return Hit(start, end, ipa, lexicon.name)
    return None
