"""Pitch of speech, as a track of its own or for the frames of a spectrogram.

The tracker is swift-f0 0.3.0 (MIT), a convolutional network of 0.1 MB. On sweeps of a synthetic voice it lies 2 to 4
cents off (median), with noise up to 10 dB below the voice too. WORLD's trackers are finer without noise and less sure
with it: DIO is then off in 95 % of the frames it finds, and Harvest, 30 times slower, calls 94 % of recorded prompts
voiced, their pauses too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.errors import AudioError, MissingExtraError

RATE_HZ = 16000
"""What a track is counted in."""
HOP = 128
"""Samples from one of its frames to the next, 8 ms: half of what swift-f0 gives, which listens twice."""

# The range of speech, from a low creak to a child's cry.
LOWEST_HZ = 50.0
HIGHEST_HZ = 600.0
_VOICED = 0.5

PitchTrack = NDArray[np.float64]


class PitchTracker:
    """Finds the pitch of speech."""

    def __init__(self) -> None:
        """Raises MissingExtraError where swift-f0 is not installed."""
        try:
            import swift_f0
        except ImportError:
            raise _missing() from None
        self._detector = swift_f0.SwiftF0(threads=1)

    def __call__(self, samples: Samples, sample_rate_hz: int) -> PitchTrack:
        """The pitch in Hz every 8 ms, 0 where there is no voice: [T]; frame t lies around t * 8 ms.

        samples: [N] in [-1, 1]. T = 1 + n // 128, where n is N at 16 kHz. Raises AudioError for no samples.
        """
        samples = resample(samples, from_hz=sample_rate_hz, to_hz=RATE_HZ)
        if not samples.size:
            raise AudioError("a recording without samples has no pitch; leave it out")
        n_frames = 1 + len(samples) // HOP
        padded = np.pad(samples, (0, 4 * HOP))
        found = np.zeros(n_frames)
        # Its frames lie 2 * HOP apart; those between them are the frames of the sound a HOP later.
        for first in (0, 1):
            result = self._detector.detect(padded[first * HOP :], RATE_HZ, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
            f0_hz = np.where(result.confidence >= _VOICED, result.pitch_hz, 0.0)
            found[first::2] = f0_hz[: len(found[first::2])]
        return found


@functools.cache
def tracker_settings() -> Mapping[str, str | float]:
    """All that decides what a track is. Raises MissingExtraError where swift-f0 is not installed."""
    try:
        release = version("swift-f0")
    except PackageNotFoundError:
        raise _missing() from None
    return {"tracker": f"swift-f0 {release}", "lowest_hz": LOWEST_HZ, "highest_hz": HIGHEST_HZ, "voiced": _VOICED}


def _missing() -> MissingExtraError:
    return MissingExtraError("tracking pitch", package="swift-f0", extra="train")


@functools.cache
def tracker() -> PitchTracker:
    """This process's tracker, made when it is first asked for."""
    return PitchTracker()


def pitch_of_frames(track_hz: PitchTrack, *, sample_rate_hz: int, hop: int, n_frames: int) -> NDArray[np.float32]:
    """A track's pitch in the middles of a spectrogram's frames: float32 [n_frames], in Hz, 0 where there is no voice.

    A frame is voiced where the track's nearest one is; between two that are, its pitch lies on the line between their
    logarithms. What the track does not reach is unvoiced.
    """
    at = (np.arange(n_frames) + 0.5) * hop / sample_rate_hz * RATE_HZ / HOP
    places = np.arange(len(track_hz))
    is_voiced = track_hz > 0
    nearest = np.minimum(np.rint(at).astype(np.int64), len(track_hz) - 1)
    found = np.where(is_voiced[nearest] & (at <= len(track_hz)), track_hz[nearest], 0.0)
    low, high = (np.clip(edge.astype(np.int64), 0, len(track_hz) - 1) for edge in (np.floor(at), np.ceil(at)))
    between = is_voiced[low] & is_voiced[high] & (found > 0)
    if is_voiced.any():
        logs = np.log(np.where(is_voiced, track_hz, 1.0))
        found = np.where(between, np.exp(np.interp(at, places, logs)), found)
    return found.astype(np.float32)
