"""KSS in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sonorant.data.corpora import import_corpus
from sonorant.text.hangul import SOUND_JAMO, from_jamo
from sonorant.text.standard import standard_frontend
from tests.data.corpora import fakes


def test_the_newest_transcript_gives_what_is_said(tmp_path: Path) -> None:
    fakes.kss(tmp_path / "kss")
    imported = import_corpus("kss", tmp_path / "kss", tmp_path / "out")
    assert {each.id: each.text for each in imported.utterances} == {
        "1_0000": "그는 세시에 왔다.",
        "2_0000": "좋아요.",
    }
    assert {(each.speaker, each.language) for each in imported.utterances} == {("kss", "ko")}


def test_letters_taken_apart_are_put_together(tmp_path: Path) -> None:
    fakes.sound(tmp_path / "kss" / "1" / "1_0000.wav")
    apart = "좋아요."
    fakes.write(tmp_path / "kss" / "transcript.v.1.1.txt", f"1/1_0000.wav|{apart}|{apart}|{apart}|1.0")
    assert import_corpus("kss", tmp_path / "kss", tmp_path / "out").utterances[0].text == "좋아요."


@pytest.mark.parametrize("columns", [["1.0"], ["1.0", "Good."]])
def test_recordings_may_lie_in_a_folder_kss(tmp_path: Path, columns: list[str]) -> None:
    fakes.sound(tmp_path / "archive" / "kss" / "1" / "1_0000.wav")
    line = "|".join(["1/1_0000.wav", "좋아요.", "좋아요.", "좋아요.", *columns])
    fakes.write(tmp_path / "archive" / "transcript.v.1.2.txt", line)
    assert len(import_corpus("kss", tmp_path / "archive", tmp_path / "out").utterances) == 1


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.kss(tmp_path / "kss")
    rejected = import_corpus("kss", tmp_path / "kss", tmp_path / "out").rejected
    assert {Path(each.audio).name: each.reason for each in rejected} == {
        "1_0001.wav": "no such file",
        "1_0002.wav": "its text is empty",
        "transcript.v.1.4.txt line 5": (
            "has 2 columns, expected 6: file, printed, said, letters, seconds, translation"
        ),
    }


def example() -> ModuleType:
    """The example that makes a corpus in this layout."""
    path = Path(__file__).parents[3] / "examples" / "korean_corpus.py"
    spec = importlib.util.spec_from_file_location("korean_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_text_of_the_corpus_is_said_in_jamo(tmp_path: Path) -> None:
    fakes.kss(tmp_path / "kss")
    utterances = import_corpus("kss", tmp_path / "kss", tmp_path / "out").utterances
    read = standard_frontend("ko")
    said = {each.id: [from_jamo("".join(sentence.symbols)) for sentence in read(each.text)] for each in utterances}
    assert said == {"1_0000": ["그는 세시에 왇따."], "2_0000": ["조아요."]}


def test_the_sentences_of_the_example_differ_and_can_all_be_said() -> None:
    korean_corpus = example()
    made = korean_corpus.sentences(200)
    assert len({printed for printed, _ in made}) == 200
    read = standard_frontend("ko")
    for printed, _ in made:
        (*sentences,) = read(printed)
        assert not any(sentence.unknown for sentence in sentences), printed
        assert set("".join(word.phonemes for sentence in sentences for word in sentence.words)) <= {*SOUND_JAMO, " "}
    assert sum(any(char.isdecimal() for char in printed) for printed, _ in made) > 100


def test_what_the_example_makes_is_imported_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    korean_corpus = example()
    monkeypatch.setattr(korean_corpus, "N_SENTENCES", 8)
    monkeypatch.setattr(sys, "argv", ["korean_corpus.py", str(tmp_path / "kss")])
    korean_corpus.main()
    imported = import_corpus("kss", tmp_path / "kss", tmp_path / "out")
    assert not imported.rejected
    assert [each.id for each in imported.utterances] == [f"{at // 2 + 1}_{at % 2:04d}" for at in range(8)]
    assert not any(char.isdecimal() for each in imported.utterances for char in each.text)
    assert all(2.0 < each.duration_s < 10.0 for each in imported.utterances)
