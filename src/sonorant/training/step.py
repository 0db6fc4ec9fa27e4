"""What one step of training is, to the loop; and how a step draws its random numbers.

A step takes a batch in parts. Its gradient does not depend on how many there are, nor on how many processes share
them: losses are divided by the totals of the whole batch, and each item draws its own noise. So accumulation, several
processes and backing off when memory runs out all compute the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import torch
from torch import nn

from sonorant.seeds import seed_of
from sonorant.training.optim import Player
from sonorant.training.terms import Tally

if TYPE_CHECKING:
    from lightning_fabric import Fabric

B = TypeVar("B", contravariant=True)


class Step(Protocol[B]):
    """Updates networks from the parts of one batch."""

    @property
    def players(self) -> Sequence[Player]:
        """The networks it trains; the first is the one that is kept."""
        ...

    def __call__(self, parts: Sequence[B], step: int) -> Mapping[str, float]:
        """One update of every player. Returns what is to be logged. Raises NonFiniteError."""
        ...


@dataclass(frozen=True)
class Randomness:
    """Where a run's random numbers come from: its seed and the step, so that resuming needs no generator's state."""

    seed: int
    rank: int = 0

    def of(self, *what: int | str) -> int:
        """A seed for something, the same in every process."""
        return seed_of(self.seed, *what)

    def start_part(self, step: int, part: int) -> None:
        """Seed torch for a part of a step, which decides its dropout; each process has its own."""
        torch.manual_seed(self.of("dropout", step, self.rank, part))


def mean_over_processes(fabric: Fabric, tally: Tally) -> dict[str, float]:
    """The tally's terms, the same in every process."""
    names, values = tally.stacked()
    if fabric.world_size > 1:
        reduced = fabric.all_reduce(values, reduce_op="mean")
        assert isinstance(reduced, torch.Tensor)
        values = reduced
    return dict(zip(names, values.tolist(), strict=True))


class frozen:  # noqa: N801 - reads as a statement
    """Within it, the network's weights ask for no gradient: one flows through it, none stays in it."""

    def __init__(self, network: nn.Module) -> None:
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def __enter__(self) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(False)

    def __exit__(self, *exception: object) -> None:
        for parameter in self._parameters:
            parameter.requires_grad_(True)
