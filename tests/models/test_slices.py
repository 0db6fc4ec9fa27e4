from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sonorant.losses.adversarial import discriminator_loss, generator_loss
from sonorant.models.slices import judgements_to_learn, judgements_to_please
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.training.devices import build_fabric
from sonorant.training.optim import OptimizerConfig, Player, set_up
from sonorant.training.step import frozen
from tests.nn.random_weights import normal, randomized

FABRIC = build_fabric("fp32", accelerator="cpu")


@pytest.fixture
def discriminator() -> Player:
    cfg = DiscriminatorConfig(periods=(2, 3), period_channels=(4, 8), scale=None)
    torch.manual_seed(0)
    return set_up(FABRIC, "discriminator", randomized(Discriminators(cfg)), OptimizerConfig())


def slices() -> tuple[Tensor, Tensor]:
    """Three recorded and three generated ones, which differ."""
    return normal(3, 1, 200), normal(3, 1, 200, seed=1).requires_grad_()


def test_each_side_is_judged_as_it_is_alone(discriminator: Player) -> None:
    recorded, generated = slices()
    for judgements in (
        judgements_to_learn(discriminator, recorded=recorded, generated=generated),
        judgements_to_please(FABRIC, discriminator, recorded=recorded, generated=generated),
    ):
        for side, samples in ((judgements.real, recorded), (judgements.generated, generated)):
            alone = discriminator.network(samples)
            assert len(side) == len(alone) == 2
            for found, expected in zip(side, alone, strict=True):
                torch.testing.assert_close(found.logits, expected.logits)
                for feature, of_one in zip(found.features, expected.features, strict=True):
                    torch.testing.assert_close(feature, of_one)


def test_learning_teaches_the_discriminators_and_no_generator(discriminator: Player) -> None:
    recorded, generated = slices()
    judgements = judgements_to_learn(discriminator, recorded=recorded, generated=generated)
    discriminator_loss(judgements.real, judgements.generated).sum().backward()
    assert generated.grad is None
    assert all(p.grad is not None and p.grad.any() for p in discriminator.network.parameters())


def test_pleasing_teaches_the_generator_and_no_discriminator(discriminator: Player) -> None:
    recorded, generated = slices()
    recorded.requires_grad_()
    with frozen(discriminator.network):
        judgements = judgements_to_please(FABRIC, discriminator, recorded=recorded, generated=generated)
        assert not any(feature.requires_grad for judgement in judgements.real for feature in judgement.features)
        generator_loss(judgements.generated).sum().backward()
    assert generated.grad is not None
    assert generated.grad.abs().sum((1, 2)).all()
    assert recorded.grad is None
    assert all(p.grad is None for p in discriminator.network.parameters())
