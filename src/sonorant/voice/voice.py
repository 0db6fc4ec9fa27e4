"""A voice speaks: text in, samples and times out. A voice of several speakers may also convert speech among them."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonorant.audio import blocks as recordings
from sonorant.audio.io import Samples
from sonorant.errors import ParameterError, TextError, VoiceError
from sonorant.text.frontend import Frontend, Sentence
from sonorant.text.lexicon import Lexicon
from sonorant.text.paragraphs import paragraphs
from sonorant.voice import prosody as prosodies
from sonorant.voice.bundle import Bundle
from sonorant.voice.frontends import frontend_for
from sonorant.voice.manifest import SynthesisSettings
from sonorant.voice.prosody import Curves, Prosody, TokenProsody
from sonorant.voice.ranges import in_range
from sonorant.voice.runtime import Noise, Runtime, SpokenTokens
from sonorant.voice.speech import Speech, TimedPhoneme, TimedSentence, TimedWord, join

_RANGES = {
    "length_scale": (0.1, 10.0),
    "noise_scale": (0.0, 3.0),
    "noise_scale_duration": (0.0, 3.0),
    "sentence_pause_s": (0.0, 60.0),
    "paragraph_pause_s": (0.0, 60.0),
}
_MAX_SEED = 2**63 - 1


class Voice:
    """A loaded voice.

    `say` gives a whole text, `stream` its sentences as they are made; `convert` gives a recording to another speaker,
    `convert_stream` does it piece by piece.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.runtime = runtime

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def sample_rate_hz(self) -> int:
        return self.manifest.sample_rate_hz

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, the default first."""
        return self.manifest.speakers

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages, the default first."""
        return tuple(language.code for language in self.manifest.frontend.languages)

    def say(
        self,
        text: str,
        *,
        speaker: str | None = None,
        language: str | None = None,
        seed: int | None = None,
        length_scale: float | None = None,
        noise_scale: float | None = None,
        noise_scale_duration: float | None = None,
        sentence_pause_s: float | None = None,
        paragraph_pause_s: float | None = None,
        lexicon: Mapping[str, str] | Lexicon | None = None,
        prosody: Prosody | None = None,
    ) -> Speech:
        """Speak a text, paragraphs divided by blank lines. What is None is as the voice has it; a None seed is drawn.

        A speaker speaks its own language unless told otherwise; a language alone is spoken by the first whose it is.
        length_scale: above 1 is slower. noise_scale: liveliness of the sound. noise_scale_duration: of the rhythm.
        lexicon: written word -> IPA, for this call. prosody: another pace, pitch and energy, of voices that draw them.
        Raises TextError when there is nothing to say, VoiceError for an unknown speaker or language, or a prosody or
        noise of a voice that has none, ParameterError for a number out of range.
        """
        seed = _seed(seed)
        pieces = list(
            self.stream(
                text,
                speaker=speaker,
                language=language,
                seed=seed,
                length_scale=length_scale,
                noise_scale=noise_scale,
                noise_scale_duration=noise_scale_duration,
                sentence_pause_s=sentence_pause_s,
                paragraph_pause_s=paragraph_pause_s,
                lexicon=lexicon,
                prosody=prosody,
            )
        )
        return join(pieces, sample_rate_hz=self.sample_rate_hz, seed=seed)

    def stream(
        self,
        text: str | Iterable[str],
        *,
        speaker: str | None = None,
        language: str | None = None,
        seed: int | None = None,
        length_scale: float | None = None,
        noise_scale: float | None = None,
        noise_scale_duration: float | None = None,
        sentence_pause_s: float | None = None,
        paragraph_pause_s: float | None = None,
        lexicon: Mapping[str, str] | Lexicon | None = None,
        prosody: Prosody | None = None,
    ) -> Iterator[Speech]:
        """As `say`, one sentence at a time, times counted from each piece's start; joined they are what `say` gives.

        text: a string, or an iterable of lines, read only as far as needed. Parameters are checked at once.
        """
        if not isinstance(text, Iterable):
            raise TextError(f"the text is {type(text).__name__}, expected a string or lines of one")
        if speaker is None and language is not None:
            frontend = self.frontend(language, lexicon=lexicon)
            index = self._native_speaker(frontend.language.code)
        else:
            index = self._speaker(speaker)
            asked = self.manifest.native_language(self.speakers[index]) if language is None else language
            frontend = self.frontend(asked, lexicon=lexicon)
        settings = _checked(
            self.manifest.synthesis,
            length_scale=length_scale,
            noise_scale=noise_scale,
            noise_scale_duration=noise_scale_duration,
            sentence_pause_s=sentence_pause_s,
            paragraph_pause_s=paragraph_pause_s,
        )
        for name, value in (("noise_scale", noise_scale), ("noise_scale_duration", noise_scale_duration)):
            if value is not None and name not in self.runtime.noises:
                drawn = "sound" if name == "noise_scale" else "rhythm"
                raise VoiceError(
                    f"voice {self.name!r} is a {self.manifest.system} that leaves nothing in its {drawn} to chance: "
                    f"leave {name} out"
                )
        if prosody is not None:
            prosodies.check(prosody)
            if not self.runtime.draws_curves:
                raise VoiceError(
                    f"voice {self.name!r} is a {self.manifest.system}, which draws no pitch and energy to be changed: "
                    "leave prosody and curves out (length_scale changes its pace), or take a cvae_jets"
                )
            if length_scale is not None and any(curves.durations_s is not None for curves in prosody.curves):
                raise ParameterError(
                    "found both length_scale and curves with durations_s, which are how long tokens last; leave "
                    "length_scale out, and change their pace by the prosody's duration_scale"
                )
        lines = text.splitlines() if isinstance(text, str) else text
        return self._stream(lines, frontend, index, settings, _seed(seed), prosody)

    def convert(
        self,
        samples: Samples,
        sample_rate_hz: int,
        *,
        speaker: str,
        source: str | None = None,
        seed: int | None = None,
        noise_scale: float = 1.0,
    ) -> Speech:
        """Give a recording of one of the voice's speakers to another. The speech has no words or times, only samples.

        samples: mono floats [N] in [-1, 1], at any rate; what comes back is at the voice's rate and may lack the last
        incomplete frame. speaker: who is to be heard; source: who is heard in the recording, with two speakers the
        other one if it is None. noise_scale: 1 is what the voice was trained with, 0 leaves chance out.
        Raises VoiceError when the voice cannot convert or lacks the speaker, ParameterError for a number out of range,
        AudioError when the recording is too short, silent or broken.
        """
        seed = _seed(seed)
        pieces = self.convert_stream(
            [samples], sample_rate_hz, speaker=speaker, source=source, seed=seed, noise_scale=noise_scale
        )
        return join(list(pieces), sample_rate_hz=self.sample_rate_hz, seed=seed)

    def convert_stream(
        self,
        blocks: Iterable[Samples],
        sample_rate_hz: int,
        *,
        speaker: str,
        source: str | None = None,
        seed: int | None = None,
        noise_scale: float = 1.0,
    ) -> Iterator[Speech]:
        """As `convert`, in bounded memory: pieces of some 20 s, which joined are what `convert` gives.

        blocks: consecutive samples, read only as far as needed. Parameters are checked at once, samples as they come;
        that all were silent is found at the end.
        """
        target = self._converted_speaker(speaker)
        origin = self._speaker(source if source is not None else self.source_for(speaker))
        noise = _noise(seed := _seed(seed))
        noise_scale = in_range("noise_scale", noise_scale, *_RANGES["noise_scale"])
        found = recordings.checked(blocks, sample_rate_hz=sample_rate_hz)
        found = recordings.resampled(found, from_hz=int(sample_rate_hz), to_hz=self.sample_rate_hz)
        pieces = self.runtime.convert(found, source=origin, target=target, noise=noise, noise_scale=noise_scale)
        return (Speech(piece, self.sample_rate_hz, (), (), (), seed) for piece in pieces)

    def source_for(self, speaker: str) -> str:
        """Who is heard in a recording to be given to a speaker, when nobody says it: the other of two.

        Raises VoiceError when the voice has not two speakers, or not this one.
        """
        self._converted_speaker(speaker)
        others = [name for name in self.speakers if name != speaker]
        if len(others) > 1:
            raise VoiceError(
                f"voice {self.name!r} has {len(self.speakers)} speakers: say with source which of them is heard in the "
                f"recording, one of {_listed(self.speakers)}"
            )
        return others[0]

    def frontend(self, language: str | None = None, *, lexicon: Mapping[str, str] | Lexicon | None = None) -> Frontend:
        """The way from text to this voice's tokens, for one of its languages. Raises VoiceError, TextError."""
        return frontend_for(self.bundle, language, lexicon=lexicon)

    def _stream(
        self,
        lines: Iterable[str],
        frontend: Frontend,
        speaker: int,
        settings: SynthesisSettings,
        seed: int,
        prosody: Prosody | None,
    ) -> Iterator[Speech]:
        language = self.manifest.frontend.languages.index(frontend.language)
        said = False
        n_words = n_sentences = 0
        unsaid: Counter[str] = Counter()  # of sentences that gave nothing to speak, told with the next piece
        for paragraph in paragraphs(lines):
            for sentence in frontend(paragraph):
                if not sentence.tokens and sentence.pause_s is None:
                    unsaid.update(sentence.unknown)
                    continue
                noise = _noise(seed, *sentence.tokens)  # so a sentence sounds the same wherever it stands
                asked = None
                if prosody is not None and sentence.tokens:
                    asked = prosodies.of_sentence(prosody, sentence, n_words=n_words, n_sentences=n_sentences)
                    n_words, n_sentences = n_words + prosodies.count_words(sentence), n_sentences + 1
                spoken = self._spoken(sentence, speaker, language, settings, noise, asked)
                said = said or bool(sentence.tokens)
                yield self._piece(sentence, spoken, settings, seed, unsaid)
                unsaid.clear()
        if prosody is not None and said:
            prosodies.check_places(prosody, n_words=n_words, n_sentences=n_sentences)
        if said and unsaid:
            yield Speech(np.zeros(0, np.float32), self.sample_rate_hz, (), (), (), seed, dict(unsaid))
        if not said:
            what = ", ".join(sorted(unsaid))[:60]
            raise TextError(
                f"there is nothing to say: the text holds no word{f', only {what}' if what else ''}; give some words"
            )

    def _spoken(
        self,
        sentence: Sentence,
        speaker: int,
        language: int,
        settings: SynthesisSettings,
        noise: Noise,
        prosody: TokenProsody | None,
    ) -> SpokenTokens:
        if not sentence.tokens:
            return SpokenTokens(np.zeros(0, np.float32), np.zeros(0, np.int64))
        return self.runtime.speak(
            sentence.tokens,
            speaker=speaker,
            language=language,
            noise=noise,
            length_scale=settings.length_scale,
            noise_scale=settings.noise_scale,
            noise_scale_duration=settings.noise_scale_duration,
            prosody=prosody,
        )

    def _piece(
        self, sentence: Sentence, spoken: SpokenTokens, settings: SynthesisSettings, seed: int, unsaid: Counter[str]
    ) -> Speech:
        pause_s = sentence.pause_s
        if pause_s is None:
            pause_s = settings.paragraph_pause_s if sentence.ends_paragraph else settings.sentence_pause_s
        silence = np.zeros(round(pause_s * self.sample_rate_hz), np.float32)
        words, phonemes = _times(sentence, spoken, self.sample_rate_hz)
        return Speech(
            samples=np.concatenate([spoken.samples, silence]),
            sample_rate_hz=self.sample_rate_hz,
            words=words,
            phonemes=phonemes,
            sentences=(TimedSentence(sentence.text, 0.0, len(spoken.samples) / self.sample_rate_hz),)
            if sentence.tokens
            else (),
            seed=seed,
            unknown=dict(Counter(sentence.unknown) + unsaid),
            curves=_curves(spoken, self.sample_rate_hz),
        )

    def _native_speaker(self, code: str) -> int:
        """The first speaker whose own language this is; the first of all where nobody's is."""
        natives = [index for index, name in enumerate(self.speakers) if self.manifest.native_language(name) == code]
        return natives[0] if natives else 0

    def _speaker(self, speaker: str | None) -> int:
        if speaker is None:
            return 0
        if speaker in self.speakers:
            return self.speakers.index(speaker)
        raise VoiceError(f"voice {self.name!r} has no speaker {speaker!r}; it has {_listed(self.speakers)}")

    def _converted_speaker(self, speaker: str) -> int:
        """The speaker's row. Raises VoiceError when the voice lacks the speaker, or cannot convert."""
        if len(self.speakers) == 1:
            raise VoiceError(f"voice {self.name!r} has one speaker, so there is no other to convert speech to or from")
        if not self.runtime.converts:
            raise VoiceError(
                f"voice {self.name!r} cannot convert speech, for it holds no posterior encoder: make one that does "
                "with 'sonorant voices export-run RUN OUT --convert', or import it from a checkpoint that has one"
            )
        return self._speaker(speaker)


