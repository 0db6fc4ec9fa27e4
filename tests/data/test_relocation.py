"""A manifest written elsewhere names the same recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant.data.manifest import Utterance, audio_path
from sonorant.data.relocation import relocated


def said(audio: str) -> Utterance:
    return Utterance(id="a", audio=audio, text="x", speaker="anna", language="en", duration_s=1.0)


@pytest.mark.parametrize("target", ["other.jsonl", "below/m.jsonl", "../beside/m.jsonl", "../up.jsonl"])
@pytest.mark.parametrize("audio", ["a.wav", "audio/a.wav", "../shared/a.wav", "/data/a.wav"])
def test_recordings_are_found_from_the_new_place(tmp_path: Path, audio: str, target: str) -> None:
    source, moved = tmp_path / "corpus" / "m.jsonl", tmp_path / "corpus" / target
    utterance = said(audio)
    (found,) = relocated([utterance], source=source, target=moved)
    assert audio_path(moved, found).resolve() == audio_path(source, utterance).resolve()
    assert Path(found.audio).is_absolute() == Path(audio).is_absolute()


def test_in_the_same_folder_nothing_changes(tmp_path: Path) -> None:
    utterances = [said("./x/../a.wav")]
    assert relocated(utterances, source=tmp_path / "a.jsonl", target=tmp_path / "b.jsonl") == utterances
