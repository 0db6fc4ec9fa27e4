"""Asking a voice for another tone: its pace, its pitch, its energy, for a whole text, for words, or as whole curves.

For voices whose network draws such curves, as a CVAE-JETS does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise

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
    "energy_range": (0.0, 4.0),
}
_FACTORS = ("duration_scale", "pitch_range", "energy_range")
"""What multiplies, where a word's is beside the text's; the others add."""
_CURVE_RANGES = {"durations_s": (0.0, 30.0), "pitch_hz": (0.0, 2000.0), "energy_db": (-200.0, 200.0)}


@config
class Manner:
    """How something is to be said, beside how the voice would.

    duration_scale: above 1 is slower. pitch_shift: in semitones. pitch_range: how far pitch strays from the speaker's
    mean, in shares of what it would. energy_gain_db: louder, as a speaker is who speaks up. energy_range: likewise.
    """

    duration_scale: float = 1.0
    pitch_shift: float = 0.0
    pitch_range: float = 1.0
    energy_gain_db: float = 0.0
    energy_range: float = 1.0


@config
class Curves:
    """What a voice drew over one sentence; it may be changed and given back. What is None is as the voice would.

    durations_s: how long each of the model's tokens lasts, whatever the voice's length_scale. pitch_hz, energy_db:
    values at equal distances over the sentence, as many as one likes, each of which holds for its share; pitch is 0
    where there is no voice. Any sequences of numbers are taken, arrays among them. Raises ParameterError for anything
    else.
    """

    durations_s: tuple[float, ...] | None = None
    pitch_hz: tuple[float, ...] | None = None
    energy_db: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in _CURVE_RANGES:
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _numbers(name, values))


@config
class Prosody(Manner):
    """How a text is to be said: all of it, and some of its words beside that.

    words: by their places in the text, counted from 0 as in `Speech.words`. curves: one for each sentence, in place of
    the voice's own; what is asked for beside changes them.
    """

    words: Mapping[int, Manner] = field(default_factory=dict)
    curves: tuple[Curves, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.words, Mapping):
            raise ParameterError(f"words is {_shown(self.words)}, expected the places of words, each with its Manner")
        for place, manner in self.words.items():
            if isinstance(place, bool) or not isinstance(place, int) or not isinstance(manner, Manner):
                raise ParameterError(
                    f"words has {_shown(place)}: {_shown(manner)}, expected places, whole numbers, each with a Manner"
                )
        if not isinstance(self.curves, Sequence) or not all(isinstance(each, Curves) for each in self.curves):
            raise ParameterError(f"curves is {_shown(self.curves)}, expected a list of Curves, one for each sentence")
        object.__setattr__(self, "curves", tuple(self.curves))


@dataclass(frozen=True)
class TokenProsody:
    """The same for the tokens of one sentence: each float32 [L]. curves: in place of the network's own."""

    duration_scale: NDArray[np.float32]
    pitch_shift: NDArray[np.float32]
    pitch_range: NDArray[np.float32]
    energy_gain_db: NDArray[np.float32]
    energy_range: NDArray[np.float32]
    curves: Curves | None = None


def check(prosody: Prosody) -> None:
    """Raises ParameterError for what is no prosody, and for a number out of range."""
    if not isinstance(prosody, Prosody):
        raise ParameterError(f"prosody is {_shown(prosody)}, expected a Prosody, such as Prosody(pitch_shift=2)")
    for name, (low, high) in _RANGES.items():
        whole = in_range(name, getattr(prosody, name), low, high)
        for word, manner in prosody.words.items():
            own = in_range(f"words[{word}].{name}", getattr(manner, name), low, high)
            in_range(f"words[{word}].{name} with the text's own", _combined(name, whole, own), low, high)
    if (first := min(prosody.words, default=0)) < 0:
        raise ParameterError(f"words has the place {first}, expected places from 0 on")
    for place, curves in enumerate(prosody.curves):
        for name, (low, high) in _CURVE_RANGES.items():
            values = getattr(curves, name)
            if values is not None and not values:
                raise ParameterError(f"curves[{place}].{name} is empty, expected numbers, or null for the voice's own")
            for index, value in enumerate(values or ()):
                in_range(f"curves[{place}].{name}[{index}]", value, low, high)
        if curves.durations_s is not None and not sum(curves.durations_s):
            raise ParameterError(f"curves[{place}].durations_s holds only zeros, expected at least one that lasts")


def check_places(prosody: Prosody, *, n_words: int, n_sentences: int) -> None:
    """Raises ParameterError for a word or a sentence that a text, of so many, has not."""
    if (last := max(prosody.words, default=-1)) >= n_words:
        raise ParameterError(
            f"prosody.words has the place {last}, but the text has {n_words} words, and the first is 0: ask for those "
            "alone"
        )
    if len(prosody.curves) > n_sentences:
        raise ParameterError(
            f"prosody.curves holds {len(prosody.curves)}, but the text has {n_sentences} sentences: give one for each"
        )


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


def _numbers(name: str, values: object) -> tuple[float, ...]:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        array = np.zeros(())
    if array.ndim != 1:
        raise ParameterError(f"{name} is {_shown(values)}, expected a list of numbers")
    return tuple(array.tolist())


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _combined(name: str, whole: float, one: float) -> float:
    return whole * one if name in _FACTORS else whole + one


def _word_of_token(sentence: Sentence) -> list[int]:
    """The word each token belongs to, -1 for none; a layout's blank belongs to the symbol before it.

    A word that is said as several, as `1999` is, has what stands between them, too.
    """
    of_symbol = list(sentence.word_of_symbol)
    spoken = [place for place, word in enumerate(of_symbol) if word >= 0]
    for before, after in pairwise(spoken):
        if of_symbol[before] == of_symbol[after]:
            of_symbol[before:after] = [of_symbol[before]] * (after - before)
    owners, last = [], -1
    for symbol in sentence.symbol_of_token:
        last = of_symbol[symbol] if symbol >= 0 else last
        owners.append(last)
    return owners


def _curves(curves: Sequence[Curves], sentence: Sentence, place: int) -> Curves:
    if place >= len(curves):
        raise ParameterError(f"prosody.curves holds {len(curves)}, but the text has more sentences: give one for each")
    found = curves[place]
    if found.durations_s is not None and len(found.durations_s) != len(sentence.tokens):
        raise ParameterError(
            f"curves[{place}].durations_s has {len(found.durations_s)} values, but the sentence "
            f"{sentence.text[:30]!r} has {len(sentence.tokens)} tokens: give back what the same text gave"
        )
    return found
