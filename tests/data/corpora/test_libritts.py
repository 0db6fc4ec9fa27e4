"""LibriTTS in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

from sonorant.data.corpora import import_corpus
from tests.data.corpora import fakes


def test_subsets_become_splits(tmp_path: Path) -> None:
    fakes.libritts(tmp_path / "LibriTTS")
    imported = import_corpus("libritts", tmp_path / "LibriTTS", tmp_path / "out")
    assert {(each.id, each.speaker, each.split) for each in imported.utterances} == {
        ("103_1241_000000_000001", "103", "train"),
        ("84_1241_000000_000001", "84", "validation"),
        ("367_1241_000000_000001", "367", "test"),
    }
    assert {each.text for each in imported.utterances} == {"Mister Smith came at ten."}


def test_one_subset_may_be_given(tmp_path: Path) -> None:
    fakes.libritts(tmp_path)
    (utterance,) = import_corpus("libritts", tmp_path / "dev-clean", tmp_path / "out").utterances
    assert (utterance.speaker, utterance.split) == ("84", "validation")


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.libritts(tmp_path / "LibriTTS")
    rejected = import_corpus("libritts", tmp_path / "LibriTTS", tmp_path / "out").rejected
    reasons = {Path(each.audio).name: each.reason for each in rejected}
    assert "normalized.txt: cannot be read (No such file" in reasons.pop("103_1241_000000_000002.wav")
    assert reasons == {"103_1241_000000_000003.wav": "shorter than 0.3 s: 0.10 s"}
