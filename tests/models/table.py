"""A system's game at a table, for the laws that every step of two players keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from sonorant.data.batch import Batch
from sonorant.training.devices import build_fabric
from sonorant.training.gan import GanStep
from sonorant.training.optim import OptimizerConfig, Player, set_up
from sonorant.training.schedule import Schedule
from sonorant.training.step import Randomness
from tests.nn.random_weights import randomized

PLAIN = OptimizerConfig(learning_rate=1e-2, eps=1.0)
"""With so large an eps, an update is as long as its gradient; Adam's own would make rounding errors into steps."""


class Table:
    """A game, its players and its step, with random weights that are always the same."""

    def __init__(
        self,
        network: nn.Module,
        judges: nn.Module,
        game: Callable[[Fabric, Player, Player], Any],
        losses: Mapping[str, Schedule],
        *,
        generator: OptimizerConfig,
        discriminator: OptimizerConfig,
    ) -> None:
        fabric = build_fabric("fp32", accelerator="cpu")
        self.generator = set_up(fabric, "generator", randomized(network, scale=0.02), generator)
        self.discriminator = set_up(fabric, "discriminator", randomized(judges, seed=1, scale=0.02), discriminator)
        self.game = game(fabric, self.generator, self.discriminator)
        self.step = GanStep(fabric, self.game, self.generator, self.discriminator, losses, Randomness(1))

    def weights(self) -> dict[str, torch.Tensor]:
        """Of both players; they are views that follow the training."""
        parts = {"generator": self.generator.network, "discriminator": self.discriminator.network}
        return {
            f"{part}/{name}": value for part, module in parts.items() for name, value in module.state_dict().items()
        }

    def terms(self, batch: Batch, step: int = 0) -> dict[str, float]:
        """All terms of both players."""
        with torch.no_grad():
            out = self.game.generate(batch, step)
            judged = self.game.judged(batch, out, frozenset(self.game.terms))
            return {name: float(term) for name, term in {**judged, **self.game.judge(batch, out)}.items()}


def check_means(at: Table, batch: Batch, alone: Sequence[Batch], *, of: Mapping[str, str], rel: float) -> None:
    """Assert that each term of a batch is the mean of those of its items alone, over what it is a sum of.

    of: terms, and whether those are frames or tokens; of the others they are items.
    """
    single = [at.terms(one) for one in alone]
    for name, value in at.terms(batch).items():
        counts = [getattr(one.totals, of.get(name, "items")) for one in alone]
        assert sum(counts) == getattr(batch.totals, of.get(name, "items"))
        summed = sum(n * terms[name] for n, terms in zip(counts, single, strict=True))
        assert summed / sum(counts) == pytest.approx(value, rel=rel), name
