"""A speaker is most like itself."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from sonorant.audio.io import Samples
from sonorant.errors import AudioError, ParameterError
from sonorant.evaluation.likeness import SpeakerEncoder, halves, likeness, likeness_of, nearest
from tests.evaluation.voices import RATE_HZ, faster


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder()


def other_voice(samples: Samples) -> Samples:
    """Somebody with a shorter throat: all of the spectrum moves up by seven semitones."""
    return faster(samples, semitones=7)


def test_an_embedding_is_a_direction(encoder: SpeakerEncoder, sentences: list[Samples]) -> None:
    embedding = encoder(sentences[0], RATE_HZ)
    assert (embedding.shape, embedding.dtype) == ((256,), np.float32)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(embedding, encoder(sentences[0], RATE_HZ))


def test_a_recording_is_like_itself(encoder: SpeakerEncoder, sentences: list[Samples]) -> None:
    embeddings = np.stack([encoder(samples, RATE_HZ) for samples in sentences])
    assert likeness(embeddings, embeddings) == pytest.approx(1)


def test_a_speaker_is_nearest_to_itself(encoder: SpeakerEncoder, sentences: list[Samples]) -> None:
    one, another = sentences
    joe, high = (np.stack([encoder(samples, RATE_HZ)]) for samples in (one, other_voice(one)))
    joe_again, high_again = (np.stack([encoder(samples, RATE_HZ)]) for samples in (another, other_voice(another)))
    speakers = {"joe": joe, "high": high}
    assert nearest(joe_again, speakers) == "joe"
    assert nearest(high_again, speakers) == "high"
    assert likeness(joe, joe_again) > likeness(joe, high_again) + 0.1


def test_a_change_of_level_is_no_other_speaker(encoder: SpeakerEncoder, sentences: list[Samples]) -> None:
    loud, quiet = (np.stack([encoder(gain * sentences[0], RATE_HZ)]) for gain in (1.0, 0.1))
    assert likeness(loud, quiet) > 0.95


def test_halves_of_equal_recordings_are_alike_and_of_unequal_ones_less() -> None:
    axes = np.eye(4, 256, dtype=np.float32)
    same = halves(np.repeat(axes[:1], 5, axis=0))
    assert (same.value, same.low, same.high) == pytest.approx((1, 1, 1))
    assert halves(axes).value == pytest.approx(0)
    assert halves(np.repeat(axes, 5, axis=0), seed=1) == halves(np.repeat(axes, 5, axis=0), seed=1)


def test_a_likeness_lies_in_its_interval_which_is_narrower_for_more_recordings() -> None:
    scattered = np.abs(np.random.default_rng(0).normal(0.5, 0.3, (80, 256))).astype(np.float32)
    scattered /= np.linalg.norm(scattered, axis=1, keepdims=True)
    others = scattered[40:]
    few, many = likeness_of(scattered[:5], others), likeness_of(scattered[:40], others)
    for found, n in ((few, 5), (many, 40)):
        assert found.value == pytest.approx(likeness(scattered[:n], others))
        assert found.low <= found.value <= found.high
    assert many.high - many.low < few.high - few.low
    assert likeness_of(others, others).low == pytest.approx(1)


def test_recordings_too_few_are_refused() -> None:
    one = np.eye(1, 256, dtype=np.float32)
    with pytest.raises(ParameterError, match="no two halves"):
        halves(one)
    with pytest.raises(ParameterError, match="have no mean"):
        likeness(one, one[:0])
    with pytest.raises(ParameterError, match="no speakers"):
        nearest(one, {})


@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ, dtype=np.float32), np.zeros(0, dtype=np.float32)])
def test_silence_is_nobody(encoder: SpeakerEncoder, samples: Samples) -> None:
    with pytest.raises(AudioError, match="is silent"):
        encoder(samples, RATE_HZ)


@pytest.mark.parametrize("n_samples", [1, 100, 479, 4000])
def test_recordings_short_of_a_word_have_an_embedding(encoder: SpeakerEncoder, n_samples: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)
    assert np.linalg.norm(encoder(samples, RATE_HZ)) == pytest.approx(1, abs=1e-5)


class Touch:
    """Pickled, it makes a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_loading_the_encoder_runs_no_code(tmp_path: Path) -> None:
    from resemblyzer import VoiceEncoder
    from torch import save

    save({"model_state": Touch(tmp_path / "ran")}, tmp_path / "weights.pt")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        VoiceEncoder("cpu", verbose=False, weights_fpath=tmp_path / "weights.pt")
    assert not (tmp_path / "ran").exists()
