"""Words to phonemes (IPA, jamo), one clause at a time, each word's phonemes known."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from sonorant.config import config
from sonorant.errors import ConfigError, MissingExtraError
from sonorant.text import hangul as hangul_
from sonorant.text.korean import pronounce_phrase

if TYPE_CHECKING:
    from phonemizer.backend.espeak.wrapper import EspeakWrapper


class Spoken(NamedTuple):
    """A word's phonemes in its clause. `joined`: no word break before it ("of the" is said as one: ʌvðə)."""

    ipa: str
    joined: bool = False


class Phonemizer(Protocol):
    """Turns the words of one clause into phonemes."""

    @property
    def name(self) -> str:
        """What to call it where a word's way is explained."""
        ...

    def __call__(self, words: Sequence[str]) -> list[Spoken]:
        """One `Spoken` per word, in order; an empty `ipa` where nothing can be said."""
        ...


@config
class EspeakConfig:
    """espeak-ng with one of its voices, such as `en-us` or `fr-fr`."""

    kind: Literal["espeak"] = "espeak"
    voice: str


@config
class CharactersConfig:
    """No phonemes: the voice was trained on characters."""

    kind: Literal["characters"] = "characters"
    lower: bool = False


@config
class KoreanConfig:
    """Hangul as the Standard Pronunciation of Korean has it, in conjoining jamo, by rules of our own.

    relaxed: where it allows a second pronunciation, that one, which is the one mostly heard: the particle 의 is [에].
    """

    kind: Literal["korean"] = "korean"
    relaxed: bool = False


PhonemizerConfig = EspeakConfig | CharactersConfig | KoreanConfig


def build_phonemizer(cfg: PhonemizerConfig) -> Phonemizer:
    """The phonemizer a configuration names."""
    match cfg:
        case EspeakConfig():
            return Espeak(cfg.voice)
        case CharactersConfig():
            return Characters(lower=cfg.lower)
        case KoreanConfig():
            return Korean(relaxed=cfg.relaxed)


@dataclass(frozen=True)
class Characters:
    """Words stand for themselves."""

    lower: bool
    name: str = "characters"

    def __call__(self, words: Sequence[str]) -> list[Spoken]:
        return [Spoken(word.lower() if self.lower else word) for word in words]


_SILENT_IN_WORDS = str.maketrans("", "", "'-\u200c\u200d")


@dataclass(frozen=True)
class Korean:
    """Words of Hangul to conjoining jamo. A word with any other letter is answered with nothing, and so is reported."""

    relaxed: bool
    name: str = "standard Korean"

    def __call__(self, words: Sequence[str]) -> list[Spoken]:
        spelled = [unicodedata.normalize("NFC", word).translate(_SILENT_IN_WORDS) for word in words]
        hangul = [word if all(map(hangul_.is_syllable, word)) else "" for word in spelled]
        return [Spoken(hangul_.to_jamo(said)) for said in pronounce_phrase(hangul, relaxed=self.relaxed)]


# espeak-ng's own second names of some voices, which its list does not show.
_ALIASES = {"en": "en-gb", "fr": "fr-fr", "no": "nb", "zh": "cmn"}
# espeak marks a word it reads by another language's rules: "(en)hello(fr)".
_LANGUAGE_SWITCH = re.compile(r"\([^)]*\)")
_STRESS = str.maketrans("", "", "ˈˌ-")


