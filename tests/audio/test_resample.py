"""A sound at another rate is the same sound."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant.audio.resample import resample


def sine(rate_hz: int, *, pitch_hz: float = 440.0, duration_s: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(rate_hz * duration_s)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48000, 16000), (22050, 16000), (8000, 16000), (16000, 44100)])
def test_a_sine_keeps_its_pitch_and_level(from_hz: int, to_hz: int) -> None:
    out = resample(sine(from_hz), from_hz=from_hz, to_hz=to_hz)
    assert out.dtype == np.float32
    assert len(out) == pytest.approx(to_hz // 2, abs=1)
    middle = slice(to_hz // 8, -to_hz // 8)
    np.testing.assert_allclose(out[middle], sine(to_hz)[middle], atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    out = resample(sine(48000, pitch_hz=12000), from_hz=48000, to_hz=16000)
    assert np.abs(out[1000:-1000]).max() < 1e-3


def test_the_same_rate_changes_nothing() -> None:
    samples = sine(16000)
    assert resample(samples, from_hz=16000, to_hz=16000) is samples
