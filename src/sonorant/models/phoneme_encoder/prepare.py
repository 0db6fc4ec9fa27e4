"""The first stage: from folders of texts to sentences of phonemes and sup-phonemes, each sentence once."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sonorant.audio.io import whole_file
from sonorant.config import parse, plain, read_json
from sonorant.data.manifest import write_rows
from sonorant.data.prepare import TABLES, Tables
from sonorant.errors import AudioError, CorpusError
from sonorant.models.phoneme_encoder.config import TextsConfig
from sonorant.models.phoneme_encoder.phonemes import (
    FIRST,
    OUTSIDE,
    TEXTS_PER_FILE,
    Phonemes,
    Phonemizing,
    read_phonemes,
)
from sonorant.models.phoneme_encoder.sup_phonemes import SupPhonemes, learn, read_sup_phonemes, write_sup_phonemes
from sonorant.models.preparing import to_stderr
from sonorant.text.frontend import FrontendConfig
from sonorant.text.symbols import SymbolTable

SENTENCES, SUP_PHONEMES, REJECTED, COUNTS = (
    "sentences.safetensors",
    "sup_phonemes.json",
    "rejected.jsonl",
    "counts.json",
)
GIVES = (SENTENCES, SUP_PHONEMES, TABLES)
_FILES = "phonemes"
"""Folder of what is done so far, where there is no cache."""


@dataclass(frozen=True)
class Sentences:
    """All sentences, one after another. Sentence i has tokens offsets[i] to [i + 1].

    sup_phonemes: of each token, 0 for none; begins: whether one begins there.
    """

    tokens: NDArray[np.int16]
    sup_phonemes: NDArray[np.int32]
    begins: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    languages: NDArray[np.int16]
    is_validation: NDArray[np.bool_]


@dataclass(frozen=True)
class ReadingMatter:
    """What the stage gave."""

    sentences: Sentences
    sup_phonemes: SupPhonemes
    tables: Tables


@dataclass(frozen=True)
class _Kept:
    """Different sentences with their places in words."""

    tokens: NDArray[np.int16]
    places: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    languages: NDArray[np.int16]
    is_validation: NDArray[np.bool_]


def prepare(
    data: TextsConfig,
    folder: Path,
    *,
    frontend: FrontendConfig,
    symbols: Mapping[str, int],
    n_sup_phonemes: int,
    workers: int = 0,
    should_stop: Callable[[], bool],
) -> Mapping[str, int] | None:
    """Write what a phoneme encoder reads into a folder. Returns how much was left out, by reason; None if stopped.

    workers: processes that find phonemes; none: this one.
    Raises CorpusError when nothing is left to train on.
    """
    table = SymbolTable(symbols)
    own = folder / _FILES
    dropped: Counter[str] = Counter()
    files: list[tuple[int, Path]] = []
    for row, (language, texts) in enumerate(data.folders.items()):
        phonemizing = Phonemizing(
            texts, line_breaks=data.line_breaks, frontend=frontend, language=language, table=table
        )
        for path in phonemizing.files(data.cache or own, workers=workers, should_stop=should_stop, dropped=dropped):
            if path is None:
                return None
            files.append((row, path))
            if len(files) > 1:  # a few texts take no time
                to_stderr(f"{folder.name}: texts read so far: {len(files) * TEXTS_PER_FILE:,} or a few less")
    parts = [(row, read_phonemes(path)) for row, path in files]
    rejected = [rejected for _, part in parts for rejected in part.rejected]
    dropped.update(row.reason for row in rejected)
    kept = _different(parts, [*data.folders], table, validation_share=data.validation_share, dropped=dropped)
    if kept.is_validation.all():
        reasons = "; ".join(f"{count:,}: {reason}" for reason, count in dropped.most_common(3)) or "there are none"
        raise CorpusError(f"{', '.join(map(str, data.folders.values()))}: no sentence is left to train on ({reasons})")
    words = _words(kept)
    name_of = {row: symbol for symbol, row in symbols.items()}
    spelled = {word: tuple(name_of[int(row)] for row in np.frombuffer(word, np.int16)) for word in words}
    sup_phonemes = learn({spelled[word]: count for word, count in sorted(words.items())}, size=n_sup_phonemes)
    if sup_phonemes.size != n_sup_phonemes:
        to_stderr(f"{folder.name}: {sup_phonemes.size:,} sup-phonemes, where {n_sup_phonemes:,} were asked for")
    sentences = _with_sup_phonemes(kept, {word: sup_phonemes.of(spelled[word]) for word in words}, sup_phonemes)
    tables = Tables(
        symbols=dict(symbols),
        speakers=(),
        frontend=frontend,
        language_of_speaker=(),
        corpora=(),
        licences=(),
        seconds=0.0,
    )
    counts = {
        "sentences": len(kept.languages),
        "validation": int(kept.is_validation.sum()),
        "tokens": len(kept.tokens),
        "words": sum(words.values()),
        "different_words": len(words),
        "left_out": dict(dropped),
    }
    write_rows(folder / REJECTED, (vars(row) for row in rejected))
    _write_json(folder / COUNTS, counts)
    _write_json(folder / TABLES, plain(tables))
    write_sup_phonemes(folder / SUP_PHONEMES, sup_phonemes)
    try:
        with whole_file(folder / SENTENCES) as part:
            save_file(vars(sentences), part)
    except (OSError, AudioError, SafetensorError) as error:
        raise CorpusError(f"{folder / SENTENCES}: cannot be written ({error}); make room and resume") from None
    if own.is_dir():
        shutil.rmtree(own)
    return dropped


def read_prepared(folder: Path) -> ReadingMatter:
    """What `prepare` wrote. Raises CorpusError or ConfigError when it is missing or damaged."""
    path = folder / SENTENCES
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); prepare anew") from None
    if arrays.keys() != (names := {field.name for field in fields(Sentences)}):
        raise CorpusError(f"{path}: holds {', '.join(arrays)}, expected {', '.join(sorted(names))}; prepare anew")
    return ReadingMatter(
        sentences=Sentences(**arrays),
        sup_phonemes=read_sup_phonemes(folder / SUP_PHONEMES),
        tables=parse(Tables, read_json(folder / TABLES), source=str(folder / TABLES)),
    )


def _different(
    parts: list[tuple[int, Phonemes]],
    languages: list[str],
    table: SymbolTable,
    *,
    validation_share: float,
    dropped: Counter[str],
) -> _Kept:
    """Each sentence where it comes first, and its split: what it says decides, and so nothing is in both."""
    names = {row: symbol for symbol, row in table.ids.items()}
    seen: set[int] = set()
    tokens: list[NDArray[np.int16]] = []
    places: list[NDArray[np.uint8]] = []
    rows: list[int] = []
    is_validation: list[bool] = []
    for language, part in parts:
        for start, end in zip(part.offsets[:-1].tolist(), part.offsets[1:].tolist(), strict=True):
            said = "\t".join([languages[language], *(names[token] for token in part.tokens[start:end].tolist())])
            digest = int.from_bytes(hashlib.blake2b(said.encode(), digest_size=8).digest(), "big")
            if digest in seen:
                dropped["the same sentence again"] += 1
                continue
            seen.add(digest)
            tokens.append(part.tokens[start:end])
            places.append(part.places[start:end])
            rows.append(language)
            is_validation.append(digest < validation_share * 2**64)
    return _Kept(
        tokens=np.concatenate([*tokens, np.empty(0, np.int16)]),
        places=np.concatenate([*places, np.empty(0, np.uint8)]),
        offsets=np.cumsum([0, *map(len, tokens)], dtype=np.int64),
        languages=np.array(rows, dtype=np.int16),
        is_validation=np.array(is_validation, dtype=np.bool_),
    )


def _ranges(kept: _Kept) -> Iterator[tuple[int, int]]:
    """Where words begin and end."""
    starts = np.flatnonzero(kept.places == FIRST)
    # A word ends where the next token begins another, or belongs to none.
    is_end = kept.places != OUTSIDE
    is_end[:-1] &= (kept.places[1:] == FIRST) | (kept.places[1:] == OUTSIDE)
    ends = np.flatnonzero(is_end) + 1
    yield from zip(starts.tolist(), ends.tolist(), strict=True)


def _words(kept: _Kept) -> Counter[bytes]:
    """How often each word occurs; words are the bytes of their tokens."""
    return Counter(kept.tokens[start:end].tobytes() for start, end in _ranges(kept))


def _with_sup_phonemes(kept: _Kept, of_word: Mapping[bytes, list[int]], sup_phonemes: SupPhonemes) -> Sentences:
    numbers = np.zeros(len(kept.tokens), dtype=np.int32)
    begins = np.zeros(len(kept.tokens), dtype=np.bool_)
    lengths = [0, *map(len, sup_phonemes.spellings)]
    for start, end in _ranges(kept):
        at = start
        for number in of_word[kept.tokens[start:end].tobytes()]:
            begins[at] = True
            numbers[at : at + lengths[number]] = number
            at += lengths[number]
        assert at == end, "sup-phonemes of a word have its phonemes"
    return Sentences(
        tokens=kept.tokens,
        sup_phonemes=numbers,
        begins=begins,
        offsets=kept.offsets,
        languages=kept.languages,
        is_validation=kept.is_validation,
    )


def _write_json(path: Path, data: Mapping[str, object]) -> None:
    with whole_file(path) as part:
        part.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
