"""When each symbol of an utterance ends: in seconds, for whoever reads it may have other frames.

    alignments.jsonl    one utterance a line, in the manifest's order
    alignments.json     who aligned what
    skipped.jsonl       the utterances without, each with its reason
    textgrids/          the same for Praat, if wanted

A blank of the aligner's token layout belongs, in time, to the symbol before it, and the first ones to the first symbol:
so the symbols fill the recording, as a model with the same front end and no blanks would have it. What the first and
the last ones hold of silence is known beside that, in `spoken_s`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import whole_file
from sonorant.bounds import check_at_least
from sonorant.config import config, found_and_expected, parse, plain, read_json
from sonorant.data.manifest import write_rows
from sonorant.data.reading import SymbolSpan
from sonorant.data.textgrid import Interval, textgrid, textgrid_names
from sonorant.errors import ConfigError, CorpusError
from sonorant.text.symbols import SymbolTable, TokenLayout

FORMAT = 1
ALIGNMENTS = "alignments.jsonl"
ABOUT = "alignments.json"
SKIPPED = "skipped.jsonl"
TEXTGRIDS = "textgrids"

_DECIMALS = 6
"""Of a second: finer than a sample."""
_LOOSE_S = 0.001
"""Two lengths of a recording may differ so much beside the frame that each may lack, for they may be of other rates."""
_LONGEST_FRAME_S = 0.1
"""Where the aligner's frames are not known, no one's are longer."""


@config
class Alignment:
    """An utterance's symbols and when each ends. The first begins at 0, the others where the one before them ends."""

    id: str
    symbols: tuple[str, ...]
    """Phonemes, word breaks and marks."""
    ends_s: tuple[float, ...]
    """Increasing; the last is the recording's length, in whole frames of the aligner."""
    spoken_s: tuple[float, float]
    """From where the first symbol itself begins to where the last one ends: the silence around them left out."""
    words: tuple[SymbolSpan, ...] = ()

    def __post_init__(self) -> None:
        if len(self.symbols) != len(self.ends_s) or not self.symbols:
            raise ValueError(f"has {len(self.symbols)} symbols and {len(self.ends_s)} ends: expected as many, and some")
        end = 0.0
        for place, (symbol, after) in enumerate(zip(self.symbols, self.ends_s, strict=True)):
            if not (after > end and math.isfinite(after)):
                raise ValueError(f"symbol {place}, {symbol!r}, ends at {after} s, but begins at {end} s")
            end = after
        start, stop = self.spoken_s
        before_last = self.ends_s[-2] if len(self.ends_s) > 1 else start
        if not (0 <= start < self.ends_s[0] and max(start, before_last) < stop <= end):
            raise ValueError(f"spoken_s is {start} to {stop}: it must begin in the first symbol and end in the last")
        place = 0
        for word in self.words:
            if not place <= word.start < word.end <= len(self.symbols):
                raise ValueError(
                    f"the word {word.text!r} has symbols {word.start} to {word.end}: it must follow others"
                )
            place = word.end

    @property
    def duration_s(self) -> float:
        return self.ends_s[-1]

    def phones(self) -> Iterator[Interval]:
        """Each symbol and when it sounds, the silence around them left out."""
        starts = (self.spoken_s[0], *self.ends_s[:-1])
        ends = (*self.ends_s[:-1], self.spoken_s[1])
        for symbol, start_s, end_s in zip(self.symbols, starts, ends, strict=True):
            yield Interval(symbol, start_s, end_s)

    def timed_words(self) -> Iterator[Interval]:
        """Each word and when it sounds."""
        phones = list(self.phones())
        for word in self.words:
            yield Interval(word.text, phones[word.start].start_s, phones[word.end - 1].end_s)


@config
class About:
    """Who aligned what."""

    format: int = FORMAT
    aligner: str
    fingerprint: str
    """Of all that decides its durations."""
    manifest_sha256: str
    sample_rate_hz: int
    hop: int
    """Its ends are whole numbers of hops."""
    split: str | None = None
    """What was aligned of the manifest; None for all of it."""
    speaker: str | None = None
    """Whom all were taken for; None if each for themselves."""
    language: str | None = None
    """What all were read as; None if each as its own."""

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"format is {self.format}, but this sonorant reads {FORMAT}: upgrade sonorant, or align anew"
            )
        check_at_least(1, self, "sample_rate_hz", "hop")


@config
class Skipped:
    """An utterance that has no alignment, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Alignments:
    """What a folder holds. of: by the utterances' ids."""

    about: About
    of: Mapping[str, Alignment]


