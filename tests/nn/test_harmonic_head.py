from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sonorant.nn.harmonic_head import VOICED_FRAMES, HarmonicHead, HarmonicHeadConfig, Heard
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized

RATE = 16_000
USUAL = HarmonicHeadConfig(d=8, d_filter=12, n_layers=2, n_fft=128, hop=32, d_pitch=8, n_pitch_layers=1)
HALF = HarmonicHeadConfig(d=8, d_filter=12, n_layers=1, kernel=3, n_fft=24, hop=12, d_pitch=4, n_pitch_layers=2)
CONFIGS = [USUAL, HALF]


def head(cfg: HarmonicHeadConfig, d_cond: int = 0) -> HarmonicHead:
    """In double precision: over many pulses the least error of the pitch adds up."""
    return randomized(HarmonicHead(cfg, 6, d_cond, sample_rate_hz=RATE), scale=0.3).double()


def latent(n_items: int, n_frames: int) -> tuple[Tensor, Tensor]:
    return normal(n_items, 6, n_frames, dtype=torch.double), normal(n_items, 5, 1, seed=1, dtype=torch.double)


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize("n_frames", [1, 2, 17])
def test_a_frame_makes_a_hop_of_samples(cfg: HarmonicHeadConfig, n_frames: int) -> None:
    samples = HarmonicHead(cfg, 6, sample_rate_hz=RATE)(normal(3, 6, n_frames))
    assert samples.shape == (3, 1, n_frames * cfg.hop)
    assert samples.dtype == torch.float32


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize(("n_frames", "window"), [(1, 8), (7, 8), (45, 8), (9, 1), (40, 32)])
def test_windows_equal_the_whole(cfg: HarmonicHeadConfig, n_frames: int, window: int) -> None:
    model, (z, speaker) = head(cfg, 5), latent(2, n_frames)
    with torch.no_grad():
        whole = model(z, speaker)
        windows = model.decode_in_windows(z, speaker, window=window)
    assert whole.std() > 1e-3
    torch.testing.assert_close(windows, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("cfg", CONFIGS)
def test_padding_is_invisible(cfg: HarmonicHeadConfig) -> None:
    model, (z, speaker) = head(cfg, 5), latent(3, 20)
    mask = length_mask(torch.tensor([11, 20, 1]), 20, dtype=torch.double)
    with torch.no_grad():
        padded = model(z, speaker, mask)
        windows = model.decode_in_windows(z, speaker, mask, window=4)
        for item, n_frames in enumerate([11, 20, 1]):
            alone = model(z[item : item + 1, :, :n_frames], speaker[item : item + 1])
            n = n_frames * cfg.hop
            for found in (padded, windows):
                torch.testing.assert_close(found[item : item + 1, :, :n], alone, atol=1e-6, rtol=0)
                assert not found[item, :, n:].any()


@pytest.mark.parametrize("cfg", CONFIGS)
def test_samples_look_no_farther_than_the_context(cfg: HarmonicHeadConfig) -> None:
    """Where the voice rests within it: what lies beyond may change as it will."""
    model, context = head(cfg), cfg.context_frames
    z = normal(1, 6, 2 * context + 3, dtype=torch.double)
    other, middle = z.clone(), slice((context + 1) * cfg.hop, (context + 2) * cfg.hop)
    other[:, :, [0, -1]] += 5
    with torch.no_grad():
        before, after = model(z), model(other)
        pitch = model.hear(z).pitch_hz()[0]
    assert not pitch[1 + context - VOICED_FRAMES : 1 + context].all(), "no rest in this test's latent"
    assert (before != after).any()
    torch.testing.assert_close(after[..., middle], before[..., middle], atol=1e-6, rtol=0)


@pytest.mark.parametrize("rate", [RATE, 24_000])
def test_pulses_have_the_pitch_that_is_told_in_training_and_the_heard_one_otherwise(rate: int) -> None:
    model, (z, _) = HarmonicHead(USUAL, 6, sample_rate_hz=rate), latent(2, 100)
    z = z.float()
    noise, phase = torch.zeros(2, 100 * 32), torch.zeros(2)

    def energy_at(samples: Tensor, hz: float) -> float:
        """The share of the power that lies at multiples of a pitch."""
        spectrum = torch.fft.rfft(samples[0, 0] * torch.hann_window(samples.shape[2])).abs().square()
        bins = torch.arange(1, int(rate / 2 / hz)) * hz * samples.shape[2] / rate
        near = (bins.round().long()[:, None] + torch.arange(-2, 3)).flatten()
        return float(spectrum[near].sum() / spectrum.sum())

    with torch.no_grad():
        told, loss = model.learn(z, None, pitch_hz=torch.full((2, 100), 500.0), noise=noise, phase=phase)
        model.pitch_output.bias.copy_(torch.tensor([math.log(250 / 150), 5.0]))
        model.pitch_output.weight.zero_()
        heard, none = model.learn(z, None, pitch_hz=None, noise=noise, phase=phase)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sonorant.nn.harmonic_head.white_noise", lambda n, device, start: torch.zeros(n))
            asked = model.decode_in_windows(z, pitch_hz=torch.full((2, 100), 400.0), window=30)
    assert energy_at(asked, 400) > 0.95
    assert loss is not None
    assert none is None
    assert energy_at(told, 500) > 0.95
    assert energy_at(heard, 250) > 0.95
    assert energy_at(heard, 500) < 0.7


def test_how_far_the_heard_pitch_lies_from_the_true_one_is_told_in_octaves() -> None:
    sure = torch.tensor([[30.0, 30.0, -30.0, -30.0]])
    hz = torch.tensor([[100.0, 200.0, 0.0, 0.0]])
    heard = Heard(log_hz=torch.tensor([[200.0, 200.0, 50.0, 999.0]]).log(), voiced=sure)
    assert float(heard.distance(hz)) == pytest.approx(1 / 4, abs=1e-6)
    assert heard.pitch_hz().tolist() == [[pytest.approx(200), pytest.approx(200), 0, 0]]
    assert float(Heard(heard.log_hz, -sure).distance(hz)) == pytest.approx(30.25, abs=1e-3)


def test_it_learns_to_say_a_voice_within_few_steps() -> None:
    """Two latents, two vowels of two pitches: the pitch is found, and the spectrum comes near."""
    torch.manual_seed(0)
    model = HarmonicHead(USUAL, 2, sample_rate_hz=RATE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    z = torch.stack([torch.tensor([[1.0], [0.0]]).expand(2, 40), torch.tensor([[0.0], [1.0]]).expand(2, 40)])
    hz = torch.tensor([[125.0], [220.0]]).expand(2, 40)
    time = torch.arange(40 * 32) / RATE
    target = torch.stack(
        [sum(0.1 / m * torch.sin(2 * math.pi * m * f * time) for m in range(1, 8)) for f in (125.0, 220.0)]
    )

    def spectrum(x: Tensor) -> Tensor:
        return torch.stft(x, 512, 64, window=torch.hann_window(512), return_complex=True).abs().clamp(min=1e-3).log()

    distances = []
    for _ in range(150):
        samples, loss = model.learn(z, None, pitch_hz=hz, noise=torch.randn(2, 40 * 32), phase=torch.rand(2))
        assert loss is not None
        distance = (spectrum(samples[:, 0]) - spectrum(target)).abs().mean()
        optimizer.zero_grad()
        (distance + loss.mean()).backward()
        optimizer.step()
        distances.append(float(distance.detach()))
    assert distances[-1] < 0.4 * distances[0]
    with torch.no_grad():
        torch.testing.assert_close(model.hear(z).pitch_hz()[:, 5:-5], hz[:, 5:-5], rtol=0.03, atol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_fft": 100}, "n_fft is 100, expected a multiple of hop 256, at least twice it"),
        ({"hop": 255}, "hop"),
        ({"kernel": 4}, "kernel"),
        ({"d_pitch": 0}, "d_pitch"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HarmonicHeadConfig(**settings)  # type: ignore[arg-type]
