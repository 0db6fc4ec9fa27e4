"""From folders of texts to the phonemes of their sentences, once: what is done is kept in files, some texts in each.

A file is named by all that decides what is in it, so that a run that was stopped, or another on the same texts, takes
what is there and goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sonorant.audio.io import whole_file
from sonorant.config import plain
from sonorant.data.loading import in_order
from sonorant.errors import AudioError, CorpusError, TextError
from sonorant.models.phoneme_encoder.config import MAX_TOKENS
from sonorant.text.frontend import Frontend, FrontendConfig, LanguageConfig, Sentence
from sonorant.text.markup import Plain, segments
from sonorant.text.paragraphs import MAX_LINE_CHARS, paragraphs
from sonorant.text.phonemize import build_phonemizer
from sonorant.text.symbols import SymbolTable

TEXTS_PER_FILE = 2000
OUTSIDE, FIRST, INSIDE = 0, 1, 2
"""Places of a token: in no word, at a word's beginning, or further in it."""
_REJECTED = "rejected"
_VERSION = 1
"""Of how phonemes are found; another makes files of other names."""
LineBreaks = Literal["paragraphs", "spaces"]


@dataclass(frozen=True)
class Text:
    """A paragraph, and where it stands."""

    where: str
    text: str


@dataclass(frozen=True)
class Rejected:
    """A text, or a sentence of one, that is not read."""

    where: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Phonemes:
    """The sentences of some texts, one after another. Sentence i has tokens offsets[i] to [i + 1].

    tokens: as laid out for the model; places: OUTSIDE, FIRST or INSIDE of each.
    """

    tokens: NDArray[np.int16]
    places: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    rejected: tuple[Rejected, ...]


def text_files(folder: Path) -> Mapping[str, Path]:
    """The text files below a folder, by their names from there on, in the order of these.

    Raises CorpusError when there is no such folder, or no text file in it.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: is no folder; let data.texts name one that holds .txt files")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.txt") if path.is_file()}
    if not found:
        raise CorpusError(f"{folder}: holds no .txt file; name a folder of UTF-8 texts, a sentence or paragraph a line")
    return dict(sorted(found.items()))


class Phonemizing:
    """The texts of one language, and their way to phonemes."""

    def __init__(
        self, folder: Path, *, line_breaks: LineBreaks, frontend: FrontendConfig, language: str, table: SymbolTable
    ) -> None:
        """Raises CorpusError when the front end does not read the language."""
        cfg = next((cfg for cfg in frontend.languages if cfg.code == language), None)
        if cfg is None:
            known = ", ".join(cfg.code for cfg in frontend.languages)
            raise CorpusError(f"{folder}: is in {language!r}, but the front end reads {known}")
        self._folder = folder
        self._line_breaks = line_breaks
        self._frontend, self._language, self._table = frontend, cfg, table
        self._no_words = frozenset({frontend.word_break, *frontend.marks})
        self._decisive = _settings(frontend, cfg, table)

    @cached_property
    def _reader(self) -> Frontend:
        """Made where it is used first: a worker makes its own."""
        return Frontend(self._frontend, self._language, self._table)

    def files(
        self, cache: Path, *, workers: int = 0, should_stop: Callable[[], bool], dropped: Counter[str]
    ) -> Iterator[Path | None]:
        """The files of all texts, made where they are not there; None, and no more, when asked to stop.

        workers: processes that make them; none: this one. dropped: counts the texts that are repeated.
        """
        for path in in_order(self._groups(dropped), partial(self._file, cache=cache), workers=workers):
            yield path
            if should_stop():
                yield None
                return

    def _groups(self, dropped: Counter[str]) -> Iterator[list[Text | Rejected]]:
        """The texts of each file."""
        seen: set[bytes] = set()
        held: list[Text | Rejected] = []
        for text in self._texts():
            if isinstance(text, Text):
                digest = hashlib.blake2b(text.text.encode(), digest_size=8).digest()
                if digest in seen:
                    dropped["the same text again"] += 1
                    continue
                seen.add(digest)
            held.append(text)
            if len(held) == TEXTS_PER_FILE:
                yield held
                held = []
        if held:
            yield held

    def _texts(self) -> Iterator[Text | Rejected]:
        """Every paragraph; and every line that is none."""
        for name, path in text_files(self._folder).items():
            where = f"{self._folder.name}/{name}"
            try:
                with path.open("rb") as file:
                    read = _lines if self._line_breaks == "paragraphs" else _paragraphs
                    yield from read(file, where)
            except OSError as error:
                raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None

    def _file(self, texts: Sequence[Text | Rejected], cache: Path) -> Path:
        digest = hashlib.blake2b(self._decisive, digest_size=16)
        for text in texts:
            digest.update(json.dumps([type(text).__name__, *vars(text).values()]).encode())
        path = cache / f"phonemes-{digest.hexdigest()}.safetensors"
        if not path.is_file():
            self._write(texts, path)
        return path

    def _write(self, texts: Sequence[Text | Rejected], path: Path) -> None:
        tokens: list[tuple[int, ...]] = []
        places: list[list[int]] = []
        rejected: list[Rejected] = []
        for text in texts:
            for sentence in [text] if isinstance(text, Rejected) else self._sentences(text):
                if isinstance(sentence, Rejected):
                    rejected.append(sentence)
                else:
                    tokens.append(sentence.tokens)
                    places.append(places_of(sentence, self._no_words))
        arrays: dict[str, NDArray[np.generic]] = {
            "tokens": np.array([token for sentence in tokens for token in sentence], dtype=np.int16),
            "places": np.array([place for sentence in places for place in sentence], dtype=np.uint8),
            "offsets": np.cumsum([0, *map(len, tokens)], dtype=np.int64),
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as part:
                save_file(arrays, part, {_REJECTED: json.dumps([vars(row) for row in rejected])})
        except (OSError, AudioError, SafetensorError) as error:
            raise CorpusError(f"{path}: cannot be written ({error}); make room and resume") from None

    def _sentences(self, text: Text) -> Iterator[Sentence | Rejected]:
        try:
            if not all(isinstance(segment, Plain) for segment in segments(text.text)):
                yield Rejected(text.where, "holds phonemes or pauses in brackets")
                return
            is_silent = True
            for sentence in self._reader(text.text):
                is_silent = False
                if sentence.unknown:
                    yield Rejected(text.where, "no symbol for something in it", " ".join(sorted(sentence.unknown)))
                elif not sentence.tokens:
                    yield Rejected(text.where, "nothing in it is spoken")
                elif len(sentence.tokens) > MAX_TOKENS:
                    yield Rejected(text.where, f"more than {MAX_TOKENS} tokens")
                else:
                    yield sentence
            if is_silent:
                yield Rejected(text.where, "nothing in it is spoken")
        except TextError as error:
            yield Rejected(text.where, "cannot be read", str(error))


def places_of(sentence: Sentence, no_words: frozenset[str]) -> list[int]:
    """The place of each token. Breaks and marks belong to no word, even where the front end has them within one.

    no_words: these breaks and marks.
    """
    of_symbol: list[int] = []
    before = -1
    for symbol, word in zip(sentence.symbols, sentence.word_of_symbol, strict=True):
        word = -1 if symbol in no_words else word
        of_symbol.append(OUTSIDE if word < 0 else INSIDE if word == before else FIRST)
        before = word
    return [OUTSIDE if symbol < 0 else of_symbol[symbol] for symbol in sentence.symbol_of_token]


def read_phonemes(path: Path) -> Phonemes:
    """What was written. Raises CorpusError when the file is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in ("tokens", "places", "offsets")}
            rejected = json.loads((file.metadata() or {})[_REJECTED])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); delete it, it will be made again") from None
    return Phonemes(**arrays, rejected=tuple(Rejected(**row) for row in rejected))


