"""Least-squares adversarial losses of durations, token by token (VITS2, arXiv:2307.16430, 2.1).

B batch, L tokens. Scores are [B, 1, L], as is their mask. Each loss is a sum over an item's tokens, to be divided by
how many there are in the whole batch. Arguments go by name alone: real and generated are too easily swapped.
"""

from __future__ import annotations

from torch import Tensor


def duration_discriminator_loss(*, real: Tensor, generated: Tensor, mask: Tensor) -> Tensor:
    """How far the discriminator is from calling the real 1 and the generated 0. Returns float32 [B]."""
    error = (1 - real.float()) ** 2 + generated.float() ** 2
    return (error * mask).sum(dim=(1, 2))


def duration_generator_loss(*, generated: Tensor, mask: Tensor) -> Tensor:
    """How far the discriminator is from calling the generated 1. Returns float32 [B]."""
    return ((1 - generated.float()) ** 2 * mask).sum(dim=(1, 2))
