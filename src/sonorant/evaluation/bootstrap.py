"""How sure a figure is: intervals by resampling the recordings it was measured on.

Efron's percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13): draw as many
recordings as there are, with replacement, many times, and see between which values the figure falls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonorant.errors import ParameterError

N_RESAMPLES = 1000
SHARE = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure, and the bounds between which 95 % of the resamples lie."""

    value: float
    low: float
    high: float

    def root(self) -> Interval:
        """The interval of the square root: of a root mean square, given that of the mean square."""
        return self._through(math.sqrt)

    def _through(self, rising: Callable[[float], float]) -> Interval:
        """A function that only rises keeps the order of the resamples, and so the bounds."""
        return Interval(rising(self.value), rising(self.low), rising(self.high))


def interval(
    numerators: Sequence[float] | NDArray[np.float64],
    denominators: Sequence[float] | NDArray[np.float64] | None = None,
    *,
    seed: int = 0,
) -> Interval:
    """The ratio of the sums over all items, with its 95 % interval; the mean, if there are no denominators.

    numerators, denominators: one number for each item, such as edits and characters of each sentence; a denominator
    is not negative. Of one item the interval is a point. Few items give intervals that are too narrow: of 10, one
    holds the truth in about 90 % of all cases. Raises ParameterError where nothing can be divided.
    """
    above = np.asarray(numerators, dtype=np.float64)
    below = np.ones_like(above) if denominators is None else np.asarray(denominators, dtype=np.float64)
    if above.ndim != 1 or above.shape != below.shape:
        raise ParameterError(f"an interval needs a denominator for each numerator, found {below.size} for {above.size}")
    if not (np.isfinite(above).all() and np.isfinite(below).all() and (below >= 0).all() and below.sum() > 0):
        raise ParameterError(
            f"an interval of {above.size} items needs finite numbers and denominators that add up to more than 0"
        )
    drawn = np.random.default_rng(seed).integers(above.size, size=(N_RESAMPLES, above.size))
    totals = below[drawn].sum(axis=1)
    # A resample that drew only items of denominator 0 has no ratio.
    ratios = above[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(ratios, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return Interval(float(above.sum() / below.sum()), float(low), float(high))