def _lines(file: BinaryIO, where: str) -> Iterator[Text | Rejected]:
    """The lines of a file that hold something; and those that cannot be read."""
    for line in _all_lines(file, where):
        if isinstance(line, Rejected) or line.text:
            yield line


def _paragraphs(file: BinaryIO, where: str) -> Iterator[Text | Rejected]:
    """The paragraphs of a file; and then its lines that cannot be read."""
    rejected: list[Rejected] = []

    def readable() -> Iterator[str]:
        for line in _all_lines(file, where):
            if isinstance(line, Text):
                yield line.text
            else:
                rejected.append(line)

    for number, text in enumerate(paragraphs(readable(), source=where), 1):
        yield Text(f"{where} paragraph {number}", text)
    yield from rejected


def _all_lines(file: BinaryIO, where: str) -> Iterator[Text | Rejected]:
    for number, raw in enumerate(file, 1):
        place = f"{where} line {number}"
        if len(raw) > 4 * MAX_LINE_CHARS:  # UTF-8 needs at most four bytes for a character
            yield Rejected(place, f"longer than {MAX_LINE_CHARS:,} characters")
            continue
        try:
            text = raw.decode("utf-8").replace("\ufeff", "").strip()
        except UnicodeDecodeError as error:
            yield Rejected(place, "not UTF-8", f"byte 0x{raw[error.start]:02x} at column {error.start + 1}")
            continue
        if len(text) > MAX_LINE_CHARS:
            yield Rejected(place, f"longer than {MAX_LINE_CHARS:,} characters")
        else:
            yield Text(place, text)


def _settings(frontend: FrontendConfig, language: LanguageConfig, table: SymbolTable) -> bytes:
    """What decides phonemes beside the texts; the phonemizer's name holds its version."""
    said = {
        "version": _VERSION,
        "frontend": {**plain(frontend), "languages": [plain(language)]},
        "by": build_phonemizer(language.phonemizer).name,
        "symbols": table.ids,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()
