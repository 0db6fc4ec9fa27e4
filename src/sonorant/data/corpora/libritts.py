"""LibriTTS and LibriTTS-R: audiobooks of LibriVox, sentence by sentence; R is the same speech, restored.

Size: 2,456 speakers, 375,000 recordings, 585 hours; 24 kHz. Subsets may be missing.
Licence: CC BY 4.0.
Source: https://www.openslr.org/60/ and https://www.openslr.org/141/.

    train-clean-100/103/1241/103_1241_000000_000001.wav             subset/speaker/chapter
    train-clean-100/103/1241/103_1241_000000_000001.normalized.txt  numbers and abbreviations written out
    train-clean-100/103/1241/103_1241_000000_000001.original.txt    as printed

The subsets dev-* are for validation, test-* for tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_text
from sonorant.data.manifest import Rejected, Split
from sonorant.errors import CorpusError

_SPLITS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of all subsets that are there; `source` may itself be one."""
    del out, wishes
    here = source.resolve().name.partition("-")[0] in _SPLITS and not (source / "dev-clean").is_dir()
    subsets = [source] if here else sorted(path for path in source.iterdir() if path.is_dir())
    for subset in subsets:
        split = _SPLITS.get(subset.resolve().name.partition("-")[0])
        if split is None:
            continue
        for audio in sorted(subset.glob("*/*/*.wav")):
            try:
                text = read_text(audio.with_suffix(".normalized.txt"))
            except CorpusError as error:
                yield Rejected(audio=str(audio), reason=str(error))
                continue
            speaker = audio.parent.parent.name
            yield Row(id=audio.stem, audio=audio, text=text, speaker=speaker, language="en-us", split=split)
