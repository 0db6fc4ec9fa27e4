"""Speech is found where somebody speaks."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant import Voice
from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.audio.speech_activity import Span, SpeechActivity, dips

RATE_HZ = 16000


@pytest.fixture(scope="module")
def activity() -> SpeechActivity:
    return SpeechActivity()


@pytest.fixture(scope="module")
def sentence(joe: Voice) -> Samples:
    """A voice that says a sentence, at 16 kHz, the silence at its ends cut off."""
    said = joe.say("This is a sentence.", seed=0)
    samples = resample(said.samples, from_hz=said.sample_rate_hz, to_hz=RATE_HZ)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    return samples[loud[0] : loud[-1]]


def silence(duration_s: float) -> Samples:
    """A quiet room."""
    return np.random.default_rng(0).normal(0, 1e-4, round(duration_s * RATE_HZ)).astype(np.float32)


def tone(duration_s: float, *, amplitude: float = 0.2) -> Samples:
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * 300 * times)).astype(np.float32)


def test_speech_starts_and_ends_where_it_does(activity: SpeechActivity, sentence: Samples) -> None:
    found = activity(np.concatenate([silence(0.7), sentence, silence(1.1)]), RATE_HZ)
    assert found[0].start_s == pytest.approx(0.7, abs=0.04)
    assert found[-1].end_s == pytest.approx(0.7 + len(sentence) / RATE_HZ, abs=0.08)


def test_the_rate_of_the_recording_does_not_matter(activity: SpeechActivity, sentence: Samples) -> None:
    recording = np.concatenate([silence(0.5), sentence, silence(0.5)])
    found = activity(recording, RATE_HZ)
    again = activity(resample(recording, from_hz=RATE_HZ, to_hz=44100), 44100)
    assert [again[0].start_s, again[-1].end_s] == pytest.approx([found[0].start_s, found[-1].end_s], abs=0.03)


def test_sentences_are_apart(activity: SpeechActivity, sentence: Samples) -> None:
    found = activity(np.concatenate([sentence, silence(0.6), sentence]), RATE_HZ)
    middle_s = len(sentence) / RATE_HZ + 0.3
    assert [span for span in found if span.start_s < middle_s < span.end_s] == []
    assert found[0].end_s < middle_s < found[-1].start_s


def test_a_tone_beside_speech_is_no_speech(activity: SpeechActivity, sentence: Samples) -> None:
    found = activity(np.concatenate([tone(0.8), silence(0.5), sentence, silence(0.5), tone(0.8)]), RATE_HZ)
    assert found[0].start_s == pytest.approx(1.3, abs=0.04)
    assert found[-1].end_s == pytest.approx(1.3 + len(sentence) / RATE_HZ, abs=0.08)


def test_where_no_speech_is_heard_the_level_decides(activity: SpeechActivity) -> None:
    (found,) = activity(np.concatenate([silence(0.3), tone(0.25), silence(0.4)]), RATE_HZ)
    assert found.start_s == pytest.approx(0.3, abs=0.011)
    assert found.end_s == pytest.approx(0.55, abs=0.011)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(20000, np.float32), silence(1.0)])
def test_silence_holds_no_speech(activity: SpeechActivity, samples: Samples) -> None:
    assert activity(samples, RATE_HZ) == []


def test_a_click_is_no_speech(activity: SpeechActivity) -> None:
    assert activity(np.concatenate([silence(0.5), tone(0.015), silence(0.5)]), RATE_HZ) == []


def test_dips_are_found_where_they_are() -> None:
    recording = np.concatenate([tone(0.5), silence(0.2), tone(0.4), silence(0.08), tone(0.3)])
    first, second = dips(recording, RATE_HZ, within=Span(0.0, len(recording) / RATE_HZ))
    assert [first.span.start_s, first.span.end_s] == pytest.approx([0.5, 0.7], abs=0.011)
    assert [second.span.start_s, second.span.end_s] == pytest.approx([1.1, 1.18], abs=0.011)
    assert first.span.start_s < first.quietest_s < first.span.end_s


def test_a_dip_at_an_end_is_none() -> None:
    recording = np.concatenate([silence(0.2), tone(0.5), silence(0.2)])
    assert dips(recording, RATE_HZ, within=Span(0.0, 0.9)) == []
    assert dips(recording, RATE_HZ, within=Span(0.2, 0.2)) == []
