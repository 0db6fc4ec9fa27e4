"""KSS, the Korean Single Speaker corpus: a woman reads sentences of Korean textbooks.

Size: 12,853 recordings, 12 hours; 44.1 kHz.
Licence: CC BY-NC-SA 4.0.
Source: https://www.kaggle.com/datasets/bryanpark/korean-single-speaker-speech-dataset (versions 1.0 to 1.4).

    transcript.v.1.4.txt    1/1_0000.wav|text as printed|numbers written out|letters taken apart|3.5|English translation
    1/1_0000.wav            folders 1 to 4; some archives have them in a folder kss

Early versions have no translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_lines
from sonorant.data.manifest import Rejected

_COLUMNS = (5, 6)


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of the newest transcript, with the text as it is said."""
    del out, wishes
    transcripts = sorted(source.glob("transcript*.txt"))
    if not transcripts:
        return
    transcript = transcripts[-1]
    folder = source / "kss" if (source / "kss").is_dir() else source
    for number, line in read_lines(transcript):
        cells = line.split("|")
        if len(cells) not in _COLUMNS:
            reason = f"has {len(cells)} columns, expected 6: file, printed, said, letters, seconds, translation"
            yield Rejected(audio=f"{transcript} line {number}", reason=reason)
            continue
        yield Row(
            id=Path(cells[0]).stem,
            audio=folder / cells[0],
            text=cells[2],
            speaker="kss",
            language="ko",
        )
