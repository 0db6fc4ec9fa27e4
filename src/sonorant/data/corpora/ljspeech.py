"""LJ Speech: one American woman reads seven books of non-fiction.

Size: 13,100 recordings, 24 hours; 22.05 kHz.
Licence: public domain.
Source: https://keithito.com/LJ-Speech-Dataset/ (version 1.1).

    metadata.csv            LJ001-0001|text as printed|text with numbers and abbreviations written out
    wavs/LJ001-0001.wav
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_table
from sonorant.data.manifest import Rejected


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of metadata.csv, with the text as it is said."""
    del out, wishes
    table = source / "metadata.csv"
    if not table.is_file():
        return
    for line in read_table(table, separator="|", names=("id", "printed", "said")):
        if isinstance(line, Rejected):
            yield line
            continue
        yield Row(
            id=line["id"],
            audio=source / "wavs" / f"{line['id']}.wav",
            text=line["said"],
            speaker="lj",
            language="en-us",
        )