def alignment_of(
    id_: str,
    durations: Sequence[int],
    *,
    symbols: Sequence[str],
    words: Sequence[SymbolSpan],
    symbol_of_token: Sequence[int],
    frame_s: float,
) -> Alignment:
    """From how many frames each token lasts. symbol_of_token: the place of its symbol, -1 for none."""
    ends = np.cumsum(durations)
    tokens = [token for token, symbol in enumerate(symbol_of_token) if symbol >= 0]
    first, last = tokens[0], tokens[-1]
    # Up to the next symbol's token, and so through the blanks behind its own.
    ends_of_symbols = [*(int(ends[token - 1]) for token in tokens[1:]), int(ends[-1])]
    return Alignment(
        id=id_,
        symbols=tuple(symbols),
        ends_s=tuple(_rounded(end * frame_s) for end in ends_of_symbols),
        spoken_s=(_rounded(int(ends[first] - durations[first]) * frame_s), _rounded(int(ends[last]) * frame_s)),
        words=tuple(words),
    )


def frames_of(alignment: Alignment, *, sample_rate_hz: int, hop: int, n_frames: int) -> NDArray[np.int64]:
    """How many frames each symbol lasts on some grid: int64 [n_symbols], whose sum is n_frames.

    Each end goes to the nearest frame, so a symbol may get none. Raises CorpusError where the recording is not as long
    as the one that was aligned.
    """
    return np.diff(_edges(alignment, alignment.ends_s, sample_rate_hz, hop, n_frames), prepend=0)


def frames_of_tokens(
    alignment: Alignment,
    tokens: Sequence[int],
    *,
    table: SymbolTable,
    layout: TokenLayout,
    sample_rate_hz: int,
    hop: int,
    n_frames: int,
) -> NDArray[np.int64]:
    """How many frames each token of another front end lasts: int64 [n_tokens], whose sum is n_frames.

    tokens: the ids of the same text, as its layout arranges them. The silence before the first symbol goes to the first
    of the layout's tokens there, that after the last one to the last of those there; all its other tokens get no frame.
    Raises CorpusError where the symbols are not the aligned ones, naming the first that differs.
    """
    check_reading(alignment.id, alignment.symbols, tokens, table=table, layout=layout)
    places = _places(len(tokens), layout, table)
    frames = np.zeros(len(tokens), np.int64)
    of_symbols = frames_of(alignment, sample_rate_hz=sample_rate_hz, hop=hop, n_frames=n_frames)
    frames[places] = of_symbols
    before, until = _edges(alignment, alignment.spoken_s, sample_rate_hz, hop, n_frames, is_whole=False).tolist()
    if places[0] > 0:
        silent = min(before, int(of_symbols[0]))
        frames[0], frames[places[0]] = silent, frames[places[0]] - silent
    if places[-1] < len(tokens) - 1:
        silent = min(n_frames - until, int(frames[places[-1]]))
        frames[-1], frames[places[-1]] = silent, frames[places[-1]] - silent
    return frames


def check_reading(
    id_: str, symbols: Sequence[str], tokens: Sequence[int], *, table: SymbolTable, layout: TokenLayout
) -> None:
    """Raise CorpusError where another front end's tokens, as its layout arranges them, are not an aligner's symbols."""
    ids = [tokens[place] for place in _places(len(tokens), layout, table)]
    aligned = [table.ids.get(symbol, -1) for symbol in symbols]
    if aligned == ids:
        return
    n = min(len(aligned), len(ids))
    place = next((place for place in range(n) if aligned[place] != ids[place]), n)
    names = {row: symbol for symbol, row in table.ids.items()}
    found = repr(names.get(ids[place], ids[place])) if place < len(ids) else "at its end"
    expected = repr(symbols[place]) if place < len(aligned) else "at its end"
    raise CorpusError(
        f"{id_}: reads otherwise than its aligner: symbol {place} is {found}, but {expected} there; align "
        "with a voice of the same front end"
    )


