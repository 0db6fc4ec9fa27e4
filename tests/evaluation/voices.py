"""Synthetic vowels, whose pitch is known, and speech of the real voice joe, as 16 kHz samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.resample import resample

if TYPE_CHECKING:
    from sonorant import Voice

RATE_HZ = 16_000
FORMANTS_A = ((600.0, 80.0), (1200.0, 100.0), (2600.0, 150.0))
FORMANTS_I = ((300.0, 80.0), (2200.0, 100.0), (3000.0, 150.0))


def vowel(f0_hz: NDArray[np.float64], *, formants: tuple[tuple[float, float], ...] = FORMANTS_A) -> Samples:
    """A vowel sung along a pitch curve. f0_hz: [N], one for each sample; formants: frequency and width in Hz."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE_HZ
    sound = np.zeros_like(f0_hz)
    for order in range(1, int(7600 / f0_hz.min()) + 1):
        harmonic_hz = order * f0_hz
        gain = sum(1 / (1 + ((harmonic_hz - middle) / width) ** 2) for middle, width in formants) + 0.02
        sound += np.where(harmonic_hz < 7600, gain * np.sin(order * phase), 0.0)
    return (0.1 * sound / sound.std()).astype(np.float32)


def melody(middle_hz: float, *, duration_s: float = 1.5) -> NDArray[np.float64]:
    """A pitch curve that rises and falls by three semitones: [N]."""
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    curve: NDArray[np.float64] = middle_hz * 2 ** (3 / 12 * np.sin(2 * np.pi * times_s / duration_s))
    return curve


def noise(duration_s: float, *, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, round(duration_s * RATE_HZ)).astype(np.float32)


def faster(samples: Samples, *, semitones: float) -> Samples:
    """A recording played faster, and so higher: its pitch and all of its spectrum rise, its duration shrinks."""
    return resample(samples, from_hz=round(RATE_HZ * 2 ** (semitones / 12)), to_hz=RATE_HZ)


def spoken(voice: Voice, text: str, *, seed: int = 0) -> Samples:
    speech = voice.say(text, seed=seed)
    return resample(speech.samples, from_hz=speech.sample_rate_hz, to_hz=RATE_HZ)
