"""Mel-cepstra, and the distortion between two: how far one recording's timbre is from another's, in dB.

The envelope is WORLD's (CheapTrick: Morise, 2015), which looks past the harmonics: in a plain mel spectrum a vowel sung
four semitones higher by a woman is further off than another vowel. Its magnitudes go through 80 mel bands, A_m.
A cosine transform of their logarithms gives the coefficients

    c_k = 2/M * sum over m of ln(A_m) * cos(pi * k * (m + 1/2) / M),    ln(A_m) = c_0/2 + sum over k of c_k * cos(...)

and the distortion of a pair of frames is Kubichek's (1993), over k = 1 to 24:

    10 / ln(10) * sqrt(2 * sum over k of (c_k - c'_k)**2)    dB

That is the root mean square, over the mel scale, of the difference of the two smoothed envelopes in dB. c_0, the
level, is left out. Other tools differ in their mel scale and number of bands: compare figures within one table only.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.pitch import HOP, RATE_HZ, PitchTrack
from sonorant.audio.resample import resample
from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_filterbank
from sonorant.evaluation.alignment import Path
from sonorant.evaluation.packages import required

N_COEFFICIENTS = 24

_N_FFT = 1024
_N_MELS = 80
# Bands lie at most so far below the loudest of the recording: below that is the room, or rounding.
_DEPTH_DB = 60.0

Cepstra = NDArray[np.float64]


def mel_cepstra(samples: Samples, sample_rate_hz: int, *, f0_hz: PitchTrack) -> Cepstra:
    """The coefficients 1 to 24 every 8 ms: [T, 24]. Louder or softer, a recording has the same.

    samples: [N] in [-1, 1]; f0_hz: [T], their pitch from `PitchTracker`.
    """
    pyworld = required("pyworld", need="measuring mel-cepstra", package="pyworld-prebuilt")
    samples = resample(samples, from_hz=sample_rate_hz, to_hz=RATE_HZ)
    loudest = float(np.abs(samples).max(initial=0.0))
    signal = samples.astype(np.float64) / (loudest or 1.0)
    times_s = np.arange(len(f0_hz)) * (HOP / RATE_HZ)
    power: NDArray[np.float64] = pyworld.cheaptrick(signal, f0_hz, times_s, RATE_HZ, fft_size=_N_FFT)
    bands = np.sqrt(power) @ _filters().T
    floor = max(float(bands.max()) * 10 ** (-_DEPTH_DB / 20), np.finfo(np.float64).tiny)
    cepstra: Cepstra = np.log(np.maximum(bands, floor)) @ _cosines()
    return cepstra


def distortions_db(said: Cepstra, recorded: Cepstra, path: Path) -> NDArray[np.float64]:
    """The mel-cepstral distortion of each aligned pair: [P], in dB. said: [T, 24]; recorded: [U, 24]; path: [P, 2]."""
    difference = said[path[:, 0]] - recorded[path[:, 1]]
    distortions: NDArray[np.float64] = 10 / np.log(10) * np.sqrt(2 * np.sum(difference**2, axis=1))
    return distortions


def _filters() -> NDArray[np.float32]:
    """[80, 513]"""
    spectrogram = SpectrogramConfig(sample_rate_hz=RATE_HZ, n_fft=_N_FFT, hop=HOP, win=_N_FFT)
    return mel_filterbank(spectrogram, MelConfig(n_mels=_N_MELS))


@functools.cache
def _cosines() -> NDArray[np.float64]:
    """The transform of 80 bands to the coefficients 1 to 24: [80, 24], not to be written to."""
    middles = np.arange(_N_MELS)[:, None] + 0.5
    orders = np.arange(1, N_COEFFICIENTS + 1)[None, :]
    cosines: NDArray[np.float64] = 2 / _N_MELS * np.cos(np.pi * orders * middles / _N_MELS)
    cosines.flags.writeable = False
    return cosines