def write_alignments(
    folder: Path, about: About, rows: Sequence[Alignment], skipped: Iterable[Skipped], *, textgrids: bool
) -> None:
    """Write all files into a folder that is there."""
    write_rows(folder / ALIGNMENTS, (asdict(row) for row in rows))
    write_rows(folder / SKIPPED, (asdict(row) for row in skipped))
    with whole_file(folder / ABOUT) as part:
        part.write_text(json.dumps(plain(about), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if textgrids:
        (folder / TEXTGRIDS).mkdir()
        for row, name in zip(rows, textgrid_names([row.id for row in rows]), strict=True):
            tiers = {"words": row.timed_words(), "phones": row.phones()}
            (folder / TEXTGRIDS / name).write_text(textgrid(tiers, duration_s=row.duration_s), encoding="utf-8")


@config
class _Done:
    """An alignment and what it is of."""

    of: str
    alignment: Alignment


class Halfway:
    """What is aligned so far of a corpus, in a file that outlives a stop, and a change of the manifest."""

    def __init__(self, path: Path, about: About, identities: Mapping[str, str]) -> None:
        """Go on with what a file holds if it is of the same aligner; begin it anew otherwise, with a row.

        identities: of each utterance that is to be aligned, by its id, what tells it from what it was before it
        changed. Raises CorpusError for a whole line in it that is no alignment.
        """
        import pydantic

        self._path = path
        self._identities = identities
        self.rows: dict[str, Alignment] = {}
        """By the utterances' ids."""
        who = {name: value for name, value in plain(about).items() if name not in ("manifest_sha256", "split")}
        self._head = json.dumps(who, ensure_ascii=False)
        self._is_begun = False
        first, *lines = path.read_bytes().split(b"\n") if path.is_file() else [b""]
        if first == self._head.encode():
            adapter = pydantic.TypeAdapter(_Done)
            for number, line in enumerate(lines[:-1], 2):  # what follows the last line's end was cut off
                try:
                    done = adapter.validate_json(line)
                except pydantic.ValidationError:
                    raise CorpusError(
                        f"{path} line {number}: is no alignment; delete the file, to align anew"
                    ) from None
                if identities.get(done.alignment.id) == done.of:
                    self.rows[done.alignment.id] = done.alignment

    def add(self, row: Alignment) -> None:
        if not self._is_begun:
            with whole_file(self._path) as part:
                lines = [self._head, *map(self._line, self.rows.values()), ""]
                part.write_text("\n".join(lines), encoding="utf-8")
            self._is_begun = True
        self.rows[row.id] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(self._line(row) + "\n")

    def forget(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def _line(self, row: Alignment) -> str:
        return json.dumps(asdict(_Done(of=self._identities[row.id], alignment=row)), ensure_ascii=False)


def read_alignments(folder: Path, *, durations_s: Mapping[str, float]) -> Alignments:
    """What a folder holds of a corpus. durations_s: of the corpus's utterances, by their ids.

    Raises CorpusError for a file that cannot be read, and for a bad line, with its number: ends that do not increase,
    an utterance that the corpus has not, or that stands there twice, an alignment that does not fit its recording.
    """
    import pydantic

    try:
        about = parse(About, read_json(folder / ABOUT), source=str(folder / ABOUT))
    except ConfigError as error:
        raise CorpusError(f"{error}; 'sonorant align' makes such folders") from None
    adapter = pydantic.TypeAdapter(Alignment)
    path, of = folder / ALIGNMENTS, dict[str, Alignment]()
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = adapter.validate_json(line)
        except pydantic.ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            said = found_and_expected(fault)
            raise CorpusError(f"{path} line {number}: {place + ': ' if place else ''}{said}") from None
        where = f"{path} line {number} (id {row.id})"
        if row.id in of:
            raise CorpusError(f"{where}: the id stands there twice")
        if row.id not in durations_s:
            raise CorpusError(f"{where}: the corpus has no such utterance; align its own manifest")
        if abs(row.duration_s - durations_s[row.id]) > about.hop / about.sample_rate_hz + _LOOSE_S:
            raise CorpusError(
                f"{where}: its symbols last {row.duration_s:.3f} s, but its recording {durations_s[row.id]:.3f} s; "
                "align it anew"
            )
        of[row.id] = row
    return Alignments(about, of)


def _rounded(seconds: float) -> float:
    return round(seconds, _DECIMALS)


def _edges(
    alignment: Alignment,
    times_s: Sequence[float],
    sample_rate_hz: int,
    hop: int,
    n_frames: int,
    *,
    is_whole: bool = True,
) -> NDArray[np.int64]:
    """Times on a grid of n_frames frames. is_whole: the last is the grid's end, however it would be rounded."""
    if abs(n_frames * hop / sample_rate_hz - alignment.duration_s) > _LONGEST_FRAME_S:
        raise CorpusError(
            f"{alignment.id}: was aligned to {alignment.duration_s:.3f} s, but its {n_frames:,} frames last "
            f"{n_frames * hop / sample_rate_hz:.3f} s; align it anew"
        )
    edges = np.rint(np.asarray(times_s) * sample_rate_hz / hop).astype(np.int64).clip(0, n_frames)
    if is_whole:
        edges[-1] = n_frames
    return edges


def _places(n_tokens: int, layout: TokenLayout, table: SymbolTable) -> Sequence[int]:
    """Which of so many tokens of a layout are symbols, and not the layout's own."""
    n_marked = n_tokens
    if layout.blank is not None:
        n_marked = (n_tokens - 1) // 2 if layout.blank_at_ends else (n_tokens + 1) // 2
    n_symbols = n_marked - (layout.begin is not None) - (layout.end is not None)
    pattern = layout.arrange([0] * max(n_symbols, 0), table).symbol_of_token
    assert n_symbols > 0, f"{n_tokens} tokens hold no symbol in {layout}"
    assert len(pattern) == n_tokens, f"{n_tokens} tokens are not arranged by {layout}"
    return [place for place, symbol in enumerate(pattern) if symbol >= 0]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")  # a word may hold other line ends
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); 'sonorant align' makes it") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: is not UTF-8 at byte {error.start:,}") from None
