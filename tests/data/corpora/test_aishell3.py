"""AISHELL-3 in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

from sonorant.data.corpora import import_corpus
from tests.data.corpora import fakes


def test_the_text_is_without_its_pinyin(tmp_path: Path) -> None:
    fakes.aishell3(tmp_path / "aishell3")
    imported = import_corpus("aishell3", tmp_path / "aishell3", tmp_path / "out")
    assert {each.id: each.text for each in imported.utterances} == {
        "SSB00050001": "广州女大",
        "SSB00050002": "花儿开",
        "SSB06230001": "你好",
    }


def test_parts_are_splits_and_names_hold_speakers(tmp_path: Path) -> None:
    fakes.aishell3(tmp_path / "aishell3")
    imported = import_corpus("aishell3", tmp_path / "aishell3", tmp_path / "out")
    assert {(each.speaker, each.split, each.language) for each in imported.utterances} == {
        ("SSB0005", "train", "cmn"),
        ("SSB0623", "test", "cmn"),
    }


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.aishell3(tmp_path / "aishell3")
    rejected = import_corpus("aishell3", tmp_path / "aishell3", tmp_path / "out").rejected
    assert {Path(each.audio).name: each.reason for each in rejected} == {
        "SSB00050003.wav": "no such file",
        "SSB00050004.wav": "characters and pinyin do not alternate: 'guang3 zhou1'",
        "content.txt line 5": "has 1 columns, expected 2: file, text",
        "SSB00050006.wav": "its text is empty",
    }
