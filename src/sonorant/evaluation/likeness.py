"""Whether it is the same speaker: cosines between speaker embeddings.

The encoder is Resemblyzer's (0.1.4), a GE2E network of three LSTM layers (Wan et al., Generalized End-to-End Loss for
Speaker Verification, 2018). It hears up to 8 kHz. Its embeddings have no negative numbers, so two strangers' have a
likeness of 0.6 to 0.8, not of 0: read one beside that of two halves of the true recordings (`halves`, 0.97 and more for
prompts of a studio), and beside that to other speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.errors import AudioError, ParameterError
from sonorant.evaluation.bootstrap import N_RESAMPLES, SHARE, Interval, interval
from sonorant.evaluation.packages import required

Embeddings = NDArray[np.float32]

_RATE_HZ = 16000
# Quieter recordings are silent: their level cannot be raised to that which the encoder expects.
_SILENT = 1e-4


class SpeakerEncoder:
    """Gives a recording's place among voices. Runs on the CPU, and in any order with the same result."""

    def __init__(self) -> None:
        """Raises MissingExtraError where resemblyzer is not installed."""
        resemblyzer = required("resemblyzer", need="comparing speakers", package="resemblyzer")
        # The weights lie in the package. It loads them by torch.load, which since 2.6 runs no code from a file.
        self._encoder: Any = resemblyzer.VoiceEncoder("cpu", verbose=False)
        self._prepare: Any = resemblyzer.preprocess_wav

    def __call__(self, samples: Samples, sample_rate_hz: int) -> Embeddings:
        """The embedding, float32 [256], of length 1. samples: [N] in [-1, 1], at best 1.6 s or more.

        Pauses are shortened and a low level is raised before, as the package does. Raises AudioError for silence.
        """
        if not samples.size or np.abs(samples).max() < _SILENT:
            raise AudioError(f"a recording of {samples.size:,} samples is silent, so it is nobody's; leave it out")
        heard = self._prepare(resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ))
        if not heard.size:
            # Its detector of speech misses some words of a third of a second.
            heard = resample(samples, from_hz=sample_rate_hz, to_hz=_RATE_HZ)
        embedding = self._encoder.embed_utterance(heard.astype(np.float32))
        return np.asarray(embedding / np.linalg.norm(embedding), dtype=np.float32)


def likeness(some: Embeddings, others: Embeddings) -> float:
    """The cosine between the mean embeddings of two lots of recordings, in [0, 1]. some: [n, 256]; others: [m, 256]."""
    return float(_mean(some) @ _mean(others))


def likeness_of(some: Embeddings, others: Embeddings) -> Interval:
    """`likeness` with its 95 % interval, over the choice of the first lot; the second is taken as it is.

    The length of the summed embeddings is measured along their own mean. So the cosine becomes a ratio of sums, which
    can be resampled without the noise that a resample's longer scatter would add to its mean.
    """
    own, other = _mean(some), _mean(others)
    return interval(some @ other, some @ own)


def halves(embeddings: Embeddings, *, seed: int = 0) -> Interval:
    """How alike two halves of one speaker's recordings are: the mean of 1,000 halvings, and where 95 % of them lie.

    embeddings: [n, 256], n > 1. A voice within the bounds is as like the recordings as they are like themselves.
    """
    if len(embeddings) < 2:
        raise ParameterError(f"{len(embeddings)} recordings have no two halves; give at least 2")
    rng = np.random.default_rng(seed)
    middle = len(embeddings) // 2
    orders = (rng.permutation(len(embeddings)) for _ in range(N_RESAMPLES))
    found = [likeness(embeddings[order[:middle]], embeddings[order[middle:]]) for order in orders]
    low, high = np.quantile(found, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return Interval(float(np.mean(found)), float(low), float(high))


def nearest(some: Embeddings, speakers: Mapping[str, Embeddings]) -> str:
    """The speaker whose recordings are most like some others. some: [n, 256]; speakers: [m, 256] for each name."""
    if not speakers:
        raise ParameterError("there are no speakers to choose the nearest from; give at least one")
    return max(speakers, key=lambda speaker: likeness(some, speakers[speaker]))


def _mean(embeddings: Embeddings) -> NDArray[np.float64]:
    """The mean embedding, of length 1."""
    if embeddings.ndim != 2 or not len(embeddings):
        raise ParameterError(f"embeddings of the shape {list(embeddings.shape)} have no mean; expected [n, 256], n > 0")
    mean: NDArray[np.float64] = embeddings.mean(axis=0, dtype=np.float64)
    mean /= np.linalg.norm(mean)
    return mean
