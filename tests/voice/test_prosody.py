"""Asking a voice for another tone: all of a text, some of its words, whole curves."""

from __future__ import annotations

from collections.abc import Callable
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

FRAME_S = 64 / 16_000


def drawn(values: tuple[float, ...] | None) -> tuple[float, ...]:
    assert values is not None
    return values


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
        n_frames = round((sentence.end_s - sentence.start_s) / FRAME_S)
        assert len(drawn(curves.pitch_hz)) == len(drawn(curves.energy_db)) == n_frames
        assert sum(drawn(curves.durations_s)) == pytest.approx(n_frames * FRAME_S)


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
        found = semitones(asked, plain, sentence)
        inside = np.zeros(len(found), bool)
        inside[round((word.start_s - start_s) / FRAME_S) : round((word.end_s - start_s) / FRAME_S)] = True
        assert found[inside] == pytest.approx(shift, abs=1e-3), word.text
        assert found[~inside] == pytest.approx(1, abs=1e-3)


def test_curves_that_are_given_back_are_taken(drawing: Voice) -> None:
    first = drawing.say(TEXT, seed=1)
    again = drawing.say(TEXT, seed=1, prosody=Prosody(curves=first.curves))
    for one, other in zip(again.curves, first.curves, strict=True):
        assert one.durations_s == pytest.approx(other.durations_s)
        assert one.pitch_hz == pytest.approx(other.pitch_hz, rel=1e-3)
    falling = tuple(np.linspace(200, 100, len(drawn(first.curves[0].pitch_hz))))
    changed = replace(first.curves[0], pitch_hz=falling)
    asked = drawing.say(TEXT, seed=1, prosody=Prosody(curves=(changed, first.curves[1]), pitch_shift=12))
    assert asked.curves[0].pitch_hz == pytest.approx([2 * hz for hz in falling], rel=1e-3)
    assert asked.curves[0].durations_s == pytest.approx(first.curves[0].durations_s)


def test_curves_given_back_last_as_long_in_a_slow_voice(drawing: Voice) -> None:
    manifest = replace(drawing.manifest, synthesis=replace(drawing.manifest.synthesis, length_scale=1.3))
    slow = Voice(replace(drawing.bundle, manifest=manifest), drawing.runtime)
    first = slow.say(TEXT, seed=1)
    assert first.duration_s > 1.1 * drawing.say(TEXT, seed=1).duration_s
    again = slow.say(TEXT, seed=1, prosody=Prosody(curves=first.curves))
    assert [each.durations_s for each in again.curves] == [each.durations_s for each in first.curves]
    with pytest.raises(ParameterError, match="found both length_scale and curves with durations_s"):
        slow.say(TEXT, length_scale=1.0, prosody=Prosody(curves=first.curves))
    pitch_alone = tuple(replace(each, durations_s=None) for each in first.curves)
    assert slow.say(TEXT, length_scale=1.0, prosody=Prosody(curves=pitch_alone)).duration_s < first.duration_s


def test_a_word_said_as_several_is_one_to_its_last_sound(drawing: Voice) -> None:
    """There is no dip between them."""
    plain = drawing.say("In 1999 then.", seed=1)
    asked = drawing.say("In 1999 then.", seed=1, prosody=Prosody(words={1: Manner(pitch_shift=5)}))
    word = plain.words[1]
    found = semitones(asked, plain)[round(word.start_s / FRAME_S) : round(word.end_s / FRAME_S)]
    assert len(found) > 40
    assert found == pytest.approx(5, abs=1e-3)


def test_of_curves_what_is_none_is_as_the_voice_would(drawing: Voice) -> None:
    plain = drawing.say(TEXT, seed=1)
    halves = [tuple(length / 2 for length in drawn(curves.durations_s)) for curves in plain.curves]
    faster = drawing.say(TEXT, seed=1, prosody=Prosody(curves=tuple(Curves(durations_s=each) for each in halves)))
    for one, other in zip(faster.curves, plain.curves, strict=True):
        assert sum(drawn(one.durations_s)) == pytest.approx(sum(drawn(other.durations_s)) / 2, abs=FRAME_S)
    flat = drawing.say(TEXT, seed=1, prosody=Prosody(curves=(Curves(pitch_hz=(150.0,)), Curves())))
    assert flat.curves[0].pitch_hz == pytest.approx([150.0] * len(drawn(plain.curves[0].pitch_hz)), rel=1e-4)
    assert flat.curves[0].durations_s == plain.curves[0].durations_s
    assert flat.curves[1] == plain.curves[1]


def test_energy_strays_as_far_as_asked_for(drawing: Voice) -> None:
    plain, stressed, flat = (drawing.say(TEXT, seed=1, prosody=Prosody(energy_range=by)) for by in (1, 2, 0))
    level = np.array([speech.curves[0].energy_db for speech in (plain, stressed, flat)])
    assert np.ptp(level[2]) == pytest.approx(0, abs=1e-3)
    assert level[1] - level[2] == pytest.approx(2 * (level[0] - level[2]), abs=1e-2)
    assert np.ptp(level[0]) > 0.1


