from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sonorant.config import parse
from sonorant.nn.discriminators import (
    DiscriminatorConfig,
    Discriminators,
    PeriodDiscriminator,
    ScaleDiscriminator,
    ScaleDiscriminatorConfig,
)
from sonorant.nn.frame_discriminators import FrameDiscriminator, FrameDiscriminatorConfig, FrameResolution
from tests.nn.random_weights import normal, randomized

KEYS = Path(__file__).parents[1] / "fixtures" / "keys"
SMALL_SCALE = ScaleDiscriminatorConfig(channels=(4, 8, 16), kernels=(15, 41, 5), strides=(1, 4, 1), groups=(1, 2, 1))
SMALL = DiscriminatorConfig(periods=(2, 5), period_channels=(4, 6, 8), scale=SMALL_SCALE)


def official_name(name: str) -> str:
    """The name that the published code gives a tensor of ours."""
    name = re.sub(r"^each\.", "discriminators.", name)
    name = name.replace(".layers.", ".convs.").replace(".output.", ".conv_post.")
    return name.replace("parametrizations.weight.original0", "weight_g").replace(
        "parametrizations.weight.original1", "weight_v"
    )


def test_the_published_discriminators_have_their_names_shapes_and_size() -> None:
    """Kernels over periods have a last axis of one more in the published code."""
    published = json.loads((KEYS / "discriminator_mpd.json").read_text())
    with torch.device("meta"):
        model = Discriminators(DiscriminatorConfig())
    ours = {official_name(name): list(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, shape in ours.items():
        if not name.startswith("discriminators.0.") and not name.endswith("bias"):
            shape.append(1)
    assert ours == published
    assert len(ours) == 111
    assert sum(parameter.numel() for parameter in model.parameters()) == 46_747_132


@pytest.mark.parametrize("n", [60, 64])
def test_a_period_is_judged_as_the_paper_says(n: int) -> None:
    model = randomized(PeriodDiscriminator(5, (4, 6, 8)), scale=0.3)
    x = normal(2, 1, n)
    judgement = model(x)
    image = F.pad(x, (0, -n % 5), mode="reflect").view(2, 1, -1, 5)
    for layer, stride, found in zip(model.layers, (3, 3, 1), judgement.features, strict=False):
        image = F.conv2d(image, layer.weight.unsqueeze(3), layer.bias, stride=(stride, 1), padding=(2, 0))
        image = F.leaky_relu(image, 0.1)
        torch.testing.assert_close(found.permute(0, 2, 3, 1), image, atol=1e-5, rtol=1e-5)
    logits = F.conv2d(image, model.output.weight.unsqueeze(3), model.output.bias, padding=(1, 0))
    torch.testing.assert_close(judgement.features[-1].permute(0, 2, 3, 1), logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(judgement.logits, logits.transpose(2, 3).flatten(1), atol=1e-5, rtol=1e-5)


def test_the_full_scale_is_judged_as_the_paper_says() -> None:
    model = randomized(ScaleDiscriminator(SMALL_SCALE), scale=0.3)
    x = normal(2, 1, 90)
    judgement = model(x)
    for layer, found in zip(model.layers, judgement.features, strict=False):
        x = F.leaky_relu(layer(x), 0.1)
        torch.testing.assert_close(found, x, atol=1e-5, rtol=1e-5)
    logits = model.output(x)
    assert torch.equal(judgement.logits, judgement.features[-1].flatten(1))
    torch.testing.assert_close(judgement.features[-1], logits, atol=1e-5, rtol=1e-5)
    assert len(judgement.features) == len(SMALL_SCALE.channels) + 1


def test_items_are_judged_alone_or_together() -> None:
    model = randomized(Discriminators(SMALL))
    real, generated = normal(2, 1, 70), normal(2, 1, 70, seed=1)
    together = [judgement.split(2) for judgement in model(torch.cat([real, generated]))]
    for (of_real, of_generated), alone, other in zip(together, model(real), model(generated), strict=True):
        torch.testing.assert_close([of_real.logits, *of_real.features], [alone.logits, *alone.features])
        torch.testing.assert_close([of_generated.logits, *of_generated.features], [other.logits, *other.features])


def test_every_discriminator_hears_every_sample() -> None:
    model = randomized(Discriminators(SMALL)).requires_grad_(False)
    samples = normal(1, 1, 83).requires_grad_()
    for judgement in model(samples):
        (gradient,) = torch.autograd.grad(judgement.logits.square().sum(), samples)
        assert gradient.all()


def test_every_weight_learns() -> None:
    model = randomized(Discriminators(SMALL))
    torch.stack([judgement.logits.square().mean() for judgement in model(normal(2, 1, 80))]).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_frames_are_judged_after_all_others_which_keep_their_names() -> None:
    frames = FrameDiscriminatorConfig(resolutions=(FrameResolution(n_fft=32, hop=8),), channels=(4,))
    without, with_frames = Discriminators(SMALL), Discriminators(replace(SMALL, frames=frames))
    assert [type(each) for each in with_frames.each[len(without.each) :]] == [FrameDiscriminator]
    names = list(without.state_dict())
    assert list(with_frames.state_dict())[: len(names)] == names
    assert len(with_frames(normal(2, 1, 80))) == len(without.each) + 1
    alone = Discriminators(DiscriminatorConfig(periods=(), scale=None, frames=frames))
    assert [type(each) for each in alone.each] == [FrameDiscriminator]


def test_frames_can_be_asked_for_in_a_file() -> None:
    data = {"scale": None, "frames": {"resolutions": [{"n_fft": 64, "hop": 16}], "channels": [8, 8]}}
    frames = FrameDiscriminatorConfig(resolutions=(FrameResolution(n_fft=64, hop=16),), channels=(8, 8))
    assert parse(DiscriminatorConfig, data, source="test") == DiscriminatorConfig(scale=None, frames=frames)
    assert parse(DiscriminatorConfig, {}, source="test").frames is None


def test_a_small_configuration_has_no_full_scale() -> None:
    model = Discriminators(DiscriminatorConfig(periods=(2, 3), period_channels=(16, 64), scale=None))
    assert [type(each) for each in model.each] == [PeriodDiscriminator, PeriodDiscriminator]
    assert [judgement.features[0].shape for judgement in model(normal(2, 1, 60))] == [(2, 2, 16, 10), (2, 3, 16, 7)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"periods": (), "scale": None}, "periods may not be empty"),
        ({"period_channels": ()}, "period_channels may not be empty"),
        ({"periods": (2, 0)}, "periods holds 0: it must be at least 1"),
    ],
)
def test_impossible_discriminators_are_refused(wrong: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DiscriminatorConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": ()}, "channels may not be empty"),
        ({"kernels": (15,)}, "6 channels, but 1 kernels"),
        ({"kernels": (15, 41, 41, 41, 41, 4)}, "kernels holds 4: it must be positive and odd"),
        ({"groups": (1, 3, 16, 64, 256, 1)}, "3 groups do not divide a layer from 16 to 64 channels"),
    ],
)
def test_impossible_full_scales_are_refused(wrong: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaleDiscriminatorConfig(**wrong)
