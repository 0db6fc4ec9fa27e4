from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.losses.spectral import StftLossConfig, mel_distance, stft_distance
from tests.nn.random_weights import normal

CFG = StftLossConfig()
SHORT = StftLossConfig(
    resolutions=(SpectrogramConfig(n_fft=64, hop=16, win=48), SpectrogramConfig(n_fft=32, hop=8, win=32))
)


def test_mels_are_as_far_apart_as_they_were_moved() -> None:
    mels = normal(2, 80, 11)
    moved = mels + torch.tensor([0.5, -2.0]).view(2, 1, 1)
    torch.testing.assert_close(mel_distance(mels, moved), torch.tensor([0.5, 2.0]))


def test_each_band_and_frame_of_a_mel_weighs_the_same() -> None:
    mels = normal(2, 80, 11).requires_grad_()
    (gradient,) = torch.autograd.grad(mel_distance(mels, torch.zeros(2, 80, 11)).sum(), mels)
    torch.testing.assert_close(gradient, mels.detach().sign() / (80 * 11))


def test_mels_in_half_precision_are_compared_in_full() -> None:
    found = mel_distance(normal(2, 80, 400).bfloat16(), torch.zeros(2, 80, 400).bfloat16())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, normal(2, 80, 400).bfloat16().float().abs().mean(dim=(1, 2)))


def test_a_sound_is_no_distance_from_itself_and_moves_nowhere() -> None:
    samples = (0.1 * normal(2, 4000)).requires_grad_()
    distance = stft_distance(samples, samples.detach().clone(), CFG)
    assert distance.tolist() == [0.0, 0.0]
    (gradient,) = torch.autograd.grad(distance.sum(), samples)
    assert not gradient.any()


def test_a_louder_sound_is_as_far_as_it_is_louder() -> None:
    """Twice the magnitude everywhere: a spectral convergence of 1, and a distance of log 2."""
    samples = 20 * normal(2, 4000)
    found = stft_distance(2 * samples, samples, CFG)
    torch.testing.assert_close(found, torch.full((2,), 1 + math.log(2)), atol=1e-3, rtol=0)


def test_resolutions_are_averaged() -> None:
    found, wanted = 0.1 * normal(2, 300), 0.1 * normal(2, 300, seed=1)
    one_by_one = [stft_distance(found, wanted, StftLossConfig(resolutions=(one,))) for one in SHORT.resolutions]
    torch.testing.assert_close(stft_distance(found, wanted, SHORT), torch.stack(one_by_one).mean(dim=0))


def test_one_resolution_is_what_its_formula_says() -> None:
    cfg = SpectrogramConfig(n_fft=32, hop=32, win=32)
    found, wanted = 0.1 * normal(1, 96), 0.1 * normal(1, 96, seed=1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)
    a, b = (
        np.sqrt(np.abs(np.fft.rfft(window * x.double().numpy().reshape(3, 32))) ** 2 + 1e-6) for x in (found, wanted)
    )
    expected = np.linalg.norm(b - a) / np.linalg.norm(b) + np.abs(np.log(a) - np.log(b)).mean()
    distance = stft_distance(found, wanted, StftLossConfig(resolutions=(cfg,)))
    np.testing.assert_allclose(distance.numpy(), [expected], rtol=1e-4)


def test_a_batch_of_sounds_may_be_split() -> None:
    found, wanted = 0.1 * normal(3, 300), 0.1 * normal(3, 300, seed=1)
    parts = [stft_distance(found[part], wanted[part], SHORT) for part in (slice(0, 1), slice(1, 3))]
    torch.testing.assert_close(torch.cat(parts), stft_distance(found, wanted, SHORT))


def test_following_the_gradient_brings_a_sound_nearer() -> None:
    wanted = 0.1 * normal(1, 300)
    found = (0.1 * normal(1, 300, seed=1)).requires_grad_()
    before = stft_distance(found, wanted, SHORT)
    (gradient,) = torch.autograd.grad(before.sum(), found)
    assert gradient.all()
    after = stft_distance(found.detach() - 1e-3 * gradient / gradient.norm(), wanted, SHORT)
    assert after[0] < before[0]


def test_sounds_in_half_precision_are_compared_in_full() -> None:
    found, wanted = (0.1 * normal(1, 300, seed=seed) for seed in (0, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(stft_distance(found, wanted, SHORT), stft_distance(found, wanted, SHORT))
    assert stft_distance(found.bfloat16(), wanted.bfloat16(), SHORT).dtype == torch.float32


def test_no_resolution_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="resolutions may not be empty"):
        StftLossConfig(resolutions=())
