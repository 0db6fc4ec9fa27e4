"""Named terms of a loss, and the weights of the same names."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping

import torch
from torch import Tensor

from sonorant.errors import ConfigError
from sonorant.training.schedule import Schedule, extremes, value_at

Terms = Mapping[str, Tensor]
"""Scalars by name."""


def check_weights(weights: Mapping[str, Schedule], terms: Iterable[str], *, source: str) -> None:
    """Raise ConfigError unless the weights are those of the terms, no more and no fewer, and none ever below 0."""
    wanted = set(terms)
    if missing := sorted(wanted - weights.keys()):
        raise ConfigError(f"{source}: no weight for the term {missing[0]!r}; there are {', '.join(sorted(wanted))}")
    if extra := sorted(weights.keys() - wanted):
        raise ConfigError(f"{source}: {extra[0]!r} is no term of this system; there are {', '.join(sorted(wanted))}")
    for name, schedule in weights.items():
        if wrong := [value for value in extremes(schedule) if not (math.isfinite(value) and value >= 0)]:
            raise ConfigError(f"{source}.{name} is {wrong[0]:g}: it must be a number, and at least 0")


def weights_at(weights: Mapping[str, Schedule], step: int, *, optional: Container[str] = ()) -> dict[str, float]:
    """The weights of the terms that are computed at a step: all but the optional ones whose weight is 0.

    The others are computed even then: processes that share gradients wait for one of every weight at every step.
    """
    values = {name: value_at(schedule, step) for name, schedule in weights.items()}
    return {name: value for name, value in values.items() if value or name not in optional}


def weighted_sum(terms: Terms, weights: Mapping[str, float]) -> Tensor:
    """The loss, float32. Each weight's term must be there."""
    return torch.stack([terms[name].float() * weight for name, weight in weights.items()]).sum()


class Tally:
    """Adds up terms over the parts of a step, on their device, until they are asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, terms: Terms, *, prefix: str = "") -> None:
        """Add the terms of one part."""
        for name, value in terms.items():
            known = self._sums.get(prefix + name)
            value = value.detach().float()
            self._sums[prefix + name] = value if known is None else known + value

    def stacked(self) -> tuple[list[str], Tensor]:
        """The names, and their sums in one tensor: one wait for the device, not one a term."""
        return list(self._sums), torch.stack(list(self._sums.values()))
