"""Speech beside a recording: nothing differs in a copy, and each measure sees its own kind of difference."""

from __future__ import annotations

import numpy as np
import pytest
import pyworld

from sonorant import Voice
from sonorant.audio.io import Samples
from sonorant.audio.pitch import HOP, PitchTracker
from sonorant.evaluation.comparison import Comparer, compare
from tests.evaluation.conftest import TEXTS
from tests.evaluation.voices import RATE_HZ


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    return Comparer()


def test_a_copy_does_not_differ(comparer: Comparer, sentences: list[Samples]) -> None:
    found = compare(comparer.measure(sentences[0], RATE_HZ), comparer.measure(sentences[0].copy(), RATE_HZ))
    assert found.distortion_db == 0
    assert (found.pitch.rmse_cents, found.pitch.voicing_error) == (0, 0)
    assert found.duration.log_ratio == 0


def test_a_slower_copy_differs_in_duration_most(comparer: Comparer, joe: Voice, sentences: list[Samples]) -> None:
    slow = joe.say(TEXTS[0], seed=0, length_scale=1.5)
    one, other = (comparer.measure(samples, RATE_HZ) for samples in sentences)
    slower = comparer.measure(slow.samples, slow.sample_rate_hz)
    found = compare(slower, one)
    assert found.duration.ratio > 1.2
    assert found.distortion_db < 0.8 * compare(other, one).distortion_db


def test_a_copy_at_another_pitch_differs_by_its_shift(comparer: Comparer, sentences: list[Samples]) -> None:
    # WORLD says the sentence again with its own envelope, at another pitch.
    period_ms = 1000 * HOP / RATE_HZ
    spoken, f0_hz = sentences[0].astype(np.float64), PitchTracker()(sentences[0], RATE_HZ)
    times_s = np.arange(len(f0_hz)) * period_ms / 1000
    envelope = pyworld.cheaptrick(spoken, f0_hz, times_s, RATE_HZ)
    noisiness = pyworld.d4c(spoken, f0_hz, times_s, RATE_HZ)
    same, higher = (
        comparer.measure(
            pyworld.synthesize(f0_hz * 2 ** (n / 12), envelope, noisiness, RATE_HZ, period_ms).astype(np.float32),
            RATE_HZ,
        )
        for n in (0, 3)
    )
    found = compare(higher, same)
    assert found.pitch.rmse_cents == pytest.approx(300, abs=10)
    assert found.pitch.voicing_error < 0.1
    assert found.duration.log_ratio < 0.02
