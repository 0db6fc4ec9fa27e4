"""Figures are sums over all takes, and missing where nothing was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sonorant.audio.speech_activity import Span
from sonorant.evaluation.bootstrap import Interval
from sonorant.evaluation.comparison import Comparison
from sonorant.evaluation.durations import duration_error
from sonorant.evaluation.figures import FIGURES, figures_of
from sonorant.evaluation.pitch import PitchDifference
from sonorant.evaluation.quality import Quality
from sonorant.evaluation.recognition import Errors
from sonorant.evaluation.takes import Take


def take(**known: Any) -> Take:
    nothing = dict.fromkeys(("made_in_s", "sound", "heard", "errors", "quality", "embedding", "spoken", "comparison"))
    return Take(**{"id": "a", "text": "A.", "duration_s": 1.0, "faults": (), **nothing, **known})


def compared(*, distortion_db: float, n_pairs: int, said_s: float, n_voiced: int = 1) -> Comparison:
    return Comparison(
        distortion_db=distortion_db,
        pitch=PitchDifference(squared_cents=n_voiced * 100.0**2, n_voiced=n_voiced, n_unlike=1, n_pairs=n_pairs),
        duration=duration_error(Span(0, said_s), Span(0, 1)),
        path=np.zeros((n_pairs, 2), np.int64),
    )


def test_what_was_not_measured_has_no_figure() -> None:
    assert figures_of([take()], recorded=None, seed=0) == {}


def test_a_rate_weighs_a_text_by_its_length() -> None:
    takes = [take(errors=Errors(1, 10, 1, 2)), take(errors=Errors(0, 90, 0, 18))]
    found = figures_of(takes, recorded=None, seed=0)
    assert found["character_error_rate"].value == pytest.approx(0.01)
    assert found["word_error_rate"].value == pytest.approx(0.05)
    assert found["character_error_rate"].low == 0
    assert found["character_error_rate"].high == pytest.approx(0.1)


def test_a_comparison_weighs_a_text_by_its_frames() -> None:
    takes = [
        take(comparison=compared(distortion_db=2, n_pairs=30, said_s=2)),
        take(comparison=compared(distortion_db=6, n_pairs=10, said_s=0.5)),
    ]
    found = figures_of(takes, recorded=None, seed=0)
    assert found["distortion_db"].value == pytest.approx(3)
    assert found["pitch_rmse_cents"].value == pytest.approx(100)
    assert found["voicing_error"].value == pytest.approx(2 / 40)
    assert found["duration_error"].value == pytest.approx(np.log(2))
    assert found["pace"].value == pytest.approx(1.25)


def test_without_a_voiced_frame_there_is_no_distance_in_pitch() -> None:
    found = figures_of(
        [take(comparison=compared(distortion_db=1, n_pairs=5, said_s=1, n_voiced=0))], recorded=None, seed=0
    )
    assert "pitch_rmse_cents" not in found
    assert "voicing_error" in found


def test_a_voice_is_compared_with_recordings_and_recordings_with_themselves() -> None:
    axes = np.eye(2, 256, dtype=np.float32)
    takes = [take(embedding=axes[0]), take(embedding=axes[0])]
    assert figures_of(takes, recorded=axes[:1], seed=0)["likeness"].value == pytest.approx(1)
    assert figures_of(takes, recorded=axes[1:], seed=0)["likeness"].value == pytest.approx(0)
    assert figures_of(takes, recorded=None, seed=0)["likeness"].value == pytest.approx(1)
    assert "likeness" not in figures_of(takes[:1], recorded=None, seed=0)
    assert "likeness" not in figures_of(takes, recorded=axes[:0], seed=0)


def test_speed_and_quality_are_means() -> None:
    takes = [
        take(duration_s=1.0, made_in_s=0.5, quality=Quality(3, 4, 5, 2)),
        take(duration_s=3.0, made_in_s=0.5, quality=Quality(4, 4, 4, 4)),
    ]
    found = figures_of(takes, recorded=None, seed=0)
    assert found["real_time_factor"].value == pytest.approx(0.25)
    assert [found[f"quality_{scale}"].value for scale in ("overall", "signal", "background", "p808")] == [
        3.5,
        4,
        4.5,
        3,
    ]


def test_figures_are_shown_in_their_units() -> None:
    (rate,) = (figure for figure in FIGURES if figure.name == "character_error_rate")
    assert rate.shown(Interval(0.031, 0.012, 0.05)) == ("3.1", "1.2–5.0")
    assert rate.heading == "CER (%)"
