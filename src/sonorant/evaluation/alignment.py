"""Which moment of one recording is which of another, that says the same at another pace: dynamic time warping.

Sakoe & Chiba (1978), with steps of one frame in either recording or in both, all of the same weight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sonorant.errors import AudioError, ParameterError
from sonorant.evaluation.packages import required

Path = NDArray[np.int64]

# The costs of all pairs of frames are held at once: half a gigabyte for two recordings as long as this, 40 s.
MAX_FRAMES = 5000


def align(some: NDArray[np.float64], others: NDArray[np.float64]) -> Path:
    """The cheapest way through two sequences of features, from the first frames of both to the last.

    some: [T, D]; others: [U, D]; T, U > 0. Returns int64 [P, 2], a frame of each, P from max(T, U) to T + U - 1.
    Raises AudioError for more than 5,000 frames.
    """
    librosa = required("librosa", need="aligning recordings", package="librosa")
    if some.ndim != 2 or others.ndim != 2 or some.shape[1] != others.shape[1] or not len(some) or not len(others):
        raise ParameterError(
            f"features of the shapes {list(some.shape)} and {list(others.shape)} cannot be aligned; expected [T, D]"
        )
    if max(len(some), len(others)) > MAX_FRAMES:
        raise AudioError(
            f"a recording of {max(len(some), len(others)):,} frames is too long to be aligned; "
            f"cut it to at most {MAX_FRAMES:,}"
        )
    _, backwards = librosa.sequence.dtw(some.T, others.T, metric="euclidean")
    return np.ascontiguousarray(backwards[::-1], dtype=np.int64)