def load_voice(name_or_path: str | os.PathLike[str] | None = None) -> Voice:
    """Load a voice by its name among the user's voices, or by the path of its folder; None is the default voice.

    Raises VoiceError when there is none, when it is damaged, or when no installed runtime can run it.
    """
    from sonorant.voice import default, packaged

    folder = default.find(name_or_path)
    try:
        return load(folder)
    except VoiceError:
        if name_or_path != packaged.NAME or not packaged.is_packaged():
            raise
        return load(packaged.folder(anew=True))


def load(folder: Path) -> Voice:
    """Load a voice folder. Raises VoiceError."""
    bundle = Bundle.read(folder)
    from sonorant.voice.runtime_torch import TorchRuntime

    return Voice(bundle, TorchRuntime.load(bundle))


def _checked(defaults: SynthesisSettings, **asked: float | None) -> SynthesisSettings:
    settings = replace(defaults, **{name: value for name, value in asked.items() if value is not None})
    for name in (field.name for field in fields(SynthesisSettings)):
        in_range(name, getattr(settings, name), *_RANGES[name])
    return settings


def _seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(31)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= _MAX_SEED:
        raise ParameterError(f"seed is {seed!r}, expected a whole number from 0 to {_MAX_SEED}")
    return int(seed)


def _listed(speakers: tuple[str, ...]) -> str:
    return ", ".join(speakers[:12]) + (f" and {len(speakers) - 12} more" if len(speakers) > 12 else "")


