from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.nn.frame_discriminators import (
    FrameDiscriminator,
    FrameDiscriminatorConfig,
    FrameResolution,
    seen,
)
from tests.nn.random_weights import normal, randomized

RESOLUTION = FrameResolution(n_fft=64, hop=16)
N_FREQUENCIES = 33
PHASE = slice(N_FREQUENCIES, None)


def small(seed: int = 0) -> FrameDiscriminator:
    torch.manual_seed(seed)
    return randomized(FrameDiscriminator(RESOLUTION, channels=(8, 6), kernel=5))


def speech_like(n_items: int, n: int, *, seed: int = 0) -> Tensor:
    return 0.1 * normal(n_items, 1, n, seed=seed)


def what_is_seen(samples: Tensor) -> Tensor:
    return seen(samples.squeeze(1), 64, 16)


def blind_to_phase(model: FrameDiscriminator) -> FrameDiscriminator:
    first = model.layers[0]
    assert isinstance(first, nn.Conv1d)
    with torch.no_grad():
        first.get_parameter("parametrizations.weight.original1")[:, PHASE] = 0
    return model


def scrambled(samples: Tensor) -> Tensor:
    """The same spectrum over the whole, with other phases."""
    spectrum = torch.fft.rfft(samples)
    angle = 2 * math.pi * torch.rand(spectrum.shape, generator=torch.Generator().manual_seed(5))
    turned = torch.polar(spectrum.abs(), angle)
    turned[..., 0], turned[..., -1] = spectrum[..., 0], spectrum[..., -1]
    return torch.fft.irfft(turned, n=samples.shape[-1])


@pytest.mark.parametrize("n", [33, 160, 167])
def test_each_frame_gets_a_logit_and_each_layer_a_feature(n: int) -> None:
    judgement = small()(speech_like(2, n))
    n_frames = n // RESOLUTION.hop + 1
    assert judgement.logits.shape == (2, n_frames)
    assert [feature.shape for feature in judgement.features] == [(2, d, n_frames) for d in (8, 6, 1)]
    assert torch.equal(judgement.logits, judgement.features[-1].flatten(1))


def test_frames_are_judged_by_convolutions_over_time() -> None:
    model, samples = small(), speech_like(2, 160)
    x = what_is_seen(samples)
    for layer, feature in zip(model.layers, model(samples).features, strict=False):
        x = F.leaky_relu(layer(x), 0.1)
        torch.testing.assert_close(feature, x, atol=1e-5, rtol=1e-5)


def test_items_are_judged_alone_or_together() -> None:
    model, samples = small(), speech_like(3, 160)
    together = model(samples)
    for i in range(3):
        alone = model(samples[i : i + 1])
        torch.testing.assert_close(alone.features, tuple(feature[i : i + 1] for feature in together.features))


