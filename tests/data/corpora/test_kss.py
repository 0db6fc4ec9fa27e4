"""KSS in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.data.corpora import import_corpus
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
