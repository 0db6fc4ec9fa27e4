from __future__ import annotations

from typing import Any

import pytest
import torch

from sonorant.losses.duration import duration_discriminator_loss, duration_generator_loss
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal

MASK = length_mask(torch.tensor([3, 5]), 5)


def scores(value: float) -> torch.Tensor:
    return torch.full((2, 1, 5), value) * MASK


@pytest.mark.parametrize(("real", "generated", "loss"), [(1.0, 0.0, 0.0), (0.0, 1.0, 2.0), (0.5, 0.5, 0.5)])
def test_a_discriminator_is_to_tell_real_from_generated(real: float, generated: float, loss: float) -> None:
    found = duration_discriminator_loss(real=scores(real), generated=scores(generated), mask=MASK)
    assert found.tolist() == [3 * loss, 5 * loss]


def test_a_generator_is_to_pass_for_real() -> None:
    assert duration_generator_loss(generated=scores(1.0), mask=MASK).tolist() == [0.0, 0.0]
    assert duration_generator_loss(generated=scores(-1.0), mask=MASK).tolist() == [12.0, 20.0]


def test_real_and_generated_cannot_be_given_by_place() -> None:
    of_discriminator: Any = duration_discriminator_loss
    of_generator: Any = duration_generator_loss
    with pytest.raises(TypeError):
        of_discriminator(scores(0.0), scores(1.0), MASK)
    with pytest.raises(TypeError):
        of_generator(scores(0.0), MASK)


def test_padding_and_the_size_of_the_batch_change_nothing() -> None:
    """Whatever the scores of padding; and a batch twice over, divided by its tokens, is worth what it is once."""
    real, generated = normal(2, 1, 5), normal(2, 1, 5, seed=1)
    losses = [
        duration_discriminator_loss(real=real, generated=generated, mask=MASK),
        duration_generator_loss(generated=generated, mask=MASK),
    ]
    longer, changed = torch.cat([MASK, torch.zeros(2, 1, 4)], dim=2), torch.cat([generated, normal(2, 1, 4)], dim=2)
    of_longer = [
        duration_discriminator_loss(real=torch.cat([real, normal(2, 1, 4, seed=3)], 2), generated=changed, mask=longer),
        duration_generator_loss(generated=changed, mask=longer),
    ]
    torch.testing.assert_close(of_longer, losses)
    twice = [x.repeat(2, 1, 1) for x in (real, generated, MASK)]
    of_twice = [
        duration_discriminator_loss(real=twice[0], generated=twice[1], mask=twice[2]),
        duration_generator_loss(generated=twice[1], mask=twice[2]),
    ]
    for found, loss in zip(of_twice, losses, strict=True):
        torch.testing.assert_close(found.sum() / twice[2].sum(), loss.sum() / MASK.sum())


def test_losses_are_in_full_precision() -> None:
    half = normal(2, 1, 5).bfloat16()
    for found in (
        duration_discriminator_loss(real=half, generated=half, mask=MASK),
        duration_generator_loss(generated=half, mask=MASK),
    ):
        assert found.dtype == torch.float32
        assert found.shape == (2,)
