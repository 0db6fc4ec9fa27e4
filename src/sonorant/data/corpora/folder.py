"""A folder of recordings of one's own, and a list of their texts.

Licence: what --licence says.

    metadata.csv, or the only .txt file, or a list given by its own name:

    wav|text                          the speaker and the language are given with --speaker and --language
    wav|speaker|language|text         en-us, ko, ...

A line without header or quotes for each recording. Paths start at the list's folder, or at wavs/ in it; .wav and .flac
may be left out. Texts may hold no |.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_lines
from sonorant.data.manifest import Rejected
from sonorant.errors import CorpusError


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of the list."""
    del out
    listed = source if source.is_file() else _list_in(source)
    for number, line in read_lines(listed):
        where = f"{listed} line {number}"
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 2:
            if wishes.speaker is None or wishes.language is None:
                raise CorpusError(f"{where}: wav|text names neither: give --speaker and --language")
            cells = [cells[0], wishes.speaker, wishes.language, cells[1]]
        elif len(cells) != 4:
            reason = f"has {len(cells)} columns, expected wav|text or wav|speaker|language|text"
            yield Rejected(audio=where, reason=reason)
            continue
        name, speaker, language, text = cells
        if not name:
            yield Rejected(audio=where, reason="names no recording")
            continue
        audio = _find(listed.parent, name)
        if audio is None:
            yield Rejected(audio=where, reason=f"there is no recording {name!r} beside the list or in wavs")
            continue
        yield Row(id=str(Path(name).with_suffix("")), audio=audio, text=text, speaker=speaker, language=language)


def _list_in(folder: Path) -> Path:
    if (folder / "metadata.csv").is_file():
        return folder / "metadata.csv"
    lists = sorted(folder.glob("*.txt"))
    if len(lists) != 1:
        found = ", ".join(path.name for path in lists[:5]) or "none"
        raise CorpusError(f"{folder}: expected metadata.csv or one .txt list, found {found}; give the list itself")
    return lists[0]


def _find(folder: Path, name: str) -> Path | None:
    candidates = (base / f"{name}{suffix}" for base in (folder, folder / "wavs") for suffix in ("", ".wav", ".flac"))
    return next((path for path in candidates if path.is_file()), None)
