"""Common Voice in its layout becomes utterances, and what is broken is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.data.corpora import import_corpus
from sonorant.errors import CorpusError
from tests.data.corpora import fakes


def test_every_clip_is_read_once_and_keeps_its_split(tmp_path: Path) -> None:
    fakes.common_voice(tmp_path / "en")
    imported = import_corpus("common_voice", tmp_path / "en", tmp_path / "out")
    assert {each.id: (each.text, each.split, each.language) for each in imported.utterances} == {
        "common_voice_en_1": ("The first sentence.", "train", "en-us"),
        "common_voice_en_2": ('He said "no" twice.', "test", "en-us"),
        "common_voice_en_3": ("By the speaker of the tests.", "test", "en-us"),
    }


def test_speakers_get_short_names_of_their_own(tmp_path: Path) -> None:
    fakes.common_voice(tmp_path / "en")
    speakers = [each.speaker for each in import_corpus("common_voice", tmp_path / "en", tmp_path / "out").utterances]
    assert len(set(speakers)) == 2
    assert all(len(speaker) < 20 for speaker in speakers)


def test_older_releases_have_other_columns(tmp_path: Path) -> None:
    fakes.sound(tmp_path / "ko" / "clips" / "common_voice_ko_1.mp3", rate_hz=48000)
    fakes.write(
        tmp_path / "ko" / "validated.tsv",
        "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent",
        "abc\tcommon_voice_ko_1.mp3\t안녕하세요.\t2\t0\t\t\t",
    )
    (utterance,) = import_corpus("common_voice", tmp_path / "ko", tmp_path / "out").utterances
    assert (utterance.text, utterance.language) == ("안녕하세요.", "ko")


def test_a_table_without_its_header_is_refused(tmp_path: Path) -> None:
    fakes.write(tmp_path / "en" / "train.tsv", "abc\tcommon_voice_en_1.mp3\tThe first sentence.")
    with pytest.raises(CorpusError, match=r"train\.tsv: its first line has no column 'client_id'"):
        import_corpus("common_voice", tmp_path / "en", tmp_path / "out")


def test_broken_rows_are_named(tmp_path: Path) -> None:
    fakes.common_voice(tmp_path / "en")
    rejected = import_corpus("common_voice", tmp_path / "en", tmp_path / "out").rejected
    reasons = {Path(each.audio).name: each.reason for each in rejected}
    assert reasons.pop("validated.tsv line 7").startswith("has 3 columns, expected 13: client_id, path,")
    assert reasons == {
        "common_voice_en_4.mp3": "no such file",
        "common_voice_en_5.mp3": "its text is empty",
        "common_voice_en_7.mp3": "speaker is empty",
    }
