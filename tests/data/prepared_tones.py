"""Prepared corpora of tones, as `prepare` leaves them: no text is read, so none is phonemized."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile

from sonorant.config import plain
from sonorant.data.manifest import Split
from sonorant.data.prepare import TABLES, UTTERANCES, Prepared, Tables
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.phonemize import EspeakConfig

RATE_HZ, HOP = 8_000, 80


def write_prepared(
    folder: Path,
    frames: Sequence[int],
    *,
    split: Sequence[Split] | None = None,
    weights: Sequence[float] | None = None,
) -> list[Prepared]:
    """Write a prepared corpus: utterance i is a noisy tone of frames[i] frames, with tokens of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, n_frames in enumerate(frames):
        audio = folder.parent / f"{folder.name}-{index}.wav"
        soundfile.write(audio, recorded(index, n_frames * HOP + index % HOP), RATE_HZ, subtype="PCM_16")
        rows.append(
            Prepared(
                id=f"anna.{index}",
                audio=str(audio),
                start_s=0.0,
                end_s=None,
                n_samples=n_frames * HOP,
                speaker=index % 2,
                language=0,
                split=split[index] if split else "train",
                weight=weights[index] if weights else 1.0,
                text=f"Число {index}.",
                phonemes="a" * (3 + index % 5),
                tokens=(1,) * (3 + index % 5),
            )
        )
    tables = Tables(
        symbols={"a": 1},
        speakers=("anna", "bert"),
        frontend=FrontendConfig(
            languages=(LanguageConfig(code="en-us", normalizer="en", phonemizer=EspeakConfig(voice="en-us")),)
        ),
        language_of_speaker=(0, 0),
        corpora=("tones",),
        licences=("cc0-1.0",),
        seconds=1.0,
    )
    (folder / TABLES).write_text(json.dumps(plain(tables)), encoding="utf-8")
    lines = (json.dumps(asdict(row), ensure_ascii=False) for row in rows)
    (folder / UTTERANCES).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return rows


def recorded(index: int, n_samples: int) -> np.ndarray:
    """A loud tone in noise, in 16-bit integers."""
    rng = np.random.default_rng(index)
    tone = np.sin(np.arange(n_samples) * (0.1 + 0.01 * index)) * 20_000 + rng.normal(0, 2_000, n_samples)
    return np.clip(np.rint(tone), -32768, 32767).astype(np.int16)
