"""The voice that comes with the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sonorant import Voice, load_voice
from sonorant.cli.main import main
from sonorant.voice import check, default

SENTENCES = {
    "en-us": "Good morning.",
    "es-419": "Buenos días.",
    "fr-fr": "Bonjour.",
    "it": "Buongiorno.",
    "ru": "Доброе утро.",
}


@pytest.fixture(scope="module")
def own() -> Voice:
    return load_voice()


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONORANT_HOME", str(tmp_path))
    return tmp_path


def test_it_is_found_without_a_name_and_by_its_own(own: Voice, empty_home: Path) -> None:
    assert own.bundle.folder == load_voice(default.NAME).bundle.folder == default.folder()
    assert not list(empty_home.iterdir())


def test_it_passes_its_self_test(own: Voice) -> None:
    assert check.run(own).passed


def test_it_is_small_and_says_what_it_is(own: Voice) -> None:
    files = {path.name: path.stat().st_size for path in default.folder().iterdir()}
    assert sum(files.values()) < 40e6
    card = (default.folder() / "README.md").read_text(encoding="utf-8")
    for word in ("CC BY-SA 3.0", "How it was trained", "What it cannot do", *own.speakers):
        assert word in card, word


def test_each_language_has_a_speaker_of_its_own(own: Voice) -> None:
    assert set(own.languages) == set(SENTENCES)
    assert len(own.speakers) == 5
    natives = {own.manifest.native_language(speaker) for speaker in own.speakers}
    assert natives == set(own.languages)
    for language, sentence in SENTENCES.items():
        speech = own.say(sentence, language=language, seed=1)
        assert speech.duration_s > 0.4
        assert np.abs(speech.samples).max() > 0.02
        assert not speech.unknown


def test_it_converts_speech_among_its_speakers(own: Voice) -> None:
    said = own.say("Good morning.", seed=1)
    first, second = own.speakers[:2]
    converted = own.convert(said.samples, said.sample_rate_hz, source=first, speaker=second, seed=1)
    assert abs(converted.duration_s - said.duration_s) < 0.05


def test_the_list_of_voices_has_it(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "list"]) == 0
    assert default.NAME in capsys.readouterr().out
    assert json.loads((default.folder() / "voice.json").read_text(encoding="utf-8"))["licence"]
