"""Loudness follows BS.1770, also where there is little to measure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.loudness import loudness_lufs


def tone(duration_s: float, *, amplitude: float = 1.0, sample_rate_hz: int = 48_000) -> Samples:
    times = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    return (amplitude * np.sin(2 * np.pi * 997 * times)).astype(np.float32)


def test_a_full_scale_tone_has_the_loudness_of_the_standard() -> None:
    """BS.1770-4, annex 1: a 0 dB FS sine of 997 Hz in one channel reads -3.01 LKFS."""
    assert loudness_lufs(tone(2.0), 48_000) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 22_050, 44_100])
def test_loudness_hardly_depends_on_the_sample_rate(sample_rate_hz: int) -> None:
    samples = tone(2.0, sample_rate_hz=sample_rate_hz)
    assert loudness_lufs(samples, sample_rate_hz) == pytest.approx(-3.01, abs=0.2)


def test_half_the_amplitude_is_six_decibels_less() -> None:
    samples = tone(1.0, amplitude=0.5)
    assert loudness_lufs(samples, 48_000) - loudness_lufs(samples / 2, 48_000) == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize("n_samples", [960, 4_801, 12_345, 19_199, 19_200, 19_201, 20_000])
def test_a_short_tone_is_about_as_loud_as_a_long_one(n_samples: int) -> None:
    samples = tone(1.0)[:n_samples]
    assert loudness_lufs(samples, 48_000) == pytest.approx(-3.01, abs=0.5)


def test_silence_around_a_tone_does_not_make_it_quieter() -> None:
    """The gates leave it out."""
    silence = np.zeros(96_000, dtype=np.float32)
    padded = np.concatenate([silence, tone(4.0), silence])
    assert loudness_lufs(padded, 48_000) == pytest.approx(loudness_lufs(tone(4.0), 48_000), abs=0.5)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 100, 48_000])
def test_silence_has_no_loudness(n_samples: int) -> None:
    assert loudness_lufs(np.zeros(n_samples, dtype=np.float32), 48_000) == -math.inf
    assert loudness_lufs(np.full(n_samples, 1e-6, dtype=np.float32), 48_000) == -math.inf
