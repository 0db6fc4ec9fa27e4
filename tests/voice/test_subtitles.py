"""Times as files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sonorant import Voice
from sonorant.voice import subtitles
from sonorant.voice.speech import Speech, TimedSentence, TimedWord, Timeline


@pytest.fixture(scope="module")
def speech(tiny: Voice) -> Speech:
    return tiny.say('He said "yes" & left. ' + "Then one more word, and another, " * 8 + "came.", seed=1)


def written(tmp_path: Path, speech: Speech, suffix: str) -> str:
    path = tmp_path / f"a{suffix}"
    timeline = Timeline(speech.words, speech.phonemes, speech.sentences)
    subtitles.write(path, timeline, duration_s=speech.duration_s)
    return path.read_text(encoding="utf-8")


def test_srt_is_numbered_and_clocked(tmp_path: Path, speech: Speech) -> None:
    blocks = written(tmp_path, speech, ".srt").strip().split("\n\n")
    for number, block in enumerate(blocks, start=1):
        index, clock, text = block.split("\n")
        assert int(index) == number
        assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", clock)
        assert 0 < len(text) <= 84
    assert len(blocks) > 3
    assert blocks[0].endswith('He said "yes" & left.')


def test_cues_hold_all_the_text(speech: Speech) -> None:
    timeline = Timeline(speech.words, speech.phonemes, speech.sentences)
    assert (
        " ".join(c.text for c in subtitles.cues(timeline)).split() == " ".join(s.text for s in speech.sentences).split()
    )


def test_vtt_escapes(tmp_path: Path, speech: Speech) -> None:
    text = written(tmp_path, speech, ".vtt")
    assert text.startswith("WEBVTT\n\n")
    assert "&amp;" in text
    assert "," not in text.splitlines()[2]


def test_json_holds_everything(tmp_path: Path, speech: Speech) -> None:
    data = json.loads(written(tmp_path, speech, ".json"))
    assert [word["text"] for word in data["words"]] == [word.text for word in speech.words]
    assert data["duration_s"] == pytest.approx(speech.duration_s, abs=1e-3)
    assert set(data["words"][0]) == {"text", "phonemes", "start_s", "end_s"}


def test_textgrid_tiers_fill_the_time(tmp_path: Path, speech: Speech) -> None:
    text = written(tmp_path, speech, ".TextGrid")
    for tier in re.split(r"item \[\d\]:", text)[1:]:
        bounds = [
            float(value)
            for value in re.findall(r"intervals \[\d+\]:\s+xmin = ([\d.]+)\s+xmax = ([\d.]+)", tier)
            for value in value
        ]
        assert bounds[0] == 0
        assert bounds[-1] == pytest.approx(speech.duration_s, abs=1e-5)
        assert bounds[1:-1:2] == bounds[2::2]
    assert '"He said ""yes"" & left."' in text


def test_hours_and_rounding() -> None:
    word = TimedWord("a", "a", 3599.9996, 3601)
    timeline = Timeline((word,), (), (TimedSentence("a", 3599.9996, 3601),))
    assert "01:00:00,000 --> 01:00:01,000" in subtitles._srt(timeline, 3601)
