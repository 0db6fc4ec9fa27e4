"""Distortion is of timbre: not of level, and hardly of pitch."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.pitch import PitchTracker
from sonorant.evaluation.cepstra import Cepstra, distortions_db, mel_cepstra
from tests.evaluation.voices import FORMANTS_I, RATE_HZ, noise, vowel


@pytest.fixture(scope="module")
def tracker() -> PitchTracker:
    return PitchTracker()


def cepstra(tracker: PitchTracker, samples: Samples) -> Cepstra:
    return mel_cepstra(samples, RATE_HZ, f0_hz=tracker(samples, RATE_HZ))


def mean_db(said: Cepstra, recorded: Cepstra) -> float:
    path = np.stack([np.arange(5, len(said) - 5)] * 2, axis=1)
    return float(distortions_db(said, recorded, path).mean())


def test_a_recording_has_no_distortion_beside_itself(tracker: PitchTracker, sentences: list[Samples]) -> None:
    assert mean_db(cepstra(tracker, sentences[0]), cepstra(tracker, sentences[0].copy())) == 0


def test_level_is_no_distortion(tracker: PitchTracker, sentences: list[Samples]) -> None:
    f0_hz = tracker(sentences[0], RATE_HZ)
    loud, quiet = (mel_cepstra(gain * sentences[0], RATE_HZ, f0_hz=f0_hz) for gain in (1.0, 0.1))
    assert mean_db(loud, quiet) < 0.01


@pytest.mark.parametrize("pitch_hz", [110.0, 220.0])
def test_another_vowel_is_much_further_than_another_pitch(tracker: PitchTracker, pitch_hz: float) -> None:
    steady = np.full(RATE_HZ, pitch_hz)
    vowel_a = cepstra(tracker, vowel(steady))
    higher = cepstra(tracker, vowel(steady * 2 ** (4 / 12)))
    vowel_i = cepstra(tracker, vowel(steady, formants=FORMANTS_I))
    assert mean_db(vowel_a, vowel_i) > 3 * mean_db(vowel_a, higher)


def test_a_ripple_of_the_spectrum_distorts_by_its_own_level() -> None:
    # ln(A) that differs by a * cos(...) differs by 20 / ln(10) * a * cos(...) in dB: a root mean square of 3 dB.
    flat, rippled = np.zeros((2, 24)), np.zeros((2, 24))
    rippled[:, 6] = 3 * np.sqrt(2) * np.log(10) / 20
    path = np.stack([np.arange(2)] * 2, axis=1)
    assert distortions_db(flat, rippled, path) == pytest.approx(3)


def test_a_filter_distorts_by_its_own_response(tracker: PitchTracker) -> None:
    samples = noise(3)
    echoed = samples + 0.5 * np.concatenate([np.zeros(2, dtype=np.float32), samples[:-2]])
    change = (cepstra(tracker, echoed) - cepstra(tracker, samples))[5:-5].mean(axis=0)
    # The response of the echo where the mel bands lie, without its mean, the level.
    band_hz = librosa.mel_frequencies(82, fmin=0, fmax=RATE_HZ / 2)[1:-1]
    response_db = 20 * np.log10(np.abs(1 + 0.5 * np.exp(-2j * np.pi * band_hz * 2 / RATE_HZ)))
    found_db = distortions_db(change[None], np.zeros((1, 24)), np.zeros((1, 2), dtype=np.int64))[0]
    assert found_db == pytest.approx(response_db.std(), rel=0.1)


def test_silence_has_cepstra(tracker: PitchTracker) -> None:
    silent = cepstra(tracker, np.zeros(RATE_HZ, dtype=np.float32))
    assert np.isfinite(silent).all()
    assert np.abs(silent).max() < 0.5
