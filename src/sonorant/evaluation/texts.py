"""What voices are asked to say: text files, one sentence a line, each for a language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import regex

from sonorant.errors import TextError
from sonorant.text.comparison import base_language
from sonorant.text.paragraphs import decoded_lines

# "en=FILE" and "es-419=FILE" name a language; a path holds a slash, a dot or more letters before its "=".
_NAMED = regex.compile(r"([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*)=(.+)")


@dataclass(frozen=True)
class TextSet:
    """The sentences of one file. name: its language as it was given, "" for a file without one."""

    name: str
    sentences: tuple[str, ...]

    def id_of(self, index: int) -> str:
        """The name of a sentence, the same for every voice."""
        return f"{self.name or 'text'}-{index + 1:03d}"


@dataclass(frozen=True)
class Texts:
    """Sentences by language."""

    sets: Mapping[str, TextSet]

    def of(self, language: str, *, is_first: bool) -> TextSet | None:
        """The sentences for a language: its own, else those of the language without region, else of its base.

        is_first: whether it is the voice's first language, which also says the file that names no language.
        """
        if language in self.sets:
            return self.sets[language]
        for name, texts in self.sets.items():
            if name and base_language(name) == base_language(language):
                return texts
        return self.sets.get("") if is_first else None


def read_texts(given: Iterable[str], *, limit: int | None = None) -> Texts:
    """Read FILE or LANGUAGE=FILE, each given as such; of each at most `limit` sentences.

    Raises TextError for a file that is missing, empty, not UTF-8 or holds a line without a word, and for a language
    given twice.
    """
    sets: dict[str, TextSet] = {}
    for item in given:
        named = None if Path(item).is_file() else _NAMED.fullmatch(item)
        name, path = (named[1].lower().replace("_", "-"), Path(named[2])) if named else ("", Path(item))
        if name in sets:
            raise TextError(
                f"--texts {item}: sentences {f'in {name!r}' if name else 'without a language'} are given already; "
                "give one file for each language, as en=FILE"
            )
        sets[name] = TextSet(name, read_sentences(path)[:limit])
    return Texts(sets)


def read_sentences(path: Path) -> tuple[str, ...]:
    """The sentences of a file, one a line.

    Raises TextError for a file that is missing, empty, not UTF-8 or holds a line without a word.
    """
    try:
        with path.open("rb") as stream:
            lines = [line.strip() for line in decoded_lines(stream, source=str(path))]
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); give a text file, one sentence a line") from None
    for number, line in enumerate(lines, 1):
        if line and not any(letter.isalnum() for letter in line):
            raise TextError(f"{path} line {number}: holds no word, only {line[:40]!r}; leave it out")
    if not any(lines):
        raise TextError(f"{path}: is empty; expected one sentence a line")
    return tuple(line.removeprefix("\ufeff") for line in lines if line)
