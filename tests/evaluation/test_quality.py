"""Speech is better than noise, and the same samples are as good each time."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.audio.loudness import loudness_lufs
from sonorant.errors import AudioError
from sonorant.evaluation.quality import LEVEL_LUFS, Quality, QualityJudge, levelled
from tests.evaluation.voices import RATE_HZ, noise


@pytest.fixture(scope="module")
def judge() -> QualityJudge:
    return QualityJudge()


@pytest.fixture(scope="module")
def clean(judge: QualityJudge, sentences: list[Samples]) -> Quality:
    return judge(sentences[0], RATE_HZ)


def test_speech_is_better_than_speech_in_noise_and_that_than_noise(
    judge: QualityJudge, clean: Quality, sentences: list[Samples]
) -> None:
    noisy = judge(sentences[0] + 0.2 * noise(60)[: len(sentences[0])], RATE_HZ)
    alone = judge(noise(3), RATE_HZ)
    assert clean.overall > noisy.overall > alone.overall
    assert clean.background > noisy.background > alone.background
    assert clean.signal > alone.signal
    assert clean.p808 > noisy.p808 > alone.p808
    assert clean.overall - alone.overall > 1


def test_a_short_recording_is_judged_as_if_repeated_and_the_same_each_time(
    judge: QualityJudge, clean: Quality, sentences: list[Samples]
) -> None:
    assert judge(np.concatenate([sentences[0], sentences[0]]), RATE_HZ) == clean


def test_what_lies_outside_the_range_is_clipped_not_refused(
    judge: QualityJudge, clean: Quality, sentences: list[Samples]
) -> None:
    loud = 20 * sentences[0]
    assert np.abs(loud).max() > 1
    assert 1 <= judge(loud, RATE_HZ).overall < clean.overall


@pytest.mark.parametrize("n_samples", [0, RATE_HZ])
def test_silence_has_no_quality(judge: QualityJudge, n_samples: int) -> None:
    with pytest.raises(AudioError, match="is silent"):
        judge(np.zeros(n_samples, dtype=np.float32), RATE_HZ)


def test_a_louder_copy_is_judged_the_same_once_levelled(sentences: list[Samples]) -> None:
    quiet, loud = (levelled(gain * sentences[0], RATE_HZ) for gain in (0.1, 3.0))
    assert loudness_lufs(quiet, RATE_HZ) == pytest.approx(LEVEL_LUFS, abs=0.1)
    assert np.allclose(quiet, loud, atol=1e-3)
    assert not levelled(np.zeros(RATE_HZ, dtype=np.float32), RATE_HZ).any()
