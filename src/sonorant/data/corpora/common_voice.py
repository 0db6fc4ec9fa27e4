"""Mozilla Common Voice: sentences read by volunteers into their own microphones, in over a hundred languages.

Size: from minutes to thousands of hours a language; MP3, 32 or 48 kHz.
Licence: CC0 1.0.
Source: https://commonvoice.mozilla.org/datasets.

    validated.tsv, train.tsv, dev.tsv, test.tsv     a header and columns client_id, path, sentence, ..., locale, ...
    clips/common_voice_en_1.mp3

Columns are found by their names, for releases differ. A speaker of dev.tsv or test.tsv stays in that split with all of
their recordings in validated.tsv, which holds what the other three leave out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, cells, read_lines
from sonorant.data.manifest import Rejected, Split
from sonorant.errors import CorpusError

_TABLES: tuple[tuple[str, Split], ...] = (
    ("test", "test"),
    ("dev", "validation"),
    ("train", "train"),
    ("validated", "train"),
)
_NEEDED = ("client_id", "path", "sentence")

# Where espeak-ng's name is not the locale in lower case.
_LANGUAGE_OF_LOCALE = {
    "en": "en-us",
    "fr": "fr-fr",
    "ga-IE": "ga",
    "hy-AM": "hy",
    "nb-NO": "nb",
    "ne-NP": "ne",
    "pa-IN": "pa",
    "pt": "pt-br",
    "sv-SE": "sv",
    "yue": "yue",
    "zh-CN": "cmn",
    "zh-HK": "yue",
    "zh-TW": "cmn",
}


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of the tables that are there, each once."""
    del out, wishes
    seen: set[str] = set()
    split_of_speaker: dict[str, Split] = {}
    for table, split in _TABLES:
        path = source / f"{table}.tsv"
        if not path.is_file():
            continue
        lines = read_lines(path)
        names = next(lines, (1, ""))[1].split("\t")
        if missing := [name for name in _NEEDED if name not in names]:
            raise CorpusError(f"{path}: its first line has no column {missing[0]!r}, but {', '.join(names)}")
        for number, line in lines:
            row = cells(line, f"{path} line {number}", separator="\t", names=names)
            if isinstance(row, Rejected):
                yield row
                continue
            if row["path"] in seen:
                continue
            seen.add(row["path"])
            client = row["client_id"]
            yield Row(
                id=Path(row["path"]).stem,
                audio=source / "clips" / row["path"],
                text=row["sentence"],
                speaker=_short(client),
                language=_language(row.get("locale", "") or source.name),
                split=split_of_speaker.setdefault(client, split),
            )


def _short(client_id: str) -> str:
    """A name for a speaker whose own is 128 digits long."""
    return "cv-" + hashlib.sha256(client_id.encode()).hexdigest()[:12] if client_id else ""


def _language(locale: str) -> str:
    return _LANGUAGE_OF_LOCALE.get(locale, locale.lower())