def test_a_judgement_depends_on_no_sample_out_of_its_reach() -> None:
    model, samples = small(), speech_like(1, 640)
    other = torch.cat([samples[..., :400], speech_like(1, 240, seed=1)], dim=2)
    # A window reaches 32 samples, the layers 2 + 2 + 1 frames.
    reach = 32 + 5 * RESOLUTION.hop
    first = -(-(400 - reach) // RESOLUTION.hop)
    found, expected = model(other).logits, model(samples).logits
    torch.testing.assert_close(found[:, :first], expected[:, :first])
    assert (found[:, first + 1 :] != expected[:, first + 1 :]).any()


def test_every_weight_learns_and_every_sample_is_heard() -> None:
    model, samples = small(), speech_like(2, 160).requires_grad_()
    model(samples).logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    assert samples.grad is not None
    assert samples.grad.all()


@pytest.mark.parametrize("level", [0.0, 1e-30, 1e-20, 1e-10, 1e-5, 1.0])
def test_gradients_are_finite_however_quiet_it_is(level: float) -> None:
    model, samples = small(), (level * normal(2, 1, 160)).requires_grad_()
    judgement = model(samples)
    judgement.logits.square().sum().backward()
    found = [judgement.logits, samples.grad, *(parameter.grad for parameter in model.parameters())]
    assert all(tensor is not None and tensor.isfinite().all() for tensor in found)
    assert samples.grad is not None
    assert samples.grad.any(), "silence can be left"


def test_a_pause_within_speech_has_a_finite_gradient() -> None:
    samples = speech_like(1, 640)
    samples[..., 200:440] = 0
    samples.requires_grad_()
    small()(samples).logits.square().sum().backward()
    assert samples.grad is not None
    assert samples.grad.isfinite().all()


def test_what_is_seen_is_of_order_one() -> None:
    tone = torch.sin(torch.arange(640.0)).view(1, 1, 640)
    for samples in (torch.zeros(1, 1, 640), 1e-3 * normal(1, 1, 640), normal(1, 1, 640), tone):
        assert what_is_seen(samples).abs().max() < 6


def test_what_is_seen_of_the_phase_is_on_the_unit_circle_and_turns_without_a_jump() -> None:
    cosine, sine = what_is_seen(speech_like(2, 640))[:, PHASE].split(N_FREQUENCIES, dim=1)
    assert (cosine**2 + sine**2).median() > 0.999
    assert (cosine**2 + sine**2).max() <= 1 + 1e-5
    turns = torch.linspace(-math.pi, 3 * math.pi, 2001).unsqueeze(1)
    tone = torch.cos(torch.arange(160.0) * math.pi / 8 + turns)
    at_tone = seen(tone, 64, 16)[:, [N_FREQUENCIES + 4, 2 * N_FREQUENCIES + 4], 5]
    torch.testing.assert_close(at_tone, torch.cat([turns.cos(), turns.sin()], dim=1), atol=1e-3, rtol=0)


def test_a_louder_signal_has_the_same_phase_and_a_higher_magnitude() -> None:
    samples = speech_like(1, 640)
    quiet, loud = what_is_seen(samples), what_is_seen(2 * samples)
    cosine, sine = quiet[:, PHASE].split(N_FREQUENCIES, dim=1)
    off_the_floor = (cosine**2 + sine**2 > 0.999).repeat(1, 2, 1)
    assert off_the_floor.float().mean() > 0.9
    torch.testing.assert_close(loud[:, PHASE][off_the_floor], quiet[:, PHASE][off_the_floor], atol=1e-3, rtol=0)
    assert (loud[:, :N_FREQUENCIES] > quiet[:, :N_FREQUENCIES]).all()


def test_a_turned_phase_alone_is_judged_differently() -> None:
    """The opposite signal has the same magnitudes: who is deaf to phase cannot tell them apart."""
    model, samples = small(), speech_like(2, 160)
    assert (model(samples).logits - model(-samples).logits).abs().max() > 1e-2
    blind = blind_to_phase(model)
    torch.testing.assert_close(blind(samples).logits, blind(-samples).logits)


def learned(model: FrameDiscriminator, real: Tensor, generated: Tensor, n_steps: int) -> None:
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=3e-3)
    for _ in range(n_steps):
        of_real, of_generated = model(torch.cat([real, generated])).split(len(real))
        loss = (of_real.logits - 1).square().mean() + of_generated.logits.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_tones_are_told_from_noise_after_a_few_steps() -> None:
    model = small()
    frequency = torch.linspace(0.2, 1.5, 8).view(8, 1, 1)
    tones, noise = 0.1 * torch.sin(frequency * torch.arange(320)), 0.07 * normal(8, 1, 320)
    learned(model, tones, noise, n_steps=30)
    others = 0.1 * torch.sin((frequency + 0.05) * torch.arange(320))
    assert model(others).logits.mean(1).min() > model(0.07 * normal(8, 1, 320, seed=9)).logits.mean(1).max() + 0.3


def test_a_scrambled_phase_is_told_from_its_own_after_a_few_steps() -> None:
    """Clicks and their scrambled selves have one spectrum, over the whole, and other phases."""
    clicks = torch.zeros(8, 1, 512)
    for i in range(8):
        clicks[i, 0, i::32] = 0.5
    model = small()
    learned(model, clicks, scrambled(clicks), n_steps=30)
    assert model(clicks).logits.mean() > model(scrambled(clicks)).logits.mean() + 0.3


def test_autocast_narrows_the_convolutions_but_not_the_spectrum() -> None:
    model, samples = small(), speech_like(2, 160)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        judgement = model(samples)
        assert judgement.features[0].dtype == torch.bfloat16
        assert torch.equal(what_is_seen(samples), what_is_seen(samples.float()))
        assert what_is_seen(samples.bfloat16()).dtype == torch.float32
    torch.testing.assert_close(judgement.logits.float(), model(samples).logits, atol=0.05, rtol=0.05)


def test_only_weights_are_kept() -> None:
    names = set(small().state_dict())
    assert names == {
        f"{layer}.{name}"
        for layer in ("layers.0", "layers.1", "output")
        for name in ("bias", "parametrizations.weight.original0", "parametrizations.weight.original1")
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"resolutions": ()}, "resolutions may not be empty"),
        ({"channels": ()}, "channels may not be empty"),
        ({"kernel": 4}, "kernel is 4: it must be positive and odd"),
    ],
)
def test_impossible_frame_discriminators_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameDiscriminatorConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_fft", "hop", "message"), [(63, 16, "even, but 63"), (64, 33, "n_fft, 32, but 33")])
def test_impossible_resolutions_are_refused(n_fft: int, hop: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameResolution(n_fft=n_fft, hop=hop)
