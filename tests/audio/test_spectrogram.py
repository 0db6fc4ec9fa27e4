from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sonorant.audio.spectrogram import SpectrogramConfig, linear_spectrogram
from tests.nn.random_weights import normal

CFG = SpectrogramConfig()


@pytest.mark.parametrize("n", [385, 1023, 1024, 22_050])
def test_frames_are_whole_hops(n: int) -> None:
    spec = linear_spectrogram(0.1 * normal(2, n), CFG)
    assert spec.shape == (2, CFG.n_bins, n // 256)
    assert spec.dtype == torch.float32


@pytest.mark.parametrize("cfg", [CFG, SpectrogramConfig(n_fft=512, hop=100, win=400)])
def test_a_frame_is_the_transform_of_its_samples(cfg: SpectrogramConfig) -> None:
    x = 0.1 * normal(1, 8000)
    spec = linear_spectrogram(x, cfg)[0].numpy()
    padding = (cfg.n_fft - cfg.hop) // 2
    padded = np.pad(x[0].double().numpy(), padding, mode="reflect")
    window = np.zeros(cfg.n_fft)
    margin = (cfg.n_fft - cfg.win) // 2
    window[margin : margin + cfg.win] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(cfg.win) / cfg.win)
    for t in (0, 7, spec.shape[1] - 1):
        power = np.abs(np.fft.rfft(window * padded[t * cfg.hop : t * cfg.hop + cfg.n_fft])) ** 2
        np.testing.assert_allclose(spec[:, t], np.sqrt(power + 1e-6), atol=1e-4)


def test_a_tone_stands_in_its_bin() -> None:
    t = torch.arange(22_050) / 22_050
    spec = linear_spectrogram(torch.sin(2 * math.pi * 40 * 22_050 / 1024 * t)[None], CFG)
    assert set(spec[0, :, 5:-5].argmax(0).tolist()) == {40}


def test_too_little_sound_is_an_error() -> None:
    with pytest.raises(ValueError, match="384 samples are too few"):
        linear_spectrogram(torch.zeros(1, 384), CFG)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"hop": 0}, "hop must be positive"), ({"win": 2048}, "longer than n_fft"), ({"hop": 255}, "must be even")],
)
def test_impossible_spectrograms_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpectrogramConfig(**wrong)
