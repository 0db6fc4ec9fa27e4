"""Who says what is known before anything is said."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sonorant.data.manifest import write_manifest
from sonorant.errors import CorpusError, TextError, VoiceError
from sonorant.evaluation.held_out import HeldOut, read_held_out
from sonorant.evaluation.plan import Part, plan
from sonorant.evaluation.texts import Texts, read_texts
from tests.data.tones import tone, write_utterance


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    for name in ("en", "es"):
        (tmp_path / name).write_text("One.\nTwo.", encoding="utf-8")
    return read_texts([f"en={tmp_path / 'en'}", f"es={tmp_path / 'es'}"])


def recordings(folder: Path, *people: tuple[str, str], text: str = "One.") -> HeldOut:
    """One recording of each speaker in a language."""
    utterances = [
        replace(
            write_utterance(folder, f"r{i}", tone(0.2), text=text, speaker=speaker, language=language), split="test"
        )
        for i, (speaker, language) in enumerate(people)
    ]
    write_manifest(folder / "manifest.jsonl", utterances)
    return read_held_out(folder / "manifest.jsonl")


def rows(parts: Sequence[Part]) -> list[tuple[str | None, str, str, str, str | None]]:
    return [
        (part.voice, part.speaker, part.language, "recorded" if part.is_recorded else "new", part.beside)
        for part in parts
    ]


@pytest.mark.usefixtures("tiny_folder")
class TestTheTinyVoice:
    def test_each_speaker_says_the_texts_of_its_language(self, texts: Texts) -> None:
        assert rows(plan(["tiny"], texts, {})) == [
            ("tiny", "first", "en-us", "new", None),
            ("tiny", "second", "en-us", "new", None),
        ]

    def test_speakers_say_those_of_other_languages_when_asked(self, texts: Texts) -> None:
        found = rows(plan(["tiny"], texts, {}, speakers=["second"], every_language=True))
        assert [row[1:3] for row in found] == [("second", "en-us"), ("second", "es")]

    def test_a_recorded_speaker_is_compared_with_itself(self, texts: Texts, tmp_path: Path) -> None:
        held_out = recordings(tmp_path, ("anna", "en-us"), ("second", "en-gb"))
        assert rows(plan(["tiny"], texts, held_out)) == [
            (None, "second", "en-gb", "recorded", "second"),
            ("tiny", "second", "en-us", "recorded", "second"),
            ("tiny", "second", "en-us", "new", "second"),
        ]

    def test_a_stranger_is_compared_with_the_first_of_its_language(self, texts: Texts, tmp_path: Path) -> None:
        held_out = recordings(tmp_path, ("carlo", "it"), ("anna", "en-us"), ("bert", "en-us"))
        assert rows(plan(["tiny"], texts, held_out)) == [
            (None, "anna", "en-us", "recorded", "anna"),
            ("tiny", "first", "en-us", "recorded", "anna"),
            ("tiny", "first", "en-us", "new", "anna"),
        ]

    def test_a_text_without_a_word_is_found_before_the_work(self, texts: Texts, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="r0: no word is said"):
            plan(["tiny"], texts, recordings(tmp_path, ("anna", "en-us"), text="…"))

    def test_what_nobody_has_is_refused(self, texts: Texts, tmp_path: Path) -> None:
        with pytest.raises(VoiceError, match="no voice has the speaker 'nobody'; there are first, second"):
            plan(["tiny"], texts, {}, speakers=["nobody"])
        with pytest.raises(VoiceError, match="has no speaker anna; it has first, second"):
            plan(["tiny"], texts, recordings(tmp_path, ("anna", "en-us")), speakers=["anna"])
        with pytest.raises(TextError, match="speaks en-us, es, but there is no text in that"):
            plan(["tiny"], Texts({"ru": texts.sets["es"]}), {})

    def test_a_voice_is_given_once_and_two_of_one_name_are_told_apart(
        self, texts: Texts, tiny_folder: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(VoiceError, match="is given twice"):
            plan(["tiny", str(tiny_folder)], texts, {})
        copy = shutil.copytree(tiny_folder, tmp_path / "copy")
        found = plan(["tiny", str(copy)], texts, {}, speakers=["first"])
        assert [part.voice for part in found] == ["tiny", str(copy)]


def test_a_voice_of_one_speaker_is_compared_with_all_who_are_asked_for(
    joe_folder: Path, texts: Texts, tmp_path: Path
) -> None:
    held_out = recordings(tmp_path, ("anna", "en-us"), ("bert", "en-us"), ("carl", "en-us"))
    found = rows(plan(["joe"], texts, held_out, speakers=["bert", "carl"]))
    assert [row[4] for row in found if row[0] == "joe"] == ["bert", "carl", "bert"]


def test_without_voices_all_recordings_are_rows(tmp_path: Path) -> None:
    held_out = recordings(tmp_path, ("anna", "en-us"), ("carlo", "it"))
    assert [row[1] for row in rows(plan([], Texts({}), held_out))] == ["anna", "carlo"]
