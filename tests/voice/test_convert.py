"""A voice converts speech between its speakers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sonorant import Voice, load_voice
from sonorant.audio.io import Samples
from sonorant.audio.resample import resample
from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.errors import AudioError, ParameterError, VoiceError
from tests.tiny import CONFIG, write_tiny_voice

HOP, RATE = CONFIG.spectrogram.hop, CONFIG.spectrogram.sample_rate_hz


@pytest.fixture(scope="module")
def converting(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    folder = tmp_path_factory.mktemp("voices") / "converting"
    write_tiny_voice(folder, converts=True)
    return load_voice(folder)


def hum(n_samples: int, rate: int = RATE) -> Samples:
    """A rising tone of speech's loudness."""
    t = np.arange(n_samples) / rate
    return (0.3 * np.sin(2 * np.pi * (150 + 100 * t) * t)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [HOP + 33, 1000, 1024, 8191])
def test_the_speech_is_as_long_as_the_recording_but_for_part_of_a_frame(converting: Voice, n_samples: int) -> None:
    speech = converting.convert(hum(n_samples), RATE, speaker="second", seed=1)
    assert len(speech.samples) == n_samples // HOP * HOP
    assert speech.sample_rate_hz == RATE
    assert speech.samples.dtype == np.float32
    assert (speech.words, speech.phonemes, speech.sentences, speech.unknown) == ((), (), (), {})


def test_the_same_seed_gives_the_same_samples(converting: Voice) -> None:
    first, again, other = (converting.convert(hum(4000), RATE, speaker="second", seed=s).samples for s in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_drawn_seed_is_told_and_repeats(converting: Voice) -> None:
    speech = converting.convert(hum(1000), RATE, speaker="second")
    again = converting.convert(hum(1000), RATE, speaker="second", seed=speech.seed)
    assert np.array_equal(again.samples, speech.samples)


def test_without_noise_the_seed_says_nothing(converting: Voice) -> None:
    one, other = (
        converting.convert(hum(1000), RATE, speaker="second", noise_scale=0.0, seed=s).samples for s in (1, 2)
    )
    assert np.array_equal(one, other)


def test_converting_to_the_source_is_decoding_what_the_posterior_hears(converting: Voice) -> None:
    samples = hum(4096)
    speech = converting.convert(samples, RATE, speaker="second", source="second", noise_scale=0.0, seed=1)
    network = converting.runtime._network  # type: ignore[attr-defined]
    with torch.inference_mode():
        spec = linear_spectrogram(torch.from_numpy(samples).unsqueeze(0), CONFIG.spectrogram)
        embedding = network.embed(torch.tensor([1]))
        mask = torch.ones(1, 1, spec.shape[2])
        mean = network.posterior(spec, mask, torch.zeros(1, CONFIG.d_latent, spec.shape[2]), embedding).mean
        expected = network.decoder(mean, embedding).flatten().numpy()
    np.testing.assert_allclose(speech.samples, expected, atol=1e-5, rtol=0)
    other = converting.convert(samples, RATE, speaker="first", source="second", noise_scale=0.0, seed=1)
    assert np.abs(other.samples - speech.samples).max() > 1e-3


def test_of_two_speakers_the_other_is_heard_unless_it_is_said(converting: Voice) -> None:
    assert converting.source_for("second") == "first"
    silent, told, same = (
        converting.convert(hum(1000), RATE, speaker="second", source=source, seed=1).samples
        for source in (None, "first", "second")
    )
    assert np.array_equal(silent, told)
    assert not np.array_equal(silent, same)


def test_another_rate_is_brought_to_the_voice_s(converting: Voice) -> None:
    samples = hum(13_230, 44_100)
    brought = converting.convert(resample(samples, from_hz=44_100, to_hz=RATE), RATE, speaker="second", seed=1)
    speech = converting.convert(samples, 44_100, speaker="second", seed=1)
    assert len(speech.samples) == 4800 // HOP * HOP
    assert np.array_equal(speech.samples, brought.samples)


def test_the_stream_joined_is_what_convert_gives(converting: Voice) -> None:
    samples = hum(2500 * HOP)
    pieces = list(converting.convert_stream(np.array_split(samples, 9), RATE, speaker="second", seed=1))
    assert len(pieces) > 1
    assert {piece.seed for piece in pieces} == {1}
    joined = np.concatenate([piece.samples for piece in pieces])
    assert np.array_equal(joined, converting.convert(samples, RATE, speaker="second", seed=1).samples)


def test_parameters_are_checked_before_anything_is_read(converting: Voice) -> None:
    def unread() -> Iterator[Samples]:
        raise AssertionError
        yield

    for wrong in ({"noise_scale": -1.0}, {"noise_scale": float("nan")}, {"seed": -1}):
        with pytest.raises(ParameterError):
            converting.convert_stream(unread(), RATE, speaker="second", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="sample rate"):
        converting.convert_stream(unread(), 0, speaker="second")
    for speaker, source in (("nobody", None), ("first", "nobody")):
        with pytest.raises(VoiceError, match="has no speaker 'nobody'; it has first, second"):
            converting.convert_stream(unread(), RATE, speaker=speaker, source=source)


def test_a_recording_that_is_none_is_refused(converting: Voice) -> None:
    for samples, message in (
        (np.zeros(4000, np.float32), "is silent"),
        (hum(50), "too short"),
        (np.array([0.1, np.nan] * 1000, np.float32), "no finite number"),
    ):
        with pytest.raises(AudioError, match=message):
            converting.convert(samples, RATE, speaker="second")


def test_a_voice_without_a_posterior_says_how_to_get_one(tiny: Voice) -> None:
    with pytest.raises(VoiceError, match="sonorant voices export-run RUN OUT --convert"):
        tiny.convert(hum(1000), RATE, speaker="second")


def test_a_voice_of_one_speaker_has_no_other(joe: Voice) -> None:
    with pytest.raises(VoiceError, match="has one speaker"):
        joe.convert(hum(1000), RATE, speaker=joe.speakers[0])


def test_among_many_speakers_the_source_must_be_said(converting: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Voice, "speakers", ("first", "second", "third"))
    with pytest.raises(VoiceError, match=r"has 3 speakers: say with source .* one of first, second, third"):
        converting.convert(hum(1000), RATE, speaker="second")


def test_a_converting_voice_speaks_as_before(converting: Voice, tmp_path: Path) -> None:
    """What a voice holds for conversion has no part in its speech."""
    speech = converting.say("Hello there.", speaker="second", seed=3)
    network = converting.runtime._network  # type: ignore[attr-defined]
    kept, network.posterior = network.posterior, None
    try:
        assert np.array_equal(converting.say("Hello there.", speaker="second", seed=3).samples, speech.samples)
    finally:
        network.posterior = kept
