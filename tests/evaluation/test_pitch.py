"""A pitch that is known is found, and a shift is measured in cents."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.pitch import HOP, PitchTracker
from sonorant.audio.resample import resample
from sonorant.errors import AudioError
from sonorant.evaluation.pitch import PitchDifference, pitch_difference
from tests.evaluation.voices import RATE_HZ, faster, melody, noise, vowel


@pytest.fixture(scope="module")
def tracker() -> PitchTracker:
    return PitchTracker()


def diagonal(n_frames: int) -> np.ndarray:
    return np.stack([np.arange(n_frames)] * 2, axis=1)


@pytest.mark.parametrize("middle_hz", [90.0, 150.0, 260.0])
def test_the_pitch_of_a_voice_is_found_where_it_is(tracker: PitchTracker, middle_hz: float) -> None:
    curve_hz = melody(middle_hz)
    found_hz = tracker(vowel(curve_hz), RATE_HZ)
    true_hz = curve_hz[np.minimum(np.arange(len(found_hz)) * HOP, len(curve_hz) - 1)]
    assert len(found_hz) == 1 + len(curve_hz) // HOP
    assert (found_hz[5:-5] > 0).all()
    assert np.abs(1200 * np.log2(found_hz[5:-5] / true_hz[5:-5])).mean() < 10


def test_silence_and_noise_have_no_pitch(tracker: PitchTracker) -> None:
    assert not tracker(np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ).any()
    assert (tracker(noise(1.0), RATE_HZ) > 0).mean() < 0.1


@pytest.mark.parametrize("sample_rate_hz", [8_000, 22_050, 48_000])
def test_the_sample_rate_does_not_matter(tracker: PitchTracker, sample_rate_hz: int) -> None:
    samples = vowel(melody(150.0))
    other = resample(samples, from_hz=RATE_HZ, to_hz=sample_rate_hz)
    here, there = tracker(samples, RATE_HZ), tracker(other, sample_rate_hz)
    n_frames = min(len(here), len(there))
    assert pitch_difference(here[:n_frames], there[:n_frames], diagonal(n_frames)).rmse_cents < 10


def test_a_recording_does_not_differ_from_itself(tracker: PitchTracker, sentences: list[Samples]) -> None:
    found_hz = tracker(sentences[0], RATE_HZ)
    difference = pitch_difference(found_hz, tracker(sentences[0], RATE_HZ), diagonal(len(found_hz)))
    assert difference.n_voiced > 30
    assert (difference.rmse_cents, difference.voicing_error) == (0, 0)


@pytest.mark.parametrize("semitones", [-3, 1, 4])
def test_a_voice_at_another_pitch_differs_by_its_shift(tracker: PitchTracker, semitones: int) -> None:
    curve_hz = melody(160.0)
    low_hz, high_hz = (tracker(vowel(curve_hz * 2 ** (n / 12)), RATE_HZ) for n in (0, semitones))
    difference = pitch_difference(low_hz, high_hz, diagonal(len(low_hz)))
    assert difference.rmse_cents == pytest.approx(100 * abs(semitones), abs=10)
    assert difference.voicing_error < 0.05


def test_speech_played_higher_differs_by_its_shift(tracker: PitchTracker, sentences: list[Samples]) -> None:
    said_hz = tracker(faster(sentences[0], semitones=3), RATE_HZ)
    recorded_hz = tracker(sentences[0], RATE_HZ)
    frames = np.arange(len(said_hz) - 1)
    recorded_hz = recorded_hz[np.round(frames * 2 ** (3 / 12)).astype(int)]
    both = (said_hz[:-1] > 0) & (recorded_hz > 0)
    assert np.median(1200 * np.log2(said_hz[:-1][both] / recorded_hz[both])) == pytest.approx(300, abs=10)


def test_frames_voiced_in_one_alone_are_counted_apart() -> None:
    said_hz, recorded_hz = np.array([100.0, 0, 200, 0]), np.array([200.0, 100, 200, 0])
    difference = pitch_difference(said_hz, recorded_hz, diagonal(4))
    assert difference == PitchDifference(squared_cents=1200.0**2, n_voiced=2, n_unlike=1, n_pairs=4)
    assert difference.rmse_cents == pytest.approx(1200 / np.sqrt(2))
    assert difference.voicing_error == 0.25


def test_without_a_voiced_pair_there_is_no_distance() -> None:
    difference = pitch_difference(np.zeros(3), np.full(3, 100.0), diagonal(3))
    assert np.isnan(difference.rmse_cents)
    assert difference.voicing_error == 1


def test_a_recording_without_samples_is_refused(tracker: PitchTracker) -> None:
    with pytest.raises(AudioError, match="without samples"):
        tracker(np.zeros(0, dtype=np.float32), RATE_HZ)
