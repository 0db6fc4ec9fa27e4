from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sonorant.audio.spectrogram import (
    MelConfig,
    SpectrogramConfig,
    linear_spectrogram,
    mel_filterbank,
    mel_spectrogram,
)
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


MEL_CASES = [
    (CFG, MelConfig()),
    (SpectrogramConfig(sample_rate_hz=16_000), MelConfig(n_mels=40, f_min_hz=50, f_max_hz=7600)),
    (SpectrogramConfig(sample_rate_hz=48_000, n_fft=2048, hop=480, win=1200), MelConfig(n_mels=100, f_min_hz=1200)),
    (CFG, MelConfig(n_mels=10, f_max_hz=900)),
]


@pytest.mark.parametrize(("cfg", "mel"), MEL_CASES)
def test_mel_bands_are_those_of_librosa(cfg: SpectrogramConfig, mel: MelConfig) -> None:
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(
        sr=cfg.sample_rate_hz, n_fft=cfg.n_fft, n_mels=mel.n_mels, fmin=mel.f_min_hz, fmax=mel.f_max_hz
    )
    np.testing.assert_allclose(mel_filterbank(cfg, mel), theirs, atol=1e-8, rtol=1e-5)


def test_the_filterbank_is_made_once_and_cannot_be_changed() -> None:
    filters = mel_filterbank(CFG, MelConfig())
    assert mel_filterbank(SpectrogramConfig(), MelConfig(n_mels=80)) is filters
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1


def test_a_mel_band_is_the_logarithm_of_its_weighted_bins() -> None:
    linear = normal(2, CFG.n_bins, 3).abs()
    mels = mel_spectrogram(linear, CFG, MelConfig())
    weighted = np.einsum("mf,bft->bmt", mel_filterbank(CFG, MelConfig()).astype(np.float64), linear.double().numpy())
    np.testing.assert_allclose(mels, np.log(weighted), atol=1e-5)


def test_silence_has_a_mel_spectrogram() -> None:
    mels = mel_spectrogram(torch.zeros(1, CFG.n_bins, 2), CFG, MelConfig())
    torch.testing.assert_close(mels, torch.full((1, 80, 2), math.log(1e-5)))


def test_mel_bands_stay_in_float32_under_autocast() -> None:
    linear = normal(1, CFG.n_bins, 3).abs()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mels = mel_spectrogram(linear, CFG, MelConfig())
    assert torch.equal(mels, mel_spectrogram(linear, CFG, MelConfig()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_mels": 0}, "n_mels must be positive"),
        ({"f_min_hz": -1.0}, "f_min_hz may not be negative"),
        ({"f_min_hz": 100.0, "f_max_hz": 100.0}, "f_max_hz must be above f_min_hz, 100"),
    ],
)
def test_impossible_mel_bands_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MelConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mel", "message"),
    [
        (MelConfig(f_max_hz=12_000), "beyond half the sample rate, 11025 Hz"),
        (MelConfig(f_min_hz=11_025), "beyond half the sample rate"),
        (MelConfig(n_mels=400), "mel band 0 of 400 lies between two of the 513 frequency bins"),
    ],
)
def test_mel_bands_must_fit_the_spectrogram(mel: MelConfig, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mel_filterbank(CFG, mel)
