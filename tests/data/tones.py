"""Tiny corpora of tones, where nobody speaks but everything can be measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from sonorant.audio.io import Samples
from sonorant.data.manifest import Utterance

RATE_HZ = 16_000


def tone(
    duration_s: float = 1.0,
    *,
    before_s: float = 0.1,
    after_s: float = 0.1,
    amplitude: float = 0.2,
    pitch_hz: float = 200,
) -> Samples:
    """A tone with overtones, as long as asked, between silences. It stands for speech: no network finds any in it."""
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sound = sum(np.sin(2 * np.pi * pitch_hz * k * times) / k for k in range(1, 6)) / 2
    silences = (np.zeros(round(silence_s * RATE_HZ)) for silence_s in (before_s, after_s))
    before, after = silences
    return (amplitude * np.concatenate([before, sound, after])).astype(np.float32)


def write_utterance(
    folder: Path,
    id_: str,
    samples: Samples,
    *,
    text: str = "A short sentence.",
    speaker: str = "anna",
    language: str = "en-us",
    suffix: str = ".wav",
) -> Utterance:
    """Write a recording into a folder; the utterance that uses all of it."""
    soundfile.write(folder / f"{id_}{suffix}", np.rint(samples * 32767).astype(np.int16), RATE_HZ)
    return Utterance(
        id=id_,
        audio=f"{id_}{suffix}",
        text=text,
        speaker=speaker,
        language=language,
        duration_s=len(samples) / RATE_HZ,
    )
