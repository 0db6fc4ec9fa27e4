"""One loss, one optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule
from sonorant.training.step import Randomness, mean_over_processes
from sonorant.training.terms import Tally, Terms, check_weights, weighted_sum, weights_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric

B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)


class Objective(Protocol[B_contra]):
    """What a system supplies: its terms, each divided by the totals of the whole batch."""

    terms: tuple[str, ...]

    def __call__(self, batch: B_contra, step: int, wanted: frozenset[str]) -> Terms: ...


class SupervisedStep(Generic[B]):
    """The gradient of a weighted sum of terms."""

    def __init__(
        self,
        fabric: Fabric,
        objective: Objective[B],
        player: Player,
        weights: Mapping[str, Schedule],
        randomness: Randomness,
    ) -> None:
        """weights: one for each of the objective's terms. Raises ConfigError for a name too many or too few."""
        check_weights(weights, objective.terms, source="losses")
        self._fabric = fabric
        self._objective = objective
        self._player = player
        self._weights = weights
        self._randomness = randomness

    @property
    def players(self) -> Sequence[Player]:
        return (self._player,)

    def __call__(self, parts: Sequence[B], step: int) -> dict[str, float]:
        weights = weights_at(self._weights, step)
        tally = Tally()
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            with self._fabric.no_backward_sync(self._player.module, enabled=not is_last):  # type: ignore[arg-type]
                self._randomness.start_part(step, index)
                terms = self._objective(part, step, frozenset(weights))
                loss = weighted_sum(terms, weights)
                self._fabric.backward(loss)
            tally.add({**terms, "total": loss})
        report = mean_over_processes(self._fabric, tally)
        return report | self._player.update(self._fabric, step, is_finite=math.isfinite(report["total"]))
