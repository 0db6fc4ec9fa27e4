"""How far the pitch of speech is from that of a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sonorant.audio.pitch import PitchTrack
from sonorant.evaluation.alignment import Path


@dataclass(frozen=True)
class PitchDifference:
    """How two aligned pitch tracks differ, as sums over the pairs of frames."""

    squared_cents: float
    """Over the pairs where both are voiced."""
    n_voiced: int
    """Pairs where both are voiced."""
    n_unlike: int
    """Pairs where one is voiced and the other is not."""
    n_pairs: int

    @property
    def rmse_cents(self) -> float:
        """The root mean square of the distance in pitch, 100 cents to a semitone; NaN where no pair is voiced."""
        return math.sqrt(self.squared_cents / self.n_voiced) if self.n_voiced else math.nan

    @property
    def voicing_error(self) -> float:
        """The share of pairs of which only one is voiced."""
        return self.n_unlike / self.n_pairs


def pitch_difference(said_hz: PitchTrack, recorded_hz: PitchTrack, path: Path) -> PitchDifference:
    """How far one pitch track is from another. said_hz: [T]; recorded_hz: [U]; path: [P, 2], from `align`."""
    said, recorded = said_hz[path[:, 0]], recorded_hz[path[:, 1]]
    both = (said > 0) & (recorded > 0)
    cents = 1200 * np.log2(said[both] / recorded[both])
    return PitchDifference(
        squared_cents=float(np.sum(cents**2)),
        n_voiced=int(both.sum()),
        n_unlike=int(((said > 0) != (recorded > 0)).sum()),
        n_pairs=len(path),
    )
