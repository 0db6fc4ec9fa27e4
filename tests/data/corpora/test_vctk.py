"""VCTK in its layouts becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

from sonorant.data.corpora import import_corpus
from tests.data.corpora import fakes


def test_accents_become_languages(tmp_path: Path) -> None:
    fakes.vctk(tmp_path / "VCTK-Corpus-0.92")
    imported = import_corpus("vctk", tmp_path / "VCTK-Corpus-0.92", tmp_path / "out")
    assert {each.speaker: each.language for each in imported.utterances} == {
        "p225": "en-gb",
        "p252": "en-gb-scotland",
        "p294": "en-us",
        "s5": "en-gb",
    }


def test_only_the_first_microphone_is_used(tmp_path: Path) -> None:
    fakes.vctk(tmp_path / "VCTK-Corpus-0.92")
    imported = import_corpus("vctk", tmp_path / "VCTK-Corpus-0.92", tmp_path / "out")
    assert {Path(each.audio).name for each in imported.utterances} == {
        "p225_001_mic1.flac",
        "p252_003_mic1.flac",
        "p294_002_mic1.flac",
        "s5_001_mic1.flac",
    }
    assert imported.utterances[0].text == "Please call p225."


def test_the_older_layout_is_read(tmp_path: Path) -> None:
    root = tmp_path / "VCTK-Corpus"
    fakes.sound(root / "wav48" / "p225" / "p225_001.wav")
    fakes.write(root / "txt" / "p225" / "p225_001.txt", "Please call Stella.")
    fakes.write(root / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION", "225  23  F    American    Ohio")
    (utterance,) = import_corpus("vctk", root, tmp_path / "out").utterances
    assert (utterance.id, utterance.speaker, utterance.language) == ("p225_001", "p225", "en-us")


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.vctk(tmp_path / "VCTK-Corpus-0.92")
    rejected = import_corpus("vctk", tmp_path / "VCTK-Corpus-0.92", tmp_path / "out").rejected
    reasons = {Path(each.audio).name: each.reason for each in rejected}
    assert "p225_003.txt: is not UTF-8 at byte 3" in reasons.pop("p225_003_mic1.flac")
    assert reasons == {
        "p225_002_mic1.flac": "its text is empty",
        "p315_001_mic1.flac": "the recording has no text",
        "p362_009_mic1.flac": "no such file",
    }
