"""Corpora: who they are, and how each becomes a manifest.

    import_corpus("ljspeech", Path("LJSpeech-1.1"), Path("lj"))   # writes lj/manifest.jsonl and lj/rejected.jsonl

A corpus's own folder is only ever read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sonorant.data.corpora.recordings import Imported, check_places, verified
from sonorant.data.corpora.rows import Row, Wishes
from sonorant.data.manifest import Rejected, write_manifest, write_rejected
from sonorant.errors import CorpusError

__all__ = ["CORPORA", "Corpus", "Imported", "import_corpus"]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus that can be imported. Its reader is `read` in the module of its name."""

    name: str
    title: str
    languages: str
    licence: str
    size: str
    layout: str
    """What its folder holds, in one line."""
    is_fetched: bool = False
    """Whether it is downloaded when no folder is given."""
    is_own: bool = False
    """Whether it is the user's: then --language, --speaker and --licence say what it leaves open."""
    min_duration_s: float = 0.3
    max_duration_s: float = math.inf

    def read(self, source: Path | None, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
        """What the corpus says, recording by recording. Only one that must decode or download writes under `out`."""
        read: Callable[[Path | None, Path, Wishes], Iterator[Row | Rejected]]
        read = import_module(f"{__name__}.{self.name}").read
        return read(source, out, wishes)


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="aishell3",
            title="AISHELL-3",
            languages="cmn",
            licence="Apache 2.0",
            size="218 speakers, 85 h",
            layout="train/content.txt and train/wav/SSB0005/SSB00050001.wav, likewise test/",
        ),
        Corpus(
            name="asterisk",
            title="Asterisk core sounds",
            languages="en-us es-419 fr-fr it ru",
            licence="CC BY-SA 3.0; it and ru CC BY 3.0",
            size="5 speakers, 2.2 h",
            layout="asterisk-core-sounds-*.deb, or what they unpack to: usr/share/asterisk/ and usr/share/doc/",
            is_fetched=True,
            min_duration_s=0.5,
            max_duration_s=14.0,
        ),
        Corpus(
            name="common_voice",
            title="Mozilla Common Voice",
            languages="many",
            licence="CC0 1.0",
            size="volunteers, up to thousands of hours",
            layout="validated.tsv (or train.tsv, dev.tsv, test.tsv) and clips/*.mp3",
        ),
        Corpus(
            name="folder",
            title="A folder of your own",
            languages="any",
            licence="",
            size="any",
            layout="metadata.csv or one .txt list, with lines of wav|text or wav|speaker|language|text",
            is_own=True,
        ),
        Corpus(
            name="jsut",
            title="JSUT 1.1",
            languages="ja",
            licence="recordings: research, personal and non-commercial use",
            size="1 speaker, 10 h",
            layout="basic5000/transcript_utf8.txt and basic5000/wav/BASIC5000_0001.wav, likewise other sets",
        ),
        Corpus(
            name="kss",
            title="Korean Single Speaker",
            languages="ko",
            licence="CC BY-NC-SA 4.0",
            size="1 speaker, 12 h",
            layout="transcript.v.1.4.txt and 1/1_0000.wav, ... in folders 1 to 4",
        ),
        Corpus(
            name="libritts",
            title="LibriTTS, LibriTTS-R",
            languages="en-us",
            licence="CC BY 4.0",
            size="2,456 speakers, 585 h",
            layout="train-clean-100/103/1241/103_1241_000000_000001.wav and .normalized.txt, likewise other subsets",
        ),
        Corpus(
            name="ljspeech",
            title="LJ Speech 1.1",
            languages="en-us",
            licence="public domain",
            size="1 speaker, 24 h",
            layout="metadata.csv and wavs/LJ001-0001.wav",
        ),
        Corpus(
            name="vctk",
            title="VCTK 0.92",
            languages="en-gb en-gb-scotland en-us",
            licence="CC BY 4.0",
            size="110 speakers, 44 h",
            layout="txt/p225/p225_001.txt and wav48_silence_trimmed/p225/p225_001_mic1.flac, or wav48/*/*.wav",
        ),
    )
}


def import_corpus(
    name: str,
    source: Path | None,
    out: Path,
    *,
    language: str | None = None,
    speaker: str | None = None,
    licence: str | None = None,
    min_duration_s: float | None = None,
    max_duration_s: float | None = None,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _of: None,
) -> Imported:
    """Read a corpus, verify every recording, and write OUT/manifest.jsonl and OUT/rejected.jsonl.

    source: the corpus's folder; None to download one that can be. Durations left out are the corpus's own bounds.
    language, speaker, licence: for a folder of one's own. progress: told what is done, how much, and of how much (0
    where that is not known).
    Raises CorpusError for a corpus that is not known or not found, of which nothing could be used, or an `out` that
    lies in the source or holds a manifest already. The manifest is written last: where it stands, all is complete.
    """
    if name not in CORPORA:
        raise CorpusError(f"there is no corpus {name!r}; expected one of {', '.join(CORPORA)}")
    corpus = CORPORA[name]
    if source is None and not corpus.is_fetched:
        raise CorpusError(f"{corpus.title} is not downloaded on import: give its folder with --from ({corpus.layout})")
    for option, value in (("language", language), ("speaker", speaker), ("licence", licence)):
        if value is not None and not corpus.is_own:
            raise CorpusError(f"{corpus.title} says its {option} itself: leave out --{option}")
    check_places(source, out, may_be_file=corpus.is_own)
    wishes = Wishes(
        min_duration_s=corpus.min_duration_s if min_duration_s is None else min_duration_s,
        max_duration_s=corpus.max_duration_s if max_duration_s is None else max_duration_s,
        language=language,
        speaker=speaker,
        progress=progress,
    )
    if wishes.min_duration_s >= wishes.max_duration_s:
        raise CorpusError(
            f"the shortest duration is {wishes.min_duration_s:g} s and the longest {wishes.max_duration_s:g} s: "
            "no recording lies between"
        )
    rows = corpus.read(source, out, wishes)
    imported = verified(
        rows if corpus.is_fetched else _counted(rows, progress),
        wishes,
        corpus=name,
        licence=corpus.licence if licence is None else licence,
        out=out,
    )
    if not imported.utterances:
        raise CorpusError(_nothing_read(corpus, source, imported))
    out.mkdir(parents=True, exist_ok=True)
    write_rejected(out / "rejected.jsonl", imported.rejected)
    write_manifest(out / "manifest.jsonl", imported.utterances)
    return imported


def _counted(rows: Iterable[Row | Rejected], progress: Callable[[str, int, int], None]) -> Iterator[Row | Rejected]:
    for number, row in enumerate(rows, 1):
        yield row
        progress("recordings", number, 0)


def _nothing_read(corpus: Corpus, source: Path | None, imported: Imported) -> str:
    """Why an import is empty: what was expected, and what was found instead."""
    message = f"{source or corpus.title}: nothing in it became an utterance; expected {corpus.layout}; found "
    if imported.rejected:
        first = imported.rejected[0]
        return f"{message}{len(imported.rejected):,} to reject, the first of them {first.audio}: {first.reason}"
    names = sorted(path.name for path in source.iterdir()) if source is not None and source.is_dir() else []
    return message + (", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "nothing")
