"""Asking a voice for another tone: its pace, its pitch, its energy, for a whole text, for words, or as whole curves.

For voices whose network draws such curves, as a CVAE-JETS does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from sonorant.config import config
from sonorant.errors import ParameterError
from sonorant.text.frontend import Sentence
from sonorant.voice.ranges import in_range

_RANGES = {
    "duration_scale": (0.1, 10.0),
    "pitch_shift": (-24.0, 24.0),
    "pitch_range": (0.0, 4.0),
    "energy_gain_db": (-40.0, 40.0),
}


@config
class Manner:
    """How something is to be said, beside how the voice would.

    duration_scale: above 1 is slower. pitch_shift: in semitones. pitch_range: how far pitch strays from the speaker's
    mean, in shares of what it would. energy_gain_db: louder, as a speaker is who speaks up.
    """

    duration_scale: float = 1.0
    pitch_shift: float = 0.0
    pitch_range: float = 1.0
    energy_gain_db: float = 0.0


@config
class Curves:
    """What a voice drew over one sentence, frame after frame; it may be changed and given back.

    frame_s: the length of a frame. frames_per_token: how many each of the model's tokens lasts. pitch_hz: 0 where there
    is no voice; pitch_hz and energy_db of another length are stretched over the sentence.
    """

    frame_s: float
    frames_per_token: tuple[float, ...]
    pitch_hz: tuple[float, ...]
    energy_db: tuple[float, ...]


@config
class Prosody(Manner):
    """How a text is to be said: all of it, and some of its words beside that.

    words: by their places in the text, counted from 0 as in `Speech.words`. curves: one for each sentence, in place of
    the voice's own; what is asked for beside changes them.
    """

    words: Mapping[int, Manner] = field(default_factory=dict)
    curves: tuple[Curves, ...] = ()


@dataclass(frozen=True)
class TokenProsody:
    """The same for the tokens of one sentence: each float32 [L]. curves: in place of the network's own."""

    duration_scale: NDArray[np.float32]
    pitch_shift: NDArray[np.float32]
    pitch_range: NDArray[np.float32]
    energy_gain_db: NDArray[np.float32]
    curves: Curves | None = None


def check(prosody: Prosody) -> None:
    """Raises ParameterError for a number out of range."""
    for where, manner in [("", prosody), *((f"words[{word}].", manner) for word, manner in prosody.words.items())]:
        for name, (low, high) in _RANGES.items():
            in_range(f"{where}{name}", getattr(manner, name), low, high)
    if (first := min(prosody.words, default=0)) < 0:
        raise ParameterError(f"words has the place {first}, expected places from 0 on")
    for place, curves in enumerate(prosody.curves):
        for name in ("frames_per_token", "pitch_hz", "energy_db"):
            values = getattr(curves, name)
            if not values or not all(map(math.isfinite, values)) or (name != "energy_db" and min(values) < 0):
                raise ParameterError(f"curves[{place}].{name} is empty or holds what is no number of its kind")


def of_sentence(prosody: Prosody, sentence: Sentence, *, n_words: int, n_sentences: int) -> TokenProsody:
    """What a prosody asks for of one sentence; n_words, n_sentences: of the text, before it.

    Raises ParameterError where curves are given, but none that is of this sentence.
    """
    spoken = list(dict.fromkeys(owner for owner in sentence.word_of_symbol if owner >= 0))
    place_of_word = {word: n_words + place for place, word in enumerate(spoken)}
    manners = [prosody.words.get(place_of_word.get(word, -1), Manner()) for word in _word_of_token(sentence)]

    def values(name: str) -> NDArray[np.float32]:
        whole, each = getattr(prosody, name), [getattr(manner, name) for manner in manners]
        return np.array([_combined(name, whole, one) for one in each], np.float32)

    return TokenProsody(
        **{each.name: values(each.name) for each in fields(Manner)},
        curves=_curves(prosody.curves, sentence, n_sentences) if prosody.curves else None,
    )


def count_words(sentence: Sentence) -> int:
    """How many words of a sentence are said."""
    return len({owner for owner in sentence.word_of_symbol if owner >= 0})


def _combined(name: str, whole: float, one: float) -> float:
    return whole * one if name in ("duration_scale", "pitch_range") else whole + one


def _word_of_token(sentence: Sentence) -> list[int]:
    """The word each token belongs to, -1 for none; a layout's blank belongs to the symbol before it."""
    owners, last = [], -1
    for symbol in sentence.symbol_of_token:
        last = sentence.word_of_symbol[symbol] if symbol >= 0 else last
        owners.append(last)
    return owners


def _curves(curves: Sequence[Curves], sentence: Sentence, place: int) -> Curves:
    if place >= len(curves):
        raise ParameterError(f"curves holds {len(curves)}, but the text has more sentences: give one for each")
    found = curves[place]
    if len(found.frames_per_token) != len(sentence.tokens):
        raise ParameterError(
            f"curves[{place}].frames_per_token has {len(found.frames_per_token)} values, but the sentence "
            f"{sentence.text[:30]!r} has {len(sentence.tokens)} tokens: give back what the same text gave"
        )
    return found
