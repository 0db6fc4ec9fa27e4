"""What a voice gives back: samples, and when each word and phoneme sounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import AudioWriter
from sonorant.voice.prosody import Curves


@dataclass(frozen=True)
class TimedWord:
    """A word as written, its phonemes, and when it sounds, in seconds from the start of its speech."""

    text: str
    phonemes: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimedPhoneme:
    """A symbol of the voice (phoneme, word break or mark) and when it sounds, in seconds."""

    symbol: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class TimedSentence:
    """A sentence as written and when it sounds, in seconds, pauses around it left out."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """Spoken text. samples: float32 [N], within -1 to 1 unless more energy is asked for than that holds.

    seed: give it again with the same text to get the same samples. unknown: characters or symbols the voice could not
    say, and how often each occurred.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int
    words: tuple[TimedWord, ...]
    phonemes: tuple[TimedPhoneme, ...]
    sentences: tuple[TimedSentence, ...]
    seed: int
    unknown: Mapping[str, int] = field(default_factory=dict)
    curves: tuple[Curves, ...] = ()
    """Of each sentence, where the voice draws them; to look at, or to change and give back."""

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return len(self.samples) / self.sample_rate_hz

    def save(self, path: str | Path) -> None:
        """Write a .wav, .flac, .ogg or .mp3 file. Raises AudioError."""
        with AudioWriter(Path(path), self.sample_rate_hz) as writer:
            writer.write(self.samples)


@dataclass(frozen=True)
class Timeline:
    """Words and phonemes and sentences on one clock, without the samples."""

    words: tuple[TimedWord, ...] = ()
    phonemes: tuple[TimedPhoneme, ...] = ()
    sentences: tuple[TimedSentence, ...] = ()

    def shifted(self, by_s: float) -> Timeline:
        """The same, later."""
        return Timeline(
            tuple(replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s) for word in self.words),
            tuple(replace(phone, start_s=phone.start_s + by_s, end_s=phone.end_s + by_s) for phone in self.phonemes),
            tuple(replace(s, start_s=s.start_s + by_s, end_s=s.end_s + by_s) for s in self.sentences),
        )


def join(pieces: Sequence[Speech], *, sample_rate_hz: int, seed: int) -> Speech:
    """One speech out of consecutive pieces, on one clock."""
    words: list[TimedWord] = []
    phonemes: list[TimedPhoneme] = []
    sentences: list[TimedSentence] = []
    unknown: dict[str, int] = {}
    curves: list[Curves] = []
    n_before = 0
    for piece in pieces:
        later = Timeline(piece.words, piece.phonemes, piece.sentences).shifted(n_before / sample_rate_hz)
        words += later.words
        phonemes += later.phonemes
        sentences += later.sentences
        curves += piece.curves
        for symbol, count in piece.unknown.items():
            unknown[symbol] = unknown.get(symbol, 0) + count
        n_before += len(piece.samples)
    return Speech(
        samples=np.concatenate([piece.samples for piece in pieces]) if pieces else np.zeros(0, np.float32),
        sample_rate_hz=sample_rate_hz,
        words=tuple(words),
        phonemes=tuple(phonemes),
        sentences=tuple(sentences),
        seed=seed,
        unknown=unknown,
        curves=tuple(curves),
    )
