"""Whether a voice does as it is asked: pitch, energy and pace that were asked for, beside what is measured.

    python benchmarks/prosody.py VOICE --speaker allison-en --texts benchmarks/texts/en.txt

The voice, one that draws its pitch and energy, says each text as it would, and again asked for something else, with the
same noise. Pitch is tracked (swift-f0) where both are voiced; as all durations are the same, frames lie over each
other. Energy is that of frames above the quietest tenth, by their root mean square; pace, the length of what is said.
A semitone is 6 % of a pitch. Then the same of the word in the midst of each text alone, measured within it. Figures
are medians over texts and, in parentheses, the middle half of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonorant import Manner, Prosody, Speech, load_voice
from sonorant.audio.pitch import PitchTracker
from sonorant.voice.speech import TimedSentence
from sonorant.voice.voice import Voice

_FRAME_S = 0.016
Measure = Callable[[Speech, Speech], float]


def semitones(tracker: PitchTracker, asked: Speech, plain: Speech) -> float:
    """How much higher the one is, the median over frames where both have voice."""
    one, other = (tracker(speech.samples, speech.sample_rate_hz) for speech in (asked, plain))
    n = min(len(one), len(other))
    both = (one[:n] > 0) & (other[:n] > 0)
    return float(np.median(12 * np.log2(one[:n][both] / other[:n][both]))) if both.any() else float("nan")


def decibels(asked: Speech, plain: Speech) -> float:
    """How much louder the one is, the median over frames in which something is said."""
    one, other = (_levels_db(speech) for speech in (asked, plain))
    n = min(len(one), len(other))
    said = other[:n] > np.quantile(other[:n], 0.1)
    return float(np.median(one[:n][said] - other[:n][said]))


def pace(asked: Speech, plain: Speech) -> float:
    """How much longer the one takes, pauses left out."""
    return _spoken_s(asked) / _spoken_s(plain)


def compare(voice: Voice, speaker: str | None, texts: list[str], manner: Manner, measure: Measure) -> list[float]:
    """What is measured of each text, when all of it is asked for."""
    found = []
    for text in texts:
        plain = voice.say(text, speaker=speaker, seed=0)
        found.append(measure(voice.say(text, speaker=speaker, seed=0, prosody=Prosody(**asdict(manner))), plain))
    return found


def compare_words(voice: Voice, speaker: str | None, texts: list[str], manner: Manner, measure: Measure) -> list[float]:
    """What is measured within the word in the midst of each text, when it alone is asked for."""
    found = []
    for text in texts:
        plain = voice.say(text, speaker=speaker, seed=0)
        place = len(plain.words) // 2
        asked = voice.say(text, speaker=speaker, seed=0, prosody=Prosody(words={place: manner}))
        found.append(measure(_word(asked, place), _word(plain, place)))
    return found


def _word(speech: Speech, place: int) -> Speech:
    """That word alone."""
    word = speech.words[place]
    begin, end = (round(at_s * speech.sample_rate_hz) for at_s in (word.start_s, word.end_s))
    sentence = TimedSentence(word.text, word.start_s, word.end_s)
    return replace(speech, samples=speech.samples[begin:end], sentences=(sentence,))


def _levels_db(speech: Speech) -> NDArray[np.float64]:
    hop = round(_FRAME_S * speech.sample_rate_hz)
    frames = speech.samples[: len(speech.samples) // hop * hop].reshape(-1, hop).astype(np.float64)
    return 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-6)


def _spoken_s(speech: Speech) -> float:
    return sum(sentence.end_s - sentence.start_s for sentence in speech.sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("voice")
    parser.add_argument("--speaker")
    parser.add_argument("--texts", type=Path, default=Path(__file__).parent / "texts" / "en.txt")
    parser.add_argument("--limit", type=int, default=20)
    given = parser.parse_args()
    voice, tracker = load_voice(given.voice), PitchTracker()
    texts = given.texts.read_text(encoding="utf-8").splitlines()[: given.limit]

    def pitch(asked: Speech, plain: Speech) -> float:
        return semitones(tracker, asked, plain)

    rows: list[tuple[str, Manner, Measure, str]] = [
        *((f"pitch_shift {n:+d}", Manner(pitch_shift=n), pitch, "semitones") for n in (-4, -2, 2, 4)),
        *((f"energy_gain_db {n:+d}", Manner(energy_gain_db=n), decibels, "dB") for n in (-6, -3, 3, 6)),
        *((f"duration_scale {n}", Manner(duration_scale=n), pace, "times") for n in (0.8, 1.2, 1.5)),
    ]
    print(f"| {voice.name}, {len(texts)} texts | asked for | measured | of one word |\n|---|---|---|---|")
    for name, manner, measure, unit in rows:
        told = []
        for comparing in (compare, compare_words):
            found = comparing(voice, given.speaker, texts, manner, measure)
            low, middle, high = np.nanquantile(found, (0.25, 0.5, 0.75))
            told.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        setting, asked_for = name.split()
        print(f"| {setting} | {asked_for} {unit} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
