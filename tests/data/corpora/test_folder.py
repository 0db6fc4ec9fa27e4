"""A folder of one's own becomes utterances, and what is broken is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.data.corpora import import_corpus
from sonorant.errors import CorpusError
from tests.data.corpora import fakes


def test_four_columns_say_everything(tmp_path: Path) -> None:
    fakes.folder(tmp_path / "mine")
    imported = import_corpus("folder", tmp_path / "mine", tmp_path / "out", licence="CC0")
    assert {(each.id, each.speaker, each.language, each.text, each.licence) for each in imported.utterances} == {
        ("a", "anna", "en-us", "The first.", "CC0"),
        ("b", "bert", "ko", "둘.", "CC0"),
        ("sub/c", "anna", "en-us", "In a folder.", "CC0"),
    }


def test_two_columns_need_a_speaker_and_a_language(tmp_path: Path) -> None:
    fakes.sound(tmp_path / "mine" / "a.wav")
    fakes.write(tmp_path / "mine" / "list.txt", "a|The first.")
    with pytest.raises(CorpusError, match=r"list\.txt line 1: .* give --speaker and --language"):
        import_corpus("folder", tmp_path / "mine", tmp_path / "out")
    (utterance,) = import_corpus(
        "folder", tmp_path / "mine", tmp_path / "out", speaker="anna", language="en-us"
    ).utterances
    assert (utterance.speaker, utterance.language, utterance.text) == ("anna", "en-us", "The first.")


def test_of_several_lists_one_is_named(tmp_path: Path) -> None:
    fakes.sound(tmp_path / "mine" / "a.wav")
    fakes.write(tmp_path / "mine" / "train.txt", "a|anna|en-us|The first.")
    fakes.write(tmp_path / "mine" / "test.txt", "a|anna|en-us|The second.")
    with pytest.raises(CorpusError, match=r"found test\.txt, train\.txt; give the list itself"):
        import_corpus("folder", tmp_path / "mine", tmp_path / "out")
    (utterance,) = import_corpus("folder", tmp_path / "mine" / "test.txt", tmp_path / "out").utterances
    assert utterance.text == "The second."


def test_broken_rows_are_named_with_their_lines(tmp_path: Path) -> None:
    fakes.folder(tmp_path / "mine")
    rejected = import_corpus("folder", tmp_path / "mine", tmp_path / "out").rejected
    reasons = {Path(each.audio).name: each.reason for each in rejected}
    assert reasons == {
        "metadata.csv line 4": "there is no recording 'missing' beside the list or in wavs",
        "a.wav": "the id a is taken already",
        "metadata.csv line 6": "has 3 columns, expected wav|text or wav|speaker|language|text",
        "d.wav": "speaker is empty",
        "metadata.csv line 8": "names no recording",
        "e.wav": "its text '...' has neither letters nor digits",
    }
