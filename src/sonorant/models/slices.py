"""Recorded and decoded slices before the discriminators: what every waveform game does alike.

B batch, N samples of a slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from sonorant.nn.discriminators import Judgement
from sonorant.training.optim import Player

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Judgements(NamedTuple):
    """What the discriminators say of the recorded and of the generated slices."""

    real: Sequence[Judgement]
    generated: Sequence[Judgement]


def judgements_to_learn(discriminator: Player, *, recorded: Tensor, generated: Tensor) -> Judgements:
    """For the discriminators' own update; nothing reaches the generator. Both [B, 1, N]."""
    return Judgements(*judgements_of(discriminator, recorded, generated))


def judgements_of(discriminator: Player, *samples: Tensor) -> tuple[Sequence[Judgement], ...]:
    """What the discriminators say of several slices, each [B, 1, N], for their own update: of each in turn."""
    # In one pass: where processes share gradients, each pass must have its own way back.
    judgements = discriminator(torch.cat([each.detach() for each in samples]))
    return tuple(zip(*(judgement.split(len(samples[0])) for judgement in judgements), strict=True))


def judgements_to_please(fabric: Fabric, discriminator: Player, *, recorded: Tensor, generated: Tensor) -> Judgements:
    """For the generator's update: what the gradient flows through to the generated. Both [B, 1, N]."""
    network = discriminator.network
    with fabric.autocast():
        with torch.no_grad():
            real = network(recorded)
        return Judgements(real, network(generated))
