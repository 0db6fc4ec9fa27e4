"""VCTK: English sentences from newspapers, read in many accents.

Size: 110 speakers, some 400 sentences each, 44 hours; 48 kHz.
Licence: CC BY 4.0.
Source: https://datashare.ed.ac.uk/handle/10283/3443 (version 0.92; 0.80 and 0.91 have wav48/).

    txt/p225/p225_001.txt
    wav48_silence_trimmed/p225/p225_001_mic1.flac      two microphones; the first is used, which all speakers have
    wav48/p225/p225_001.wav                            before 0.92
    speaker-info.txt                                   ID  AGE  GENDER  ACCENTS  REGION  COMMENTS

The texts of p315 are lost, and some recordings of p362.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sonorant.data.corpora.rows import Row, Wishes, read_lines, read_text
from sonorant.data.manifest import Rejected
from sonorant.errors import CorpusError

# espeak-ng's nearest; all others, Irish and Indian, Australian and unknown ones, are read as British.
_LANGUAGE_OF_ACCENT = {"American": "en-us", "Canadian": "en-us", "Scottish": "en-gb-scotland"}


def read(source: Path, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
    """The recordings of the first microphone that have a text."""
    del out, wishes
    trimmed = (source / "wav48_silence_trimmed").is_dir()
    sounds, ending = (source / "wav48_silence_trimmed", "_mic1.flac") if trimmed else (source / "wav48", ".wav")
    languages = _languages(source / "speaker-info.txt")
    texts = {path.stem: path for path in sorted((source / "txt").glob("*/*.txt"))}
    recordings = {path.name.removesuffix(ending): path for path in sorted(sounds.glob(f"*/*{ending}"))}
    for name in sorted(texts.keys() | recordings.keys()):
        speaker = name.rpartition("_")[0]
        audio = recordings.get(name, sounds / speaker / f"{name}{ending}")
        if name not in texts:
            yield Rejected(audio=str(audio), reason="the recording has no text")
            continue
        try:
            text = read_text(texts[name])
        except CorpusError as error:
            yield Rejected(audio=str(audio), reason=str(error))
            continue
        yield Row(id=name, audio=audio, text=text, speaker=speaker, language=languages.get(speaker, "en-gb"))


def _languages(info: Path) -> dict[str, str]:
    """The speakers' languages by their accents; nothing without speaker-info.txt."""
    if not info.is_file():
        return {}
    languages = {}
    for _, line in read_lines(info):
        cells = line.split()
        if len(cells) > 3:
            speaker = f"p{cells[0]}" if cells[0].isdigit() else cells[0]
            languages[speaker] = _LANGUAGE_OF_ACCENT.get(cells[3], "en-gb")
    return languages
