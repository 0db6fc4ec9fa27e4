"""Pictures show what sounds when."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sonorant.evaluation.pictures import draw, mel_levels_db
from tests.data.tones import RATE_HZ, tone


def test_levels_lie_below_the_loudest_and_fall_in_silence() -> None:
    levels = mel_levels_db(tone(1.0, before_s=0.5, after_s=0.5), RATE_HZ)
    assert levels.shape == (96, pytest.approx(2.0 * 22_050 / 256, abs=3))
    assert levels.max() == 0
    quarter = levels.shape[1] // 4
    assert levels[:, quarter : 3 * quarter].max(axis=0).min() > -20
    assert levels[:, : quarter - 4].max() < -60


def test_the_same_sound_has_the_same_picture() -> None:
    f0_hz = np.full(126, 200.0)
    first, second = (draw(tone(0.8), RATE_HZ, f0_hz=f0_hz, length_s=2.0) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (800, 416)


def test_silence_can_be_drawn() -> None:
    assert draw(np.zeros(10, np.float32), RATE_HZ, f0_hz=np.zeros(1), length_s=1.0)
