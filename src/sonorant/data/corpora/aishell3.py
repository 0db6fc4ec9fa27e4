"""AISHELL-3: Mandarin read by 218 speakers.

Size: 88,035 recordings, 85 hours; 44.1 kHz.
Licence: Apache 2.0.
Source: https://www.openslr.org/93/.

    train/content.txt                      SSB00050001.wav<tab>广 guang3 州 zhou1 女 nv3 大 da4 学 xue2 生 sheng1
    train/wav/SSB0005/SSB00050001.wav      the speaker is the start of the file's name; likewise test/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_table
from sonorant.data.manifest import Rejected, Split

_PINYIN = re.compile(r"[a-zü:]+[1-6]", re.IGNORECASE)
_SPLITS: tuple[tuple[str, Split], ...] = (("train", "train"), ("test", "test"))


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of both parts, the pinyin taken out of their texts."""
    del out, wishes
    for part, split in _SPLITS:
        content = source / part / "content.txt"
        if not content.is_file():
            continue
        for line in read_table(content, separator="\t", names=("file", "text")):
            if isinstance(line, Rejected):
                yield line
                continue
            name = line["file"]
            audio = source / part / "wav" / name[:7] / name
            words = line["text"].split()
            if any(_PINYIN.fullmatch(first) and _PINYIN.fullmatch(second) for first, second in pairwise(words)):
                yield Rejected(audio=str(audio), reason=f"characters and pinyin do not alternate: {line['text']!r}")
                continue
            yield Row(
                id=audio.stem,
                audio=audio,
                text="".join(word for word in words if not _PINYIN.fullmatch(word)),
                speaker=name[:7],
                language="cmn",
                split=split,
            )