class _Engine:
    """The one espeak-ng of the process: it has global state, so calls take turns."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
            from phonemizer.backend.espeak.wrapper import EspeakWrapper
        except ImportError:
            raise MissingExtraError(
                "this voice's phonemizer, espeak-ng,", package="phonemizer-fork", extra="espeak"
            ) from None
        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        self._wrapper: EspeakWrapper = EspeakWrapper()
        self._voice = ""
        self._lock = threading.Lock()
        self.version = ".".join(map(str, self._wrapper.version))
        self.voices = frozenset(voice.language for voice in self._wrapper.available_voices())

    def __call__(self, text: str, voice: str) -> str:
        with self._lock:
            if voice != self._voice:
                self._wrapper.set_voice(voice)
                self._voice = voice
            phonemes: str = self._wrapper.text_to_phonemes(text)
        return _LANGUAGE_SWITCH.sub("", phonemes.replace("_", ""))


_STARTING = threading.Lock()


def _engine() -> _Engine:
    with _STARTING:
        return _started_engine()


@cache
def _started_engine() -> _Engine:
    return _Engine()


@dataclass(frozen=True)
class Espeak:
    """espeak-ng in this process, through wheels. Many clauses a second; safe to call from several threads."""

    voice: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "voice", _ALIASES.get(self.voice, self.voice))
        known = _engine().voices
        if self.voice not in known:
            near = sorted(v for v in known if v.split("-")[0] == self.voice.split("-")[0].lower())
            hint = f"; it has {', '.join(near)}" if near else ""
            raise ConfigError(f"espeak-ng {_engine().version} has no voice {self.voice!r}{hint}")

    @property
    def name(self) -> str:
        return f"espeak-ng {_engine().version} {self.voice}"

    def __call__(self, words: Sequence[str]) -> list[Spoken]:
        if not words:
            return []
        if self.voice.startswith("en"):
            words = [_spelled(words, index) for index in range(len(words))]
        groups = _engine()(" ".join(words), self.voice).split()
        if len(groups) == len(words):
            return [Spoken(group) for group in groups]
        alone = [_alone(word, self.voice) for word in words]
        # Where both ends plainly agree there is nothing to share out.
        short = min(len(groups), len(alone))
        head = next((at for at in range(short) if _unlike(alone[at], groups[at]) > 0), short)
        tail = next((at for at in range(short - head) if _unlike(alone[-1 - at], groups[-1 - at]) > 0), short - head)
        stop_alone, stop_groups = len(alone) - tail, len(groups) - tail
        return [
            *map(Spoken, groups[:head]),
            *_share_out(groups[head:stop_groups], alone[head:stop_alone]),
            *map(Spoken, groups[stop_groups:]),
        ]


def _spelled(words: Sequence[str], index: int) -> str:
    """English "A" among letters, as in "A M", is the letter's name; espeak-ng would say the article."""
    near = (*words[max(0, index - 1) : index], *words[index + 1 : index + 2])
    is_letter = words[index] == "A" and any(len(word) == 1 and word.isupper() and word != "I" for word in near)
    return "eigh" if is_letter else words[index]


@lru_cache(maxsize=65536)
def _alone(word: str, voice: str) -> str:
    return "".join(_engine()(word, voice).split())


def _share_out(groups: Sequence[str], alone: Sequence[str]) -> list[Spoken]:
    """Say which of espeak's groups belong to which words, where it joined or split words.

    groups: espeak's output for the clause, cut at spaces. alone: each word said by itself.
    The cheapest way to cover all groups by all words, by likeness of length, first and last phoneme.
    """
    n, m = len(alone), len(groups)
    band = abs(n - m) + 3
    best: dict[tuple[int, int], tuple[float, int, int]] = {(0, 0): (0.0, 0, 0)}
    for i in range(n + 1):
        for j in range(max(0, i - band), min(m, i + band) + 1):
            if (i, j) not in best:
                continue
            cost = best[i, j][0]
            steps = [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3), (1, 4), (1, 0), (0, 1)]
            for words, parts in steps:
                to = (i + words, j + parts)
                if to[0] > n or to[1] > m:
                    continue
                step = _unlike("".join(alone[i : to[0]]), "".join(groups[j : to[1]]))
                # Words that yield nothing, and groups out of nowhere, are the last resort.
                step += 4.0 * (words == 0) + (4.0 if parts == 0 and alone[i] else 0.0)
                if to not in best or cost + step < best[to][0]:
                    best[to] = (cost + step, words, parts)
    if (n, m) not in best:
        # So unlike that no banded cover exists: give every word what it says alone.
        return [Spoken(ipa) for ipa in alone]
    spoken: list[Spoken] = []
    at = (n, m)
    while at != (0, 0):
        _, words, parts = best[at]
        i, j = at[0] - words, at[1] - parts
        said = " ".join(groups[j : at[1]])
        if words == 0 and spoken:
            spoken[-1] = Spoken(f"{said} {spoken[-1].ipa}", spoken[-1].joined)
        elif words == 0:
            spoken.append(Spoken(said))  # merged into its left neighbour below
        else:
            spoken += reversed(_cut(said, alone[i : at[0]]))
        at = (i, j)
    spoken.reverse()
    while len(spoken) > n:
        tail = spoken.pop()
        spoken[-1] = Spoken(f"{spoken[-1].ipa} {tail.ipa}", spoken[-1].joined)
    return spoken


def _unlike(expected: str, found: str) -> float:
    a, b = expected.translate(_STRESS), found.translate(_STRESS)
    if not a or not b:
        return float(len(a) + len(b))
    return abs(len(a) - len(b)) + 1.5 * (a[0] != b[0]) + 0.75 * (a[-1] != b[-1])


def _cut(said: str, alone: Sequence[str]) -> list[Spoken]:
    """Cut one group said for several words where the pieces are most like the words alone."""
    if len(alone) == 1:
        return [Spoken(said)]
    first, rest = alone[0], alone[1:]
    remaining = "".join(rest)
    # A stress mark belongs to what follows it, so a cut never comes right after one.
    places = [at for at in range(1, len(said)) if said[at - 1] not in "ˈˌ"] or [len(said)]
    at = min(places, key=lambda place: _unlike(first, said[:place]) + _unlike(remaining, said[place:]))
    return [Spoken(said[:at]), *(Spoken(part.ipa, joined=True) for part in _cut(said[at:], rest))]
