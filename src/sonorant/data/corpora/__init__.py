"""Corpora: who they are, and how each becomes a manifest.

    import_corpus("ljspeech", Path("LJSpeech-1.1"), Path("lj"))   # writes lj/manifest.jsonl and lj/rejected.jsonl

A corpus's own folder is only ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """Whether it can be downloaded on import."""
    min_duration_s: float = 0.3
    max_duration_s: float = float("inf")

    def read(self, source: Path | None, out: Path, wishes: Wishes) -> Iterator[Row | Rejected]:
        """What the corpus says, recording by recording. Only a corpus with work to do writes under `out`."""
        read: Callable[[Path | None, Path, Wishes], Iterator[Row | Rejected]]
        read = import_module(f"{__name__}.{self.name}").read
        return read(source, out, wishes)


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="asterisk",
            title="Asterisk core sounds",
            languages="en-us es-419 fr-fr it ru",
            licence="CC BY-SA 3.0; it and ru CC BY 3.0",
            size="five voices, 2,800 prompts, 2.2 h",
            layout="asterisk-core-sounds-*.deb, or what they unpack to: usr/share/asterisk/ and usr/share/doc/",
            is_fetched=True,
            min_duration_s=0.5,
            max_duration_s=14.0,
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
    language, speaker, licence: for corpora that do not say theirs.
    Raises CorpusError for a corpus that is not known or not found, of which nothing could be used, or an `out` that
    lies in the source or holds a manifest already. The manifest is written last: where it stands, all is complete.
    """
    if name not in CORPORA:
        raise CorpusError(f"there is no corpus {name!r}; expected one of {', '.join(CORPORA)}")
    corpus = CORPORA[name]
    if source is None and not corpus.is_fetched:
        raise CorpusError(f"{corpus.title} is not downloaded on import: give its folder with --from ({corpus.layout})")
    check_places(source, out)
    wishes = Wishes(
        min_duration_s=corpus.min_duration_s if min_duration_s is None else min_duration_s,
        max_duration_s=corpus.max_duration_s if max_duration_s is None else max_duration_s,
        language=language,
        speaker=speaker,
        progress=progress,
    )
    rows = corpus.read(source, out, wishes)
    imported = verified(rows, wishes, corpus=name, licence=corpus.licence if licence is None else licence, out=out)
    if not imported.utterances:
        raise CorpusError(_nothing_read(corpus, source, imported))
    out.mkdir(parents=True, exist_ok=True)
    write_rejected(out / "rejected.jsonl", imported.rejected)
    write_manifest(out / "manifest.jsonl", imported.utterances)
    return imported


def _nothing_read(corpus: Corpus, source: Path | None, imported: Imported) -> str:
    found = f"nothing in {source or 'the download'} became an utterance; expected {corpus.layout}"
    if not imported.rejected:
        return found
    first = imported.rejected[0]
    return f"{found}; {len(imported.rejected)} rejected, the first {first.audio}: {first.reason}"
