"""What the readers of corpora share: the rows they give, the wishes they are told, and tables of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonorant.data.manifest import Rejected, Split
from sonorant.errors import CorpusError


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a corpus says of one recording, before the recording itself is looked at."""

    id: str
    audio: Path
    text: str
    speaker: str
    language: str
    start_s: float = 0.0
    end_s: float | None = None
    split: Split = "train"
    licence: str | None = None
    """None for that of the corpus."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a reader is told besides the folder: what a corpus may leave open, and how to say how far it is."""

    min_duration_s: float
    max_duration_s: float
    language: str | None = None
    speaker: str | None = None
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None
    """Told what is being done, how much of it is done, and how much there is."""


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 table that are not blank, with their numbers. Raises CorpusError when it is unreadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 at byte {error.start:,}") from None
    # Only line feeds end a line: str.splitlines would also cut at characters that stand within texts.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")


def cells(line: str, where: str, *, separator: str, names: Sequence[str]) -> dict[str, str] | Rejected:
    """The cells of a line of a table by name, or what is wrong with it.

    where: what to call the line.
    """
    found = line.split(separator)
    if len(found) != len(names):
        return Rejected(audio=where, reason=f"has {len(found)} columns, expected {len(names)}: {', '.join(names)}")
    return dict(zip(names, (cell.strip() for cell in found), strict=True))
