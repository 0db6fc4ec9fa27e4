"""The time speech takes is that between its first sound and its last."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.speech_activity import Span, SpeechActivity
from sonorant.errors import AudioError
from sonorant.evaluation.durations import duration_error, part_of, spoken_part
from tests.evaluation.voices import RATE_HZ


@pytest.fixture(scope="module")
def activity() -> SpeechActivity:
    return SpeechActivity()


def test_silence_around_speech_does_not_count(activity: SpeechActivity, sentences: list[Samples]) -> None:
    bare = spoken_part(sentences[0], RATE_HZ, activity)
    silence = np.zeros(RATE_HZ, dtype=np.float32)
    padded = spoken_part(np.concatenate([silence, sentences[0], silence]), RATE_HZ, activity)
    assert duration_error(padded, bare).ratio == pytest.approx(1, abs=0.02)
    assert padded.start_s == pytest.approx(1 + bare.start_s, abs=0.02)


def test_pauses_within_speech_count(activity: SpeechActivity, sentences: list[Samples]) -> None:
    bare = spoken_part(sentences[0], RATE_HZ, activity)
    silence = np.zeros(RATE_HZ, dtype=np.float32)
    twice = spoken_part(np.concatenate([sentences[0], silence, sentences[0]]), RATE_HZ, activity)
    assert twice.duration_s == pytest.approx(1 + len(sentences[0]) / RATE_HZ + bare.duration_s, abs=0.05)


def test_equal_durations_have_no_error() -> None:
    error = duration_error(Span(0.2, 1.2), Span(3.0, 4.0))
    assert error.ratio == pytest.approx(1)
    assert error.log_ratio == pytest.approx(0)


def test_half_is_as_wrong_as_twice() -> None:
    half, twice = duration_error(Span(0, 1), Span(0, 2)), duration_error(Span(0, 2), Span(0, 1))
    assert (half.ratio, twice.ratio) == (0.5, 2)
    assert half.log_ratio == pytest.approx(twice.log_ratio)
    assert twice.log_ratio == pytest.approx(np.log(2))


def test_a_part_is_cut_to_the_sample() -> None:
    samples = np.arange(100, dtype=np.float32)
    assert part_of(samples, 100, Span(0.1, 0.25)).tolist() == list(range(10, 25))


def test_a_silent_recording_is_refused(activity: SpeechActivity) -> None:
    with pytest.raises(AudioError, match=r"nothing is said in a recording of 1\.00 s"):
        spoken_part(np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ, activity)
