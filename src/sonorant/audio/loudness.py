"""Loudness as it is heard: LUFS after ITU-R BS.1770, for utterances however short."""

from __future__ import annotations

import math

import numpy as np

from sonorant.audio.io import Samples
from sonorant.errors import MissingExtraError

BLOCK_S = 0.4
"""The gating block of BS.1770."""


def loudness_lufs(samples: Samples, sample_rate_hz: int) -> float:
    """The integrated loudness of one channel; -inf where no block is louder than the absolute gate, -70 LUFS.

    samples: float32 [N], finite. Below 0.4 s the one block is as long as the samples.
    """
    try:
        import pyloudnorm
    except ImportError:
        raise MissingExtraError("measuring loudness", package="pyloudnorm", extra="train") from None

    if samples.size < 2 or not samples.any():
        return -math.inf
    # Half a sample less, so that no rounding makes the block longer than what there is.
    block_s = min(BLOCK_S, (samples.size - 0.5) / sample_rate_hz)
    meter = pyloudnorm.Meter(sample_rate_hz, block_size=block_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        loudness = float(meter.integrated_loudness(samples.astype(np.float64)))
    return loudness if math.isfinite(loudness) else -math.inf
