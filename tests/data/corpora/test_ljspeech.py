"""LJ Speech in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

from sonorant.data.corpora import import_corpus
from tests.data.corpora import fakes


def test_the_text_is_what_is_said(tmp_path: Path) -> None:
    fakes.ljspeech(tmp_path / "LJSpeech-1.1")
    imported = import_corpus("ljspeech", tmp_path / "LJSpeech-1.1", tmp_path / "out")
    assert {each.id: each.text for each in imported.utterances} == {
        "LJ001-0001": "Printing, in fourteen forty,",
        "LJ001-0002": 'in being "comparatively" modern.',
    }
    assert {(each.speaker, each.language, each.licence) for each in imported.utterances} == {
        ("lj", "en-us", "public domain")
    }


def test_broken_rows_are_named(tmp_path: Path) -> None:
    root = tmp_path / "LJSpeech-1.1"
    fakes.ljspeech(root)
    rejected = import_corpus("ljspeech", root, tmp_path / "out").rejected
    reasons = {Path(each.audio).name: each.reason for each in rejected}
    assert reasons.pop("LJ001-0006.wav").startswith("cannot be read as audio")
    assert reasons == {
        "LJ001-0003.wav": "no such file",
        "LJ001-0004.wav": "its text is empty",
        "metadata.csv line 5": "has 2 columns, expected 3: id, printed, said",
    }
