"""Change of sample rate."""

from __future__ import annotations

from typing import cast

from sonorant.audio.io import Samples


def resample(samples: Samples, *, from_hz: int, to_hz: int) -> Samples:
    """The same sound at another rate: float32 [N] becomes float32 [N * to_hz / from_hz], to the nearest sample."""
    if from_hz == to_hz:
        return samples
    import soxr

    return cast(Samples, soxr.resample(samples, from_hz, to_hz))
