from __future__ import annotations

import pytest
import torch

from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators, Judgement
from tests.nn.random_weights import normal, randomized

CFG = DiscriminatorConfig(periods=(2, 3), period_channels=(4, 6), scale=None)


def judgements(*logits: float, n_items: int = 2) -> list[Judgement]:
    """One discriminator for each of the logits, which it gives at every position."""
    return [Judgement(logits=torch.full((n_items, 3 + i), x), features=()) for i, x in enumerate(logits)]


def random_judgements(seed: int) -> list[Judgement]:
    """Three items judged by two discriminators."""
    shapes = [((3, 5), (3, 4, 7)), ((3, 9), (3, 2, 4, 7))]
    return [
        Judgement(logits=normal(*of_logits, seed=seed), features=(normal(*of_layer, seed=seed + 1), normal(3, 1, 2)))
        for of_logits, of_layer in shapes
    ]


@pytest.mark.parametrize(
    ("real", "generated", "loss"), [(1.0, 0.0, 0.0), (0.0, 1.0, 2.0), (0.5, 0.5, 0.5), (3.0, -2.0, 8.0)]
)
def test_a_discriminator_is_to_tell_real_from_generated(real: float, generated: float, loss: float) -> None:
    found = discriminator_loss(judgements(real, real), judgements(generated, generated))
    assert found.tolist() == [2 * loss, 2 * loss]


def test_a_generator_is_to_pass_for_real() -> None:
    assert generator_loss(judgements(1.0, 1.0)).tolist() == [0.0, 0.0]
    assert generator_loss(judgements(0.0, -1.0)).tolist() == [5.0, 5.0]


def test_the_best_judgement_of_what_is_half_of_each_is_a_half() -> None:
    """Where real and generated sound alike, no logit does better than one half."""
    logits = torch.tensor([[0.5]], requires_grad=True)
    same = [Judgement(logits=logits, features=())]
    loss = discriminator_loss(same, same).sum()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient.any()
    for worse in (judgements(0.4), judgements(0.6)):
        assert discriminator_loss(worse, worse)[0] > loss


def test_equal_features_are_no_distance_apart() -> None:
    assert feature_distance(random_judgements(0), random_judgements(0)).tolist() == [0.0, 0.0, 0.0]


def test_features_are_compared_layer_by_layer() -> None:
    real, generated = random_judgements(0), random_judgements(5)
    expected = torch.zeros(3)
    for a, b in zip(real, generated, strict=True):
        for x, y in zip(a.features, b.features, strict=True):
            expected += (x - y).abs().flatten(1).mean(dim=1)
    torch.testing.assert_close(feature_distance(real, generated), expected)


def test_a_batch_may_be_split() -> None:
    real, generated = random_judgements(0), random_judgements(5)
    halves = [list(zip(*(judgement.split(1) for judgement in side), strict=True)) for side in (real, generated)]
    for loss in (discriminator_loss, feature_distance):
        parts = [loss(*pair) for pair in zip(*halves, strict=True)]
        torch.testing.assert_close(torch.cat(parts), loss(real, generated))
    torch.testing.assert_close(torch.cat([generator_loss(part) for part in halves[1]]), generator_loss(generated))


def test_the_generated_side_alone_learns_from_features() -> None:
    real, generated = (normal(2, 1, 40, seed=seed).requires_grad_() for seed in (0, 1))
    model = randomized(Discriminators(CFG))
    loss = feature_distance(model(real), model(generated)).sum()
    of_real, of_generated = torch.autograd.grad(loss, [real, generated], allow_unused=True)
    assert of_real is None
    assert of_generated is not None
    assert of_generated.all()


def test_discriminators_that_follow_their_gradient_tell_better() -> None:
    model = randomized(Discriminators(CFG))
    samples = torch.cat([normal(2, 1, 60), 0.3 * normal(2, 1, 60, seed=1)])

    def loss() -> torch.Tensor:
        real, generated = zip(*(judgement.split(2) for judgement in model(samples)), strict=True)
        return discriminator_loss(real, generated).sum()

    before = loss()
    gradients = torch.autograd.grad(before, list(model.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter -= 1e-3 * gradient
        assert loss() < before


def test_losses_are_in_full_precision() -> None:
    real, generated = (
        [Judgement(logits=j.logits.bfloat16(), features=tuple(f.bfloat16() for f in j.features)) for j in side]
        for side in (random_judgements(0), random_judgements(5))
    )
    for found in (discriminator_loss(real, generated), generator_loss(real), feature_distance(real, generated)):
        assert found.dtype == torch.float32
        assert found.shape == (3,)
