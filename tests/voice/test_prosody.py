"""Asking a voice for another tone: all of a text, some of its words, whole curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sonorant import Curves, Manner, Prosody, Speech, Voice
from sonorant.errors import ParameterError, VoiceError
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.voice.runtime_torch import TorchRuntime
from tests.models.cvae_jets.small import DIRECT
from tests.models.cvae_jets.test_model import voiced
from tests.nn.random_weights import randomized

TEXT = "Hello there, my friend. How are you?"


@pytest.fixture(scope="module")
def drawing(tiny: Voice) -> Voice:
    """The tiny voice with a CVAE-JETS for a network, voiced everywhere."""
    torch.manual_seed(0)
    network = randomized(CvaeJets(DIRECT, tiny.manifest.n_symbols, 2, 2), scale=0.02)
    with torch.no_grad():
        network.duration.output.bias.fill_(torch.tensor(6.0).log())
    network = voiced(network).for_inference()
    return Voice(tiny.bundle, TorchRuntime(network, None, network, device=torch.device("cpu")))


def semitones(asked: Speech, plain: Speech, sentence: int = 0) -> np.ndarray:
    """How much higher each frame is."""
    one, other = (np.array(speech.curves[sentence].pitch_hz) for speech in (asked, plain))
    return 12 * np.log2(one / other)


def test_curves_come_with_the_speech(drawing: Voice) -> None:
    speech = drawing.say(TEXT, seed=1)
    assert len(speech.curves) == 2
    for curves, sentence in zip(speech.curves, speech.sentences, strict=True):
        n_frames = round((sentence.end_s - sentence.start_s) / curves.frame_s)
        assert len(curves.pitch_hz) == len(curves.energy_db) == n_frames == sum(curves.frames_per_token)
        assert curves.frame_s == pytest.approx(64 / 16_000)


def test_the_whole_text_is_said_higher_louder_and_slower(drawing: Voice) -> None:
    plain = drawing.say(TEXT, seed=1)
    higher = drawing.say(TEXT, seed=1, prosody=Prosody(pitch_shift=4))
    assert semitones(higher, plain) == pytest.approx(4, abs=1e-3)
    louder = drawing.say(TEXT, seed=1, prosody=Prosody(energy_gain_db=3))
    assert np.subtract(louder.curves[1].energy_db, plain.curves[1].energy_db) == pytest.approx(3, abs=1e-3)
    slower = drawing.say(TEXT, seed=1, prosody=Prosody(duration_scale=1.5), sentence_pause_s=0, paragraph_pause_s=0)
    spoken_s = sum(sentence.end_s - sentence.start_s for sentence in plain.sentences)
    assert slower.duration_s == pytest.approx(1.5 * spoken_s, rel=0.03)


def test_a_word_is_said_otherwise_than_the_rest(drawing: Voice) -> None:
    plain = drawing.say(TEXT, seed=1)
    words = {3: Manner(pitch_shift=5), 5: Manner(pitch_shift=2)}  # "friend", "are"
    asked = drawing.say(TEXT, seed=1, prosody=Prosody(pitch_shift=1, words=words))
    for sentence, place, shift in ((0, 3, 6), (1, 5, 3)):
        word, start_s = plain.words[place], plain.sentences[sentence].start_s
        frame_s = plain.curves[sentence].frame_s
        found = semitones(asked, plain, sentence)
        inside = np.zeros(len(found), bool)
        inside[round((word.start_s - start_s) / frame_s) : round((word.end_s - start_s) / frame_s)] = True
        assert found[inside] == pytest.approx(shift, abs=1e-3), word.text
        assert found[~inside] == pytest.approx(1, abs=1e-3)


def test_curves_that_are_given_back_are_taken(drawing: Voice) -> None:
    first = drawing.say(TEXT, seed=1)
    again = drawing.say(TEXT, seed=1, prosody=Prosody(curves=first.curves))
    for one, other in zip(again.curves, first.curves, strict=True):
        assert one.frames_per_token == other.frames_per_token
        assert one.pitch_hz == pytest.approx(other.pitch_hz, rel=1e-3)
    falling = tuple(np.linspace(200, 100, len(first.curves[0].pitch_hz)))
    drawn = replace(first.curves[0], pitch_hz=falling)
    asked = drawing.say(TEXT, seed=1, prosody=Prosody(curves=(drawn, first.curves[1]), pitch_shift=12))
    assert asked.curves[0].pitch_hz == pytest.approx([2 * hz for hz in falling], rel=1e-3)
    assert asked.curves[0].frames_per_token == first.curves[0].frames_per_token


def test_curves_of_another_text_are_refused(drawing: Voice) -> None:
    first = drawing.say(TEXT, seed=1)
    with pytest.raises(ParameterError, match=r"curves holds 1, but the text has more sentences"):
        drawing.say(TEXT, prosody=Prosody(curves=first.curves[:1]))
    with pytest.raises(ParameterError, match=r"curves\[0\]\.frames_per_token has \d+ values, but the sentence 'How"):
        drawing.say("How are you?", prosody=Prosody(curves=first.curves[:1]))


@pytest.mark.parametrize(
    ("prosody", "message"),
    [
        (Prosody(pitch_shift=25), r"pitch_shift is 25, expected a number from -24 to 24"),
        (Prosody(duration_scale=float("nan")), "duration_scale is nan"),
        (Prosody(words={2: Manner(pitch_range=-1)}), r"words\[2\]\.pitch_range is -1"),
        (Prosody(words={-1: Manner()}), "words has the place -1"),
        (Prosody(curves=(Curves(frame_s=0.01, frames_per_token=(), pitch_hz=(1.0,), energy_db=(1.0,)),)), "is empty"),
        (Prosody(curves=(Curves(frame_s=0.01, frames_per_token=(1,), pitch_hz=(-1,), energy_db=(1.0,)),)), "pitch_hz"),
    ],
)
def test_numbers_out_of_range_are_refused(drawing: Voice, prosody: Prosody, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        drawing.say(TEXT, prosody=prosody)


def test_a_voice_that_draws_nothing_says_so(tiny: Voice) -> None:
    with pytest.raises(VoiceError, match="voice 'tiny' is a vits, which draws no pitch and energy"):
        tiny.say(TEXT, prosody=Prosody())
    assert tiny.say("Hello.").curves == ()
