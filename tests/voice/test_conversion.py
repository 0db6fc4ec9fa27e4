"""Converting in pieces is converting the whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sonorant.audio.io import Samples
from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.errors import AudioError
from sonorant.models import Purpose
from sonorant.models.converting import NetworkConverter
from sonorant.models.vits.convert import converter_in
from sonorant.models.vits.model import Vits
from sonorant.voice.conversion import converted
from sonorant.voice.runtime import Noise
from tests.nn.random_weights import randomized
from tests.tiny import CONFIG

HOP = CONFIG.spectrogram.hop
FEWEST = (CONFIG.spectrogram.n_fft - HOP) // 2 + 1


@pytest.fixture(scope="module")
def network() -> Vits:
    return randomized(Vits(CONFIG, 5, 2, Purpose.CONVERSION), scale=0.2)


def converter_of(network: Vits) -> NetworkConverter:
    converter = converter_in(network)
    assert converter is not None
    return converter


def sound(n: int) -> Samples:
    return (0.1 * np.random.default_rng(n).standard_normal(n)).astype(np.float32)


def draws() -> Noise:
    generator = np.random.default_rng(1)
    return lambda shape: generator.standard_normal(shape, dtype=np.float32)


def whole(network: Vits, samples: Samples, noise_scale: float) -> Samples:
    """All in one, as the paper has it."""
    spec = linear_spectrogram(torch.from_numpy(samples).unsqueeze(0), CONFIG.spectrogram)
    noise = torch.from_numpy(draws()((spec.shape[2], CONFIG.d_latent))).T.unsqueeze(0) * noise_scale
    lengths = torch.tensor([spec.shape[2]])
    with torch.inference_mode():
        speech = network.convert(spec, lengths, torch.tensor([1]), torch.tensor([0]), noise=lambda shape: noise)
    return speech[0].numpy()


def in_pieces(
    network: Vits, blocks: Iterator[Samples] | list[Samples], window: int, noise_scale: float = 0.7
) -> Iterator[Samples]:
    return converted(
        blocks,
        converter_of(network),
        source=1,
        target=0,
        noise=draws(),
        noise_scale=noise_scale,
        device=torch.device("cpu"),
        window=window,
    )


@pytest.mark.parametrize(
    ("n_samples", "window", "n_block"),
    [
        (120 * HOP, 16, 1000),
        (120 * HOP + 63, 7, 64),
        (120 * HOP - 1, 119, 10**6),
        (33 * HOP + 1, 32, 10**6),
        (40 * HOP, 1, 100),
        (20 * HOP, 1000, 7),
        (FEWEST, 1000, 1),
    ],
)
def test_pieces_joined_are_the_whole(network: Vits, n_samples: int, window: int, n_block: int) -> None:
    samples = sound(n_samples)
    expected = whole(network, samples, 0.7)
    pieces = list(in_pieces(network, np.split(samples, range(n_block, n_samples, n_block)), window))
    assert [len(piece) for piece in pieces[:-1]] == [window * HOP] * (len(pieces) - 1)
    assert expected.std() > 0.01
    assert len(expected) == n_samples // HOP * HOP
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=2e-6, rtol=0)


def test_an_endless_recording_is_converted_as_it_comes(network: Vits) -> None:
    n_taken = 0

    def endless() -> Iterator[Samples]:
        nonlocal n_taken
        while True:
            n_taken += 1
            yield sound(HOP)

    pieces = in_pieces(network, endless(), 10)
    next(pieces)
    context = converter_of(network).context_frames
    assert n_taken <= 10 + context + 2
    next(pieces)
    assert n_taken <= 20 + context + 2


@pytest.mark.parametrize("n_samples", [0, 1, FEWEST - 1])
def test_a_recording_without_a_frame_is_too_short(network: Vits, n_samples: int) -> None:
    with pytest.raises(AudioError, match=r"too short to convert; give one of at least 0\.006 s"):
        list(in_pieces(network, [sound(n_samples)], 10))
