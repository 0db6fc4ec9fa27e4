"""A voice's self-test: a sentence it must always say the same way. Recorded at import, compared by `voices check`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonorant.config import config, parse, plain, read_json
from sonorant.errors import ConfigError, TextError, VoiceError
from sonorant.voice.bundle import CHECK
from sonorant.voice.speech import Speech
from sonorant.voice.voice import Voice

_N_BANDS = 16
_N_FFT = 1024
_TOLERANCE_DB = 1.0
_N_LETTERS = 20
_SENTENCES = {
    "en": "The quick brown fox jumps over the lazy dog.",
    "es": "El veloz murciélago comía feliz cardillo y kiwi.",
    "fr": "Portez ce vieux whisky au juge blond qui fume.",
    "ko": "다람쥐 헌 쳇바퀴에 타고파.",
    "it": "Quel vituperabile xenofobo mangia prosciutto e zampone.",
    "ru": "Съешь ещё этих мягких французских булок, да выпей чаю.",
}


@config
class Check:
    """What a voice said when it was made. band_db: mean level of each of 16 equal bands up to half the sample rate."""

    text: str
    speaker: str
    language: str
    seed: int
    n_samples: int
    band_db: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """How a voice's self-test went: the length it should have and has, and the largest difference of a band in dB."""

    n_expected: int
    n_found: int
    worst_db: float

    @property
    def passed(self) -> bool:
        return self.n_expected == self.n_found and self.worst_db <= _TOLERANCE_DB


def record(voice: Voice, *, seed: int = 0) -> Check:
    """Say the check sentence with a voice and measure it."""
    language = voice.languages[0]
    text = _SENTENCES.get(language.split("-")[0], _SENTENCES["en"])
    try:
        speech = voice.say(text, seed=seed)
    except TextError:  # other letters than those
        letters = [symbol for symbol in voice.manifest.symbols if len(symbol) == 1 and symbol.isalpha()]
        text = "".join(letters[:_N_LETTERS])
        speech = voice.say(text, seed=seed)
    return Check(
        text=text,
        speaker=voice.speakers[0],
        language=language,
        seed=seed,
        n_samples=len(speech.samples),
        band_db=tuple(round(float(level), 3) for level in band_levels_db(speech.samples)),
    )


def write(folder: Path, check: Check) -> None:
    """Write `check.json`."""
    (folder / CHECK).write_text(json.dumps(plain(check), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def run(voice: Voice) -> Outcome:
    """Say the recorded sentence again and compare. Raises VoiceError when the voice has no usable `check.json`."""
    path = voice.bundle.folder / CHECK
    try:
        check = parse(Check, read_json(path), source=str(path))
    except ConfigError as error:
        raise VoiceError(str(error)) from None
    speech: Speech = voice.say(check.text, speaker=check.speaker, language=check.language, seed=check.seed)
    levels = band_levels_db(speech.samples)
    if len(check.band_db) != len(levels):
        raise VoiceError(f"{path}: band_db has {len(check.band_db)} bands, expected {len(levels)}")
    worst = float(np.max(np.abs(levels - np.array(check.band_db))))
    return Outcome(check.n_samples, len(speech.samples), worst)


def band_levels_db(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean level in dB of 16 equal bands, from a plain short-time spectrum. samples: [N]. Returns [16]."""
    padded = np.pad(samples.astype(np.float64), (0, max(0, _N_FFT - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[:: _N_FFT // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(_N_FFT), axis=1)) ** 2
    bands = np.array([band.mean() for band in np.array_split(power[:, 1:], _N_BANDS, axis=1)])
    return np.asarray(10 * np.log10(bands + 1e-10))
