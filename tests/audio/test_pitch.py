"""A track of pitch for the frames of a spectrogram."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sonorant.audio.pitch import HOP, RATE_HZ, PitchTracker, pitch_of_frames
from sonorant.errors import MissingExtraError


def frames_of(track: list[float], *, hop: int = HOP, n: int) -> list[float]:
    found = pitch_of_frames(np.array(track), sample_rate_hz=RATE_HZ, hop=hop, n_frames=n)
    assert found.dtype == np.float32
    return found.tolist()


def test_a_frames_pitch_is_that_of_its_middle() -> None:
    found = frames_of([100.0, 200.0, 200.0, 100.0], n=3)
    assert found == pytest.approx([100 * 2**0.5, 200, 100 * 2**0.5], rel=1e-6)


def test_between_voice_and_none_the_nearest_decides() -> None:
    # Frames of three quarters of a hop have their middles at 0.375, 1.125, 1.875 and 2.625 of the track's.
    assert frames_of([100.0, 100.0, 0.0, 100.0], hop=3 * HOP // 4, n=4) == [100.0, 100.0, 0.0, 100.0]


def test_past_the_track_there_is_no_voice() -> None:
    assert frames_of([100.0, 100.0], n=4)[2:] == [0.0, 0.0]
    assert frames_of([0.0, 0.0], n=2) == [0.0, 0.0]


def test_without_the_tracker_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "swift_f0", None)
    with pytest.raises(MissingExtraError, match=r"'swift-f0'.*pip install 'sonorant\[train\]'"):
        PitchTracker()
