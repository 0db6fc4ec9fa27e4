"""How good speech would sound to listeners, as a network guesses: DNSMOS, by speechmos 0.0.1.1.

Two of Microsoft's networks (Reddy et al., DNSMOS P.835, 2022): one for the three scales of ITU-T P.835, one for the
single scale of P.808. They were trained on noisy and denoised speech, so they notice noise, buzz and muffling; they do
not know whether the words, the speaker or the melody are right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonorant.audio.io import Samples
from sonorant.audio.loudness import loudness_lufs
from sonorant.audio.resample import resample
from sonorant.errors import AudioError
from sonorant.evaluation.packages import required

_RATE_HZ = 16000
# DNSMOS names no score for silence.
_SILENT = 1e-4

LEVEL_LUFS = -26.0
"""The loudness at which recordings are judged side by side: as loud as the speech that the networks learned from."""


@dataclass(frozen=True)
class Quality:
    """Mean opinion scores from 1, bad, to 5, excellent."""

    overall: float
    """OVRL: all in all."""
    signal: float
    """SIG: the speech itself."""
    background: float
    """BAK: all that is not speech; 5 where nothing is noticed."""
    p808: float
    """P808: one score for all, as listeners without the other scales give."""


class QualityJudge:
    """Gives scores to recordings. The same samples get the same scores."""

    def __init__(self) -> None:
        """Raises MissingExtraError where speechmos, or the librosa and onnxruntime it needs, are not installed."""
        self._dnsmos: Any = required("speechmos.dnsmos", need="judging sound quality", package="speechmos")

    def __call__(self, samples: Samples, sample_rate_hz: int) -> Quality:
        """The scores of one recording. samples: [N] in [-1, 1]; what lies outside is clipped. Level counts a little.

        The networks hear 9.01 s. A shorter recording is repeated until it is that long, pauses at its ends included;
        of a longer one, every stretch of 9.01 s is judged, each a second after the last, and the scores are averaged.
        Raises AudioError for silence.
        """
        if not samples.size or np.abs(samples).max() < _SILENT:
            raise AudioError(f"a recording of {samples.size:,} samples is silent, so it has no quality; leave it out")
        heard = np.clip(resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ), -1.0, 1.0)
        scores = self._dnsmos.run(heard, sr=_RATE_HZ)
        return Quality(
            overall=float(scores["ovrl_mos"]),
            signal=float(scores["sig_mos"]),
            background=float(scores["bak_mos"]),
            p808=float(scores["p808_mos"]),
        )


def levelled(samples: Samples, sample_rate_hz: int) -> Samples:
    """The same at -26 LUFS, so that a louder recording is judged no better; silence as it is. samples: [N]."""
    loudness = loudness_lufs(samples, sample_rate_hz)
    if not math.isfinite(loudness):
        return samples
    gained: Samples = (samples * 10 ** ((LEVEL_LUFS - loudness) / 20)).astype(np.float32)
    return gained
