"""An alignment finds which frame became which."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sonorant.errors import AudioError, ParameterError
from sonorant.evaluation.alignment import MAX_FRAMES, align


def wandering(n_frames: int) -> NDArray[np.float64]:
    """Features that nowhere repeat: [T, 6]."""
    steps = np.random.default_rng(0).normal(size=(n_frames, 6))
    return np.cumsum(steps, axis=0)


def test_a_sequence_is_aligned_with_itself_frame_by_frame() -> None:
    features = wandering(50)
    assert np.array_equal(align(features, features), np.stack([np.arange(50)] * 2, axis=1))


def test_repeated_frames_are_found() -> None:
    features, counts = wandering(40), np.random.default_rng(1).integers(1, 4, size=40)
    origin = np.repeat(np.arange(40), counts)
    path = align(features[origin], features)
    assert np.array_equal(path, np.stack([np.arange(len(origin)), origin], axis=1))


def test_a_stretched_copy_stays_on_its_path() -> None:
    features, times = wandering(200), np.linspace(0, 199, 320)
    stretched = np.stack([np.interp(times, np.arange(200), column) for column in features.T], axis=1)
    path = align(stretched, features)
    assert np.abs(times[path[:, 0]] - path[:, 1]).max() <= 1.5


def test_a_path_leads_from_both_starts_to_both_ends_and_never_back() -> None:
    path = align(wandering(30), wandering(45)[::-1])
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [29, 44]
    steps = np.diff(path, axis=0)
    assert steps.min() >= 0
    assert steps.max() == 1
    assert steps.sum(axis=1).min() == 1


def test_sequences_that_cannot_be_aligned_are_refused() -> None:
    with pytest.raises(AudioError, match="5,001 frames is too long"):
        align(np.zeros((MAX_FRAMES + 1, 2)), np.zeros((3, 2)))
    for one, another in (((0, 2), (3, 2)), ((3, 2), (3, 4)), ((3,), (3,))):
        with pytest.raises(ParameterError, match="cannot be aligned"):
            align(np.zeros(one), np.zeros(another))
