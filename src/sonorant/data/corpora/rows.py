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
    """Told what is being done, how much of it is done, and how much there is, 0 where that is not known."""


def read_text(path: Path) -> str:
    """A UTF-8 file. Raises CorpusError when it is unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 at byte {error.start:,}") from None


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers. Raises CorpusError when it is unreadable.

    Bytes that are not UTF-8 become surrogates, on which the row that holds them is rejected, and no other.
    """
    try:
        # Only line feeds end a line: the usual reading would also cut at characters that stand within texts.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None


def read_table(
    path: Path, *, separator: str, names: Sequence[str], last_holds_rest: bool = False
) -> Iterator[dict[str, str] | Rejected]:
    """The lines of a table, each as cells by name, or as what is wrong with it.

    last_holds_rest: the separator may stand in the last column. Raises CorpusError when the table is unreadable.
    """
    for number, line in read_lines(path):
        yield cells(line, f"{path} line {number}", separator=separator, names=names, last_holds_rest=last_holds_rest)


def cells(
    line: str, where: str, *, separator: str, names: Sequence[str], last_holds_rest: bool = False
) -> dict[str, str] | Rejected:
    """The cells of one line by name, or what is wrong with it. where: what to call the line."""
    found = line.split(separator, len(names) - 1 if last_holds_rest else -1)
    if len(found) != len(names):
        shown = f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}"
        return Rejected(audio=where, reason=f"has {len(found)} columns, expected {len(names)}: {shown}")
    return dict(zip(names, (cell.strip() for cell in found), strict=True))
