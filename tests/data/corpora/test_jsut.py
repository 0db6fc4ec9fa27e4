"""JSUT in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

from sonorant.data.corpora import import_corpus
from tests.data.corpora import fakes


def test_all_sets_are_read(tmp_path: Path) -> None:
    fakes.jsut(tmp_path / "jsut_ver1.1")
    imported = import_corpus("jsut", tmp_path / "jsut_ver1.1", tmp_path / "out")
    assert {each.id: each.text for each in imported.utterances} == {
        "BASIC5000_0001": "水をマレーシアから買わなくてはならないのです。",
        "BASIC5000_0002": "時刻は12:30です。",
        "REPEAT500_set1_001": "また、東寺のように。",
    }
    assert {(each.speaker, each.language) for each in imported.utterances} == {("jsut", "ja")}


def test_one_set_may_be_given(tmp_path: Path) -> None:
    fakes.jsut(tmp_path)
    assert len(import_corpus("jsut", tmp_path / "repeat500", tmp_path / "out").utterances) == 1


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.jsut(tmp_path / "jsut_ver1.1")
    rejected = import_corpus("jsut", tmp_path / "jsut_ver1.1", tmp_path / "out").rejected
    assert {Path(each.audio).name: each.reason for each in rejected} == {
        "BASIC5000_0003.wav": "no such file",
        "BASIC5000_0004.wav": "its text is empty",
        "transcript_utf8.txt line 5": "has 1 columns, expected 2: id, text",
    }
