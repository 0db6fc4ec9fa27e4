"""JSUT, the Japanese speech corpus of Saruwatari laboratory: one woman reads nine sets of sentences.

Size: 7,696 recordings, 10 hours; 48 kHz.
Licence: the texts CC BY-SA 4.0 and others, set by set; the recordings for research, personal and non-commercial use.
Source: https://sites.google.com/site/shinnosuketakamichi/publication/jsut (version 1.1).

    basic5000/transcript_utf8.txt          BASIC5000_0001:text
    basic5000/wav/BASIC5000_0001.wav       likewise travel1000, utparaphrase512, onomatopee300, countersuffix26, ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_table
from sonorant.data.manifest import Rejected


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of all sets that are there."""
    del out, wishes
    for transcript in sorted([*source.glob("*/transcript_utf8.txt"), *source.glob("transcript_utf8.txt")]):
        for line in read_table(transcript, separator=":", names=("id", "text"), last_holds_rest=True):
            if isinstance(line, Rejected):
                yield line
                continue
            yield Row(
                id=line["id"],
                audio=transcript.parent / "wav" / f"{line['id']}.wav",
                text=line["text"],
                speaker="jsut",
                language="ja",
            )
