"""A voice speaks: seeds, times, streams, parameters."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sonorant import Voice, load_voice
from sonorant.audio.io import read
from sonorant.errors import ParameterError, TextError, VoiceError

TEXT = "Hello there, my friend. How are you?\n\nFine, thanks."


def test_the_same_seed_gives_the_same_samples(tiny: Voice) -> None:
    first, again, other = (tiny.say(TEXT, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first.samples, again.samples)
    assert first.samples.dtype == np.float32
    assert len(first.samples) != len(other.samples) or not np.array_equal(first.samples, other.samples)


def test_a_drawn_seed_is_told_and_repeats(tiny: Voice) -> None:
    speech = tiny.say(TEXT)
    assert np.array_equal(tiny.say(TEXT, seed=speech.seed).samples, speech.samples)


def test_the_stream_joined_is_what_say_gives(tiny: Voice) -> None:
    pieces = list(tiny.stream(TEXT, seed=3))
    assert len(pieces) == 3
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), tiny.say(TEXT, seed=3).samples)


def test_the_stream_reads_only_what_it_needs(tiny: Voice) -> None:
    """An endless text can be spoken: its first sentences come before its end."""
    taken: list[int] = []

    def endless() -> itertools.chain[str]:
        return itertools.chain.from_iterable((taken.append(n) or "One two.", "") for n in itertools.count())  # type: ignore[func-returns-value]

    pieces = list(itertools.islice(tiny.stream(endless(), seed=0), 3))
    assert len(pieces) == 3
    assert len(taken) <= 5


def test_words_and_phonemes_have_times_in_order(tiny: Voice) -> None:
    speech = tiny.say(TEXT, seed=1)
    assert [word.text for word in speech.words] == "Hello there my friend How are you Fine thanks".split()
    for timed in (speech.words, speech.phonemes, speech.sentences):
        for before, after in itertools.pairwise(timed):
            assert before.start_s <= before.end_s <= after.start_s + 1e-9
        assert timed[0].start_s >= 0
        assert timed[-1].end_s <= speech.duration_s + 1e-9
    assert [s.text for s in speech.sentences] == ["Hello there, my friend.", "How are you?", "Fine, thanks."]


def test_pauses_are_silence_between_sentences(tiny: Voice) -> None:
    without = tiny.say(TEXT, seed=1, sentence_pause_s=0, paragraph_pause_s=0)
    with_them = tiny.say(TEXT, seed=1, sentence_pause_s=1, paragraph_pause_s=2)
    assert len(with_them.samples) - len(without.samples) == (1 + 2 + 2) * tiny.sample_rate_hz


def test_an_asked_pause_is_as_long_as_asked(tiny: Voice) -> None:
    a, b = tiny.say("One [pause:0.5s] two", seed=1), tiny.say("One [pause:1.5s] two", seed=1)
    assert len(b.samples) - len(a.samples) == tiny.sample_rate_hz


def test_a_longer_scale_is_slower(tiny: Voice) -> None:
    # Tokens of a voice with random weights last about a frame, the least they can: only a large scale shows.
    fast, slow = (tiny.say(TEXT, seed=1, length_scale=scale).duration_s for scale in (0.5, 10.0))
    assert slow > 1.5 * fast


def test_without_noise_the_seed_does_not_matter(tiny: Voice) -> None:
    quiet = {"noise_scale": 0.0, "noise_scale_duration": 0.0}
    assert np.array_equal(tiny.say("Hello.", seed=1, **quiet).samples, tiny.say("Hello.", seed=2, **quiet).samples)


def test_a_language_alone_is_spoken_by_the_first_whose_own_it_is(tiny_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_folder, tmp_path / "two")
    manifest = json.loads((tmp_path / "two" / "voice.json").read_text(encoding="utf-8"))
    second = manifest["frontend"]["languages"][1]["code"]
    manifest["language_of_speaker"] = {"second": second}
    (tmp_path / "two" / "voice.json").write_text(json.dumps(manifest), encoding="utf-8")
    voice = load_voice(tmp_path / "two")
    same = functools.partial(np.array_equal, voice.say("Hola.", language=second, seed=1).samples)
    assert same(voice.say("Hola.", speaker="second", seed=1).samples)
    assert not same(voice.say("Hola.", speaker="first", language=second, seed=1).samples)
    assert not same(voice.say("Hola.", seed=1).samples)


def test_speakers_differ_and_the_first_is_the_default(tiny: Voice) -> None:
    default, first, second = (tiny.say("Hello.", seed=1, speaker=name).samples for name in (None, "first", "second"))
    assert np.array_equal(default, first)
    assert default.shape != second.shape or not np.array_equal(default, second)


def test_languages_are_found_by_code_or_base(tiny: Voice) -> None:
    assert tiny.languages == ("en-us", "es")
    spanish = tiny.say("hola", seed=1, language="es").words[0].phonemes
    assert spanish == "ˈola"
    assert (
        tiny.say("hola", seed=1, language="en").words[0].phonemes
        == tiny.say("hola", seed=1).words[0].phonemes
        != spanish
    )


def test_a_lexicon_of_the_call_decides(tiny: Voice) -> None:
    assert tiny.say("A gif.", seed=1, lexicon={"GIF": "dʒˈɪf"}).words[1].phonemes == "dʒˈɪf"


def test_the_users_lexicon_is_heard(tiny: Voice, home: Path) -> None:
    folder = home / "lexicons"
    folder.mkdir()
    (folder / "en.txt").write_text("gif\tdʒˈɪfi\n", encoding="utf-8")
    try:
        assert tiny.say("A gif.", seed=1).words[1].phonemes == "dʒˈɪfi"
    finally:
        (folder / "en.txt").unlink()


def test_what_could_not_be_said_is_told(tiny: Voice) -> None:
    assert tiny.say("Nice 😀 day.", seed=1).unknown == {"😀": 1}


@pytest.mark.parametrize("text", ["😀😀\n\nHello.", "Hello.\n\n😀😀", "Hello 😀. Bye 😀."])
def test_what_could_not_be_said_is_told_wherever_it_stands(tiny: Voice, text: str) -> None:
    assert tiny.say(text, seed=1).unknown == {"😀": 2}


def test_parameters_are_checked_before_anything_is_spoken(tiny: Voice) -> None:
    with pytest.raises(ParameterError, match=r"length_scale is nan, expected a number from 0\.1 to 10"):
        tiny.stream("Hello.", length_scale=float("nan"))
    with pytest.raises(ParameterError, match="seed is -1"):
        tiny.stream("Hello.", seed=-1)
    with pytest.raises(VoiceError, match="no speaker 'x'"):
        tiny.stream("Hello.", speaker="x")
    with pytest.raises(VoiceError, match="does not speak 'de'"):
        tiny.stream("Hello.", language="de")
    with pytest.raises(TextError, match="nothing to say"):
        tiny.say("...")


def test_speech_saves_itself(tiny: Voice, tmp_path: Path) -> None:
    speech = tiny.say("Hello.", seed=1)
    speech.save(tmp_path / "a.wav")
    samples, rate = read(tmp_path / "a.wav")
    assert rate == tiny.sample_rate_hz
    assert np.abs(samples - speech.samples).max() < 1e-4


def test_voices_are_found_by_name_and_by_path(tiny_folder: Path) -> None:
    assert load_voice("tiny").manifest == load_voice(tiny_folder).manifest == load_voice(str(tiny_folder)).manifest
