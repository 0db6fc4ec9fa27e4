"""One update of the discriminators, then one of the generator (Goodfellow et al. 2014), in the official VITS' order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import torch

from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule
from sonorant.training.step import Randomness, frozen, mean_over_processes
from sonorant.training.terms import Tally, Terms, check_weights, weighted_sum, weights_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric

B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)
Out = TypeVar("Out")


class Game(Protocol[B_contra, Out]):
    """What a system supplies of the step: three functions and the names of its terms.

    Each term is a sum over the part's items, divided by the totals of the whole batch.
    """

    terms: tuple[str, ...]
    adversarial: frozenset[str]
    """The terms that need the discriminators."""
    optional: frozenset[str]
    """The terms that are not computed while their weight is 0: others reach every weight of the generator."""

    def generate(self, batch: B_contra, step: int) -> Out:
        """The generator's pass over a part."""
        ...

    def judge(self, batch: B_contra, out: Out) -> Terms:
        """The discriminators' own terms, on outputs detached from the generator. Their sum is their loss."""
        ...

    def judged(self, batch: B_contra, out: Out, wanted: frozenset[str]) -> Terms:
        """The generator's terms, of those wanted. The discriminators' weights ask for no gradient."""
        ...


class GanStep(Generic[B, Out]):
    """The alternation of two players. While no adversarial term has a weight, the discriminators do not run."""

    def __init__(
        self,
        fabric: Fabric,
        game: Game[B, Out],
        generator: Player,
        discriminator: Player,
        weights: Mapping[str, Schedule],
        randomness: Randomness,
    ) -> None:
        """weights: one for each of the game's terms. Raises ConfigError for a name too many or too few."""
        check_weights(weights, game.terms, source="losses")
        self._fabric = fabric
        self._game = game
        self._generator = generator
        self._discriminator = discriminator
        self._weights = weights
        self._randomness = randomness
        self._begun: tuple[int, Mapping[str, float]] | None = None
        """A step whose generator is still to be updated, and what its discriminators reported."""

    @property
    def players(self) -> Sequence[Player]:
        return (self._generator, self._discriminator)

    def __call__(self, parts: Sequence[B], step: int) -> dict[str, float]:
        """One update of each. Called again for a step that ran out of memory, it goes on where it was."""
        weights = weights_at(self._weights, step, optional=self._game.optional)
        is_game_on = bool(self._game.adversarial & weights.keys())
        report: dict[str, float] = {}
        # One part's outputs serve both updates; those of several would fill the memory, so they are made twice.
        out = self._generate(parts[0], step, 0) if len(parts) == 1 else None
        if is_game_on:
            if self._begun is None or self._begun[0] != step:
                self._begun = step, self._update_discriminator(parts, step, out)
            report |= self._begun[1]
        report |= self._update_generator(parts, step, out, weights)
        self._begun = None
        return report

    def _generate(self, part: B, step: int, index: int) -> Out:
        self._randomness.start_part(step, index)
        return self._game.generate(part, step)

    def _update_discriminator(self, parts: Sequence[B], step: int, out: Out | None) -> dict[str, float]:
        tally = Tally()
        for index, part in enumerate(parts):
            with torch.no_grad() if out is None else nullcontext():
                made = self._generate(part, step, index) if out is None else out
            with self._synchronised(self._discriminator, index, parts):
                terms = self._game.judge(part, made)
                loss = torch.stack([term.float() for term in terms.values()]).sum()
                self._fabric.backward(loss)
            tally.add({**terms, "total": loss}, prefix="discriminator/")
        report = mean_over_processes(self._fabric, tally)
        is_finite = math.isfinite(report["discriminator/total"])
        return report | self._discriminator.update(self._fabric, step, is_finite=is_finite)

    def _update_generator(
        self, parts: Sequence[B], step: int, out: Out | None, weights: Mapping[str, float]
    ) -> dict[str, float]:
        tally = Tally()
        for index, part in enumerate(parts):
            with self._synchronised(self._generator, index, parts), frozen(self._discriminator.network):
                made = self._generate(part, step, index) if out is None else out
                terms = self._game.judged(part, made, frozenset(weights))
                loss = weighted_sum(terms, weights)
                self._fabric.backward(loss)
            tally.add({**terms, "total": loss}, prefix="generator/")
        report = mean_over_processes(self._fabric, tally)
        is_finite = math.isfinite(report["generator/total"])
        return report | self._generator.update(self._fabric, step, is_finite=is_finite)

    def _synchronised(self, player: Player, index: int, parts: Sequence[B]):  # type: ignore[no-untyped-def]
        """Gradients are exchanged between processes once, with the last part."""
        return self._fabric.no_backward_sync(player.module, enabled=index < len(parts) - 1)  # type: ignore[arg-type]
