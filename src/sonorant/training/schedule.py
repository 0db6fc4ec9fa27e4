"""Numbers that change with the step: learning rates and the weights of losses.

A schedule is a function of the step alone. It has no state, so resuming needs none, and it does not depend on how
long an epoch happens to be.
"""

from __future__ import annotations

from typing import Literal

from sonorant.bounds import check_at_least, check_finite
from sonorant.config import config


@config
class From:
    """0 before a step, a constant from it on."""

    kind: Literal["from"] = "from"
    step: int
    value: float

    def __post_init__(self) -> None:
        check_at_least(0, self, "step")
        check_finite(self, "value")

    def at(self, step: int) -> float:
        return self.value if step >= self.step else 0.0


@config
class Linear:
    """A straight line between two steps, constant outside."""

    kind: Literal["linear"] = "linear"
    start: int
    end: int
    first: float
    last: float

    def __post_init__(self) -> None:
        check_finite(self, "first", "last")
        if not 0 <= self.start < self.end:
            raise ValueError(f"start is {self.start} and end {self.end}: they must be 0 <= start < end")

    def at(self, step: int) -> float:
        share = min(max((step - self.start) / (self.end - self.start), 0.0), 1.0)
        return self.first + (self.last - self.first) * share


@config
class Exponential:
    """value * gamma ** (step / every), after a linear warm-up from 0 over warmup steps.

    The official VITS decays by 0.999875 an epoch; there every is the steps of an epoch of the corpus it was tuned on.
    """

    kind: Literal["exponential"] = "exponential"
    value: float
    gamma: float
    every: int = 1
    warmup: int = 0

    def __post_init__(self) -> None:
        check_finite(self, "value")
        if not 0 < self.gamma <= 1:
            raise ValueError(f"gamma is {self.gamma}: it must lie in (0, 1]")
        if self.every < 1 or self.warmup < 0:
            raise ValueError(f"every is {self.every} and warmup {self.warmup}: they must be at least 1 and 0")

    def at(self, step: int) -> float:
        warm = min((step + 1) / self.warmup, 1.0) if self.warmup else 1.0
        return float(self.value * warm * self.gamma ** (step / self.every))


@config
class Steps:
    """Constant between changes: the first value until the first change, and so on."""

    kind: Literal["steps"] = "steps"
    changes: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.changes) + 1:
            raise ValueError(f"{len(self.changes)} changes need {len(self.changes) + 1} values, not {len(self.values)}")
        check_finite(self, "values")
        if list(self.changes) != sorted({*self.changes}) or any(step < 1 for step in self.changes):
            raise ValueError(f"changes are {self.changes}: they must be steps above 0, in order")

    def at(self, step: int) -> float:
        return self.values[sum(step >= change for change in self.changes)]


Schedule = float | From | Linear | Exponential | Steps
"""A plain number is constant."""


def extremes(schedule: Schedule) -> tuple[float, float]:
    """Two numbers between which the schedule stays, whatever the step."""
    match schedule:
        case From():
            values: tuple[float, ...] = (0.0, schedule.value) if schedule.step else (schedule.value,)
        case Linear():
            values = (schedule.first, schedule.last)
        case Exponential():
            values = (0.0, schedule.value)
        case Steps():
            values = schedule.values
        case _:
            values = (float(schedule),)
    return min(values), max(values)


def value_at(schedule: Schedule, step: int) -> float:
    """The schedule's value at a step."""
    match schedule:
        case From() | Linear() | Exponential() | Steps():
            return schedule.at(step)
        case _:
            return float(schedule)


def lengths_of(schedule: Schedule, name: str) -> tuple[int, ...]:
    """The lengths that a schedule goes through. Raises ValueError unless it is one, or steps from one to the next."""
    lengths = schedule.values if isinstance(schedule, Steps) else (schedule,)
    found: list[int] = []
    for length in lengths:
        if not isinstance(length, float | int) or length < 1 or length != int(length):
            raise ValueError(f"{name} is {length}: it must be a whole number above 0, or 'steps' of such")
        found.append(int(length))
    return tuple(found)
