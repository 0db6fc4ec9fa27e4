"""From folders of texts to sentences: each once, with its words' sup-phonemes, and what is left out is named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sonorant.errors import ConfigError, CorpusError
from sonorant.models.phoneme_encoder import phonemes
from sonorant.models.phoneme_encoder.config import TextsConfig
from sonorant.models.phoneme_encoder.phonemes import FIRST, INSIDE, OUTSIDE, Phonemizing, places_of
from sonorant.models.phoneme_encoder.prepare import COUNTS, REJECTED, SENTENCES, ReadingMatter, prepare, read_prepared
from sonorant.text import phonemize
from sonorant.text.frontend import Frontend
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.text.symbols import SymbolTable

TEXTS = {
    "a.txt": b"The cat sat on the mat. The dog sat on the log.\nThe cat sat on the mat.\n\n",
    "deep/b.txt": "\ufeffThe dog saw the cat; the cat saw the dog.\nWho saw whom? The cat sat.\n".encode(),
}
N_SUP = 30


def write(folder: Path, texts: Mapping[str, bytes] = TEXTS) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return folder


def prepared(
    data: TextsConfig, out: Path, *, size: int = N_SUP, stop_after: int | None = None, workers: int = 0
) -> Mapping[str, int] | None:
    """stop_after: so many files of phonemes."""
    out.mkdir(exist_ok=True)
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) == stop_after

    return prepare(
        data,
        out,
        frontend=standard_config(list(data.folders), blanks=False),
        symbols=standard_symbols(),
        n_sup_phonemes=size,
        workers=workers,
        should_stop=should_stop,
    )


def english(folder: Path, **settings: object) -> TextsConfig:
    return TextsConfig(texts=folder, language="en-us", **{"validation_share": 0.0, **settings})  # type: ignore[arg-type]


def said(matter: ReadingMatter) -> list[str]:
    """The symbols of each sentence."""
    name_of = {row: symbol for symbol, row in matter.tables.symbols.items()}
    of = matter.sentences
    return [
        "".join(name_of[token] for token in of.tokens[start:end].tolist())
        for start, end in zip(of.offsets[:-1], of.offsets[1:], strict=True)
    ]


@pytest.fixture(scope="module")
def matter(tmp_path_factory: pytest.TempPathFactory) -> ReadingMatter:
    folder = tmp_path_factory.mktemp("texts")
    prepared(english(write(folder / "in")), folder / "out")
    return read_prepared(folder / "out")


# ---- what there is afterwards ----------------------------------------------------------------------------------------


def test_sentences_are_those_the_front_end_says_each_once(matter: ReadingMatter) -> None:
    cfg = standard_config(["en-us"], blanks=False)
    reader = Frontend(cfg, cfg.languages[0], SymbolTable(standard_symbols()))
    texts = "The cat sat on the mat. The dog sat on the log. The dog saw the cat; the cat saw the dog. Who saw whom?"
    expected = ["_" + "".join(sentence.symbols) + "_" for sentence in reader(f"{texts} The cat sat.")]
    assert said(matter) == expected


def test_sup_phonemes_cover_words_and_nothing_else(matter: ReadingMatter) -> None:
    of = matter.sentences
    name_of = {row: symbol for symbol, row in matter.tables.symbols.items()}
    for token, number in zip(of.tokens.tolist(), of.sup_phonemes.tolist(), strict=True):
        assert (number == 0) == (name_of[token] in {"_", " ", ".", ";", "?"})
    assert of.sup_phonemes.max() <= matter.sup_phonemes.size == N_SUP


def test_a_sup_phoneme_is_repeated_over_its_phonemes(matter: ReadingMatter) -> None:
    of = matter.sentences
    name_of = {row: symbol for symbol, row in matter.tables.symbols.items()}
    for at in np.flatnonzero(of.begins).tolist():
        number = int(of.sup_phonemes[at])
        spelling = matter.sup_phonemes.spellings[number - 1]
        assert tuple(name_of[token] for token in of.tokens[at : at + len(spelling)].tolist()) == spelling
        assert (of.sup_phonemes[at : at + len(spelling)] == number).all()
        assert not of.begins[at + 1 : at + len(spelling)].any()
    lengths = [len(matter.sup_phonemes.spellings[number - 1]) for number in of.sup_phonemes[of.begins]]
    assert sum(lengths) == int((of.sup_phonemes > 0).sum())
    assert max(lengths) > 1


def test_places_know_the_words_that_espeak_joins_and_the_breaks_within_one() -> None:
    cfg = standard_config(["en-us"], blanks=False)
    reader = Frontend(cfg, cfg.languages[0], SymbolTable(standard_symbols()))
    (sentence,) = reader("In 1984, e.g. of the cat.")
    places = places_of(sentence, frozenset({" ", *cfg.marks}))
    words: list[str] = []
    for place, symbol in zip(places, ["", *sentence.symbols, ""], strict=True):
        if place == OUTSIDE:
            assert symbol in {"", " ", ",", "."}
            continue
        assert place in (FIRST, INSIDE)
        if place == FIRST:
            words.append("")
        words[-1] += symbol
    assert words == ["ɪn", "nˈaɪntiːn", "ˈeɪɾifˈɔːɹ", "fɔːɹ", "ɛɡzˈæmpəl", "ʌv", "ðə", "kˈæt"]


def test_what_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    texts = {
        **TEXTS,
        "c.txt": b"caf\xe9\nThe \xe2\x99\xa5 cat.\nSay [[h\xc9\x99]] now.\n!!\nOne [[two.\nThe cat sat on the mat!\n",
    }
    dropped = prepared(english(write(tmp_path / "in", texts)), tmp_path / "out")
    assert dropped is not None
    rows = [json.loads(line) for line in (tmp_path / "out" / REJECTED).read_text().splitlines()]
    reasons = Counter(row["reason"] for row in rows)
    assert reasons == {
        "not UTF-8": 1,
        "no symbol for something in it": 1,
        "holds phonemes or pauses in brackets": 1,
        "nothing in it is spoken": 1,
        "cannot be read": 1,
    }
    assert rows[0] == {"where": "in/c.txt line 1", "reason": "not UTF-8", "detail": "byte 0xe9 at column 4"}
    counts = json.loads((tmp_path / "out" / COUNTS).read_text())
    assert counts["left_out"] == dropped
    assert counts["sentences"] == 6
    assert dropped["the same sentence again"] == 1


def test_a_repeated_text_is_read_once(tmp_path: Path) -> None:
    texts = {"a.txt": b"The cat sat on the mat.\n" * 50, "b.txt": b"The cat sat on the mat.\nThe cat sat.\n"}
    assert prepared(english(write(tmp_path / "in", texts)), tmp_path / "out", size=12) == {"the same text again": 50}
    assert len(read_prepared(tmp_path / "out").sentences.languages) == 2


def test_broken_lines_are_joined_when_that_is_said(tmp_path: Path) -> None:
    texts = {"a.txt": b"The cat\nsat on\nthe mat.\n\nThe cat\nsat on the cat.\n"}
    prepared(english(write(tmp_path / "in", texts), line_breaks="spaces"), tmp_path / "out", size=12)
    assert len(read_prepared(tmp_path / "out").sentences.languages) == 2


def test_each_language_has_its_folder_and_its_front_end(tmp_path: Path) -> None:
    folders = {
        "es": write(tmp_path / "es", {"a.txt": b"El gato y el gato.\n"}),
        "en-us": write(tmp_path / "en", {"a.txt": b"El gato y el gato.\nThe cat, the cat.\n"}),
    }
    prepared(TextsConfig(texts=folders, validation_share=0.0), tmp_path / "out", size=22)
    matter = read_prepared(tmp_path / "out")
    assert [language.code for language in matter.tables.frontend.languages] == ["es", "en-us"]
    assert matter.sentences.languages.tolist() == [0, 1, 1]
    assert len(set(said(matter))) == 3


# ---- the split -------------------------------------------------------------------------------------------------------


def numbered(first: int, last: int) -> dict[str, bytes]:
    return {"a.txt": "".join(f"The cat sat on {number} mats.\n" for number in range(first, last)).encode()}


def test_the_split_depends_on_the_sentence_only(tmp_path: Path) -> None:
    splits = []
    for name, texts in (("one", numbered(0, 60)), ("other", numbered(30, 90))):
        prepared(english(write(tmp_path / name, texts), validation_share=0.3), tmp_path / f"of {name}", size=45)
        matter = read_prepared(tmp_path / f"of {name}")
        splits.append(dict(zip(said(matter), matter.sentences.is_validation.tolist(), strict=True)))
    one, other = splits
    shared = one.keys() & other.keys()
    assert len(shared) == 30
    assert {said: one[said] for said in shared} == {said: other[said] for said in shared}
    assert 0.1 < np.mean([*one.values()]) < 0.5


# ---- stopping, going on, and what is kept ----------------------------------------------------------------------------


def test_a_stopped_stage_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonemes, "TEXTS_PER_FILE", 1)
    data = english(write(tmp_path / "in"))
    prepared(data, tmp_path / "whole")
    assert prepared(data, tmp_path / "out", stop_after=2) is None
    assert not (tmp_path / "out" / SENTENCES).exists()
    n_said: list[int] = []
    say = phonemize._Engine.__call__

    def counted(self: object, text: str, voice: str) -> str:
        n_said.append(1)
        return say(self, text, voice)  # type: ignore[arg-type]

    monkeypatch.setattr(phonemize._Engine, "__call__", counted)
    assert prepared(data, tmp_path / "out") is not None
    n_left = len(n_said)
    prepared(data, tmp_path / "again")
    assert 0 < n_left < len(n_said) - n_left
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes(), path.name
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in (tmp_path / "whole").iterdir()
    )


def test_workers_find_what_one_process_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonemes, "TEXTS_PER_FILE", 1)
    texts = {**TEXTS, "c.txt": b"caf\xe9\nThe cat sat on the mat.\n"}
    data = english(write(tmp_path / "in", texts))
    dropped = [prepared(data, tmp_path / f"of {workers}", workers=workers) for workers in (0, 2)]
    assert dropped[0] == dropped[1]
    for path in (tmp_path / "of 0").iterdir():
        assert (tmp_path / "of 2" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_cache_serves_another_run_on_the_same_texts_and_front_end(tmp_path: Path) -> None:
    data = english(write(tmp_path / "in"), cache=tmp_path / "cache")
    prepared(data, tmp_path / "one")
    (kept,) = (tmp_path / "cache").iterdir()
    before = kept.stat().st_mtime_ns
    prepared(data, tmp_path / "other", size=30)
    assert [path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()] == [before]
    (tmp_path / "in" / "a.txt").write_bytes(b"The cat sat on the other mat.\n")
    prepared(data, tmp_path / "third", size=25)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_damaged_file_of_phonemes_is_named(tmp_path: Path) -> None:
    data = english(write(tmp_path / "in"), cache=tmp_path / "cache")
    prepared(data, tmp_path / "one")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    with pytest.raises(CorpusError, match=r"phonemes-\w+\.safetensors: cannot be read \(.*\); delete it"):
        prepared(data, tmp_path / "other")


# ---- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, r"in: is no folder; let data\.texts name one that holds \.txt files$"),
        ({"a.md": b"The cat."}, r"in: holds no \.txt file; "),
        ({"a.txt": b""}, r"in: no sentence is left to train on \(there are none\)$"),
        ({"a.txt": b"\xff\xfe\x00\nThe \xe2\x99\xa5 cat."}, r"in: no sentence is left to train on \(1: .*; 1: "),
    ],
)
def test_folders_without_sentences_are_refused_in_one_line(
    tmp_path: Path, texts: Mapping[str, bytes], message: str
) -> None:
    with pytest.raises(CorpusError, match=message) as refused:
        prepared(english(write(tmp_path / "in", texts)), tmp_path / "out")
    assert "\n" not in str(refused.value)


def test_a_language_without_a_front_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="in: is in 'es', but the front end reads en-us"):
        Phonemizing(
            tmp_path / "in",
            line_breaks="paragraphs",
            frontend=standard_config(["en-us"]),
            language="es",
            table=SymbolTable(standard_symbols()),
        )


def test_damaged_results_are_refused(tmp_path: Path) -> None:
    prepared(english(write(tmp_path / "in")), tmp_path / "out")
    path = tmp_path / "out" / SENTENCES
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CorpusError, match=r"sentences\.safetensors: cannot be read \(.*\); prepare anew$"):
        read_prepared(tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"texts": Path("x")}, "language is not set"),
        ({"texts": {"en-us": Path("x")}, "language": "en-us"}, "names a folder for each language: leave it out"),
        ({"texts": {}}, "texts is empty"),
        ({"texts": Path("x"), "language": "en-us", "batch_tokens": 100}, "batch_tokens is 100"),
        ({"texts": Path("x"), "language": "en-us", "validation_share": 1.0}, "validation_share is 1.0"),
    ],
)
def test_settings_that_are_none_are_refused(settings: Mapping[str, object], message: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=message):
        TextsConfig(**settings)  # type: ignore[arg-type]
