from __future__ import annotations

import pytest

from sonorant.training.schedule import Exponential, From, Linear, value_at


def test_a_number_is_constant() -> None:
    assert [value_at(45, step) for step in (0, 10**6)] == [45.0, 45.0]


def test_from_begins_at_its_step() -> None:
    assert [value_at(From(step=500, value=2.0), step) for step in (0, 499, 500, 10**6)] == [0.0, 0.0, 2.0, 2.0]


def test_linear_runs_between_its_steps() -> None:
    line = Linear(start=10, end=20, first=1.0, last=0.0)
    assert [value_at(line, step) for step in (0, 10, 15, 20, 99)] == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_the_official_decay_is_an_epochs_share_of_each_step() -> None:
    rate = Exponential(value=2e-4, gamma=0.999875, every=49)
    assert value_at(rate, 0) == 2e-4
    assert value_at(rate, 49 * 8) == pytest.approx(2e-4 * 0.999, rel=1e-6)


def test_warm_up_ends_where_it_says() -> None:
    rate = Exponential(value=1.0, gamma=1.0, warmup=4)
    assert [value_at(rate, step) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_impossible_schedules_are_refused() -> None:
    with pytest.raises(ValueError, match="start < end"):
        Linear(start=5, end=5, first=0, last=1)
    with pytest.raises(ValueError, match=r"gamma is 1\.1"):
        Exponential(value=1, gamma=1.1)
    with pytest.raises(ValueError, match="every is 0"):
        Exponential(value=1, gamma=1, every=0)
