"""Small corpora for tests: sounds that are no speech, with texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from sonorant.data.manifest import Utterance, write_manifest

TEXTS = ("One two.", "Two three four.", "Five.", "Six seven eight nine.", "Ten.", "Red and blue.", "Green.", "Go on.")
RATE_HZ = 16_000


def write_corpus(
    folder: Path,
    *,
    n: int = 8,
    speakers: Sequence[str] = ("ann", "bob"),
    validation: int = 2,
) -> Path:
    """A manifest of `n` utterances, harmonic sounds of 0.7 to 1.5 seconds; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    utterances = []
    for index in range(n):
        seconds = 0.7 + 0.8 * index / n
        t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        pitch_hz = 110 + 30 * (index % 4) + 10 * np.sin(2 * np.pi * 2 * t)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
        wave = sum(np.sin(k * phase) / k for k in range(1, 8)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
        samples = 0.1 * wave + 0.01 * rng.standard_normal(len(t))
        soundfile.write(folder / f"{index}.wav", samples, RATE_HZ)
        utterances.append(
            Utterance(
                id=f"u{index}",
                audio=f"{index}.wav",
                text=TEXTS[index % len(TEXTS)],
                speaker=speakers[index % len(speakers)],
                language="en-us",
                duration_s=len(t) / RATE_HZ,
                split="validation" if index >= n - validation else "train",
                corpus="tones",
                licence="CC0",
            )
        )
    write_manifest(folder / "manifest.jsonl", utterances)
    return folder / "manifest.jsonl"