def test_curves_of_another_text_are_refused(drawing: Voice) -> None:
    first = drawing.say(TEXT, seed=1)
    with pytest.raises(ParameterError, match=r"curves holds 1, but the text has more sentences"):
        drawing.say(TEXT, prosody=Prosody(curves=first.curves[:1]))
    with pytest.raises(ParameterError, match=r"curves holds 2, but the text has 1 sentences"):
        drawing.say("Hello there, my friend.", prosody=Prosody(curves=first.curves))
    with pytest.raises(ParameterError, match=r"curves\[0\]\.durations_s has \d+ values, but the sentence 'How"):
        drawing.say("How are you?", prosody=Prosody(curves=first.curves[:1]))


@pytest.mark.parametrize(
    ("prosody", "message"),
    [
        (Prosody(pitch_shift=25), r"pitch_shift is 25, expected a number from -24 to 24"),
        (Prosody(duration_scale=float("nan")), "duration_scale is nan"),
        (Prosody(words={2: Manner(pitch_range=-1)}), r"words\[2\]\.pitch_range is -1"),
        (Prosody(words={-1: Manner()}), "words has the place -1"),
        (Prosody(words={8: Manner()}), "words has the place 8, but the text has 7 words, and the first is 0"),
        (Prosody(duration_scale=5, words={2: Manner(duration_scale=5)}), r"words\[2\]\.duration_scale with the text's"),
        (Prosody(curves=(Curves(durations_s=()),)), r"curves\[0\]\.durations_s is empty"),
        (Prosody(curves=(Curves(durations_s=(0.0,)),)), r"curves\[0\]\.durations_s holds only zeros"),
        (Prosody(curves=(Curves(durations_s=(1e6,)),)), r"curves\[0\]\.durations_s\[0\] is 1000000.0, expected"),
        (Prosody(curves=(Curves(pitch_hz=(100.0, -1.0)),)), r"curves\[0\]\.pitch_hz\[1\] is -1.0, .* from 0 to 2000"),
        (Prosody(curves=(Curves(energy_db=(1e30,)),)), r"curves\[0\]\.energy_db\[0\] is 1e\+30, .* from -200 to 200"),
    ],
)
def test_numbers_out_of_range_are_refused(drawing: Voice, prosody: Prosody, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        drawing.say(TEXT, prosody=prosody)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prosody(words={"2": Manner()}), r"words has '2': Manner\("),  # type: ignore[dict-item]
        (lambda: Prosody(words={True: Manner()}), "words has True"),
        (lambda: Prosody(words={1: {"pitch_shift": 2}}), r"words has 1: \{'pitch_shift': 2\}"),  # type: ignore[dict-item]
        (lambda: Prosody(words=[Manner()]), r"words is \[Manner"),  # type: ignore[arg-type]
        (lambda: Prosody(curves=Curves()), r"curves is Curves\("),  # type: ignore[arg-type]
        (lambda: Prosody(curves=None), "curves is None, expected a list of Curves"),  # type: ignore[arg-type]
        (lambda: Prosody(curves=[{"pitch_hz": [1.0]}]), r"curves is \[\{'pitch_hz'"),  # type: ignore[arg-type, list-item]
        (lambda: Curves(pitch_hz=5.0), "pitch_hz is 5.0, expected a list of numbers"),  # type: ignore[arg-type]
        (lambda: Curves(energy_db=("loud",)), r"energy_db is \('loud',\), expected a list of numbers"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_prosody_is_refused_where_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


def test_a_voice_is_asked_by_a_prosody_alone(drawing: Voice) -> None:
    with pytest.raises(ParameterError, match=r"prosody is \{'pitch_shift': 2\}, expected a Prosody, such as"):
        drawing.say(TEXT, prosody={"pitch_shift": 2})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="pitch_shift is True, expected a number"):
        drawing.say(TEXT, prosody=Prosody(pitch_shift=True))


def test_arrays_are_curves_as_well(drawing: Voice) -> None:
    text = "Hello there, my friend."
    own = drawing.say(text, seed=1).curves[0]
    assert own.pitch_hz is not None
    lists = Prosody(curves=(Curves(pitch_hz=own.pitch_hz),))
    arrays = Prosody(curves=[Curves(pitch_hz=np.array(own.pitch_hz))])  # type: ignore[arg-type]
    assert arrays == lists
    assert np.array_equal(
        drawing.say(text, seed=1, prosody=arrays).samples, drawing.say(text, seed=1, prosody=lists).samples
    )


def test_a_voice_that_draws_nothing_says_so(tiny: Voice) -> None:
    with pytest.raises(VoiceError, match="voice 'tiny' is a vits, which draws no pitch and energy"):
        tiny.say(TEXT, prosody=Prosody())
    assert tiny.say("Hello.").curves == ()