def _noise(*entropy: int) -> Noise:
    """Noise that depends on these numbers alone."""
    generator = np.random.default_rng(entropy)

    def draw(shape: tuple[int, ...]) -> NDArray[np.float32]:
        return generator.standard_normal(shape, dtype=np.float32)

    return draw


def _curves(spoken: SpokenTokens, sample_rate_hz: int) -> tuple[Curves, ...]:
    """What was drawn over a sentence, if anything was."""
    if spoken.pitch_hz is None or spoken.energy_db is None:
        return ()
    frame_s = len(spoken.samples) / sample_rate_hz / max(1, len(spoken.pitch_hz))
    return (
        Curves(
            durations_s=tuple((spoken.frames_per_token * frame_s).tolist()),
            pitch_hz=tuple(spoken.pitch_hz.tolist()),
            energy_db=tuple(spoken.energy_db.tolist()),
        ),
    )


def _times(
    sentence: Sentence, spoken: SpokenTokens, sample_rate_hz: int
) -> tuple[tuple[TimedWord, ...], tuple[TimedPhoneme, ...]]:
    """When words and symbols sound. A layout's blank belongs to the symbol before it, the first ones to none."""
    n_frames = int(spoken.frames_per_token.sum())
    frame_s = len(spoken.samples) / sample_rate_hz / max(1, n_frames)
    ends = np.cumsum(spoken.frames_per_token) * frame_s
    starts = ends - spoken.frames_per_token * frame_s
    symbol_start: dict[int, float] = {}
    symbol_end: dict[int, float] = {}
    for token, symbol in enumerate(sentence.symbol_of_token):
        if symbol >= 0:
            symbol_start[symbol] = float(starts[token])
            symbol_end[symbol] = float(ends[token])
            last = symbol
        elif symbol_end:
            symbol_end[last] = float(ends[token])
    phonemes = tuple(
        TimedPhoneme(symbol, symbol_start[index], symbol_end[index])
        for index, symbol in enumerate(sentence.symbols)
        if index in symbol_start
    )
    words: list[TimedWord] = []
    for index, word in enumerate(sentence.words):
        mine = [
            symbol for symbol, owner in enumerate(sentence.word_of_symbol) if owner == index and symbol in symbol_start
        ]
        if mine:
            words.append(TimedWord(word.text, word.phonemes, symbol_start[mine[0]], symbol_end[mine[-1]]))
    return tuple(words), phonemes
