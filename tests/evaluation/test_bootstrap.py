"""Intervals hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from sonorant.errors import ParameterError
from sonorant.evaluation.bootstrap import Interval, interval


def test_an_interval_of_a_mean_holds_the_true_mean_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    held = [
        found.low <= 3.0 <= found.high
        for found in (interval(rng.normal(3.0, 2.0, size=60), seed=seed) for seed in range(400))
    ]
    assert 0.91 <= np.mean(held) <= 0.98


def test_an_interval_of_a_ratio_of_sums_holds_the_true_ratio() -> None:
    rng = np.random.default_rng(1)
    held = []
    for seed in range(300):
        lengths = rng.integers(10, 80, size=60)
        found = interval(rng.binomial(lengths, 0.1), lengths, seed=seed)
        held.append(found.low <= 0.1 <= found.high)
    assert 0.90 <= np.mean(held) <= 0.98


def test_the_value_weighs_items_by_their_denominators() -> None:
    assert interval([1, 0], [10, 90]).value == pytest.approx(0.01)
    assert interval([1, 0]).value == pytest.approx(0.5)


def test_more_items_give_a_narrower_interval() -> None:
    numbers = np.random.default_rng(2).normal(size=400)
    few, many = interval(numbers[:25]), interval(numbers)
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_a_seed_decides_the_interval() -> None:
    numbers = np.random.default_rng(3).normal(size=30)
    assert interval(numbers, seed=4) == interval(numbers, seed=4)
    assert interval(numbers, seed=4) != interval(numbers, seed=5)


def test_an_item_alone_gives_a_point() -> None:
    assert interval([2.0]) == Interval(2.0, 2.0, 2.0)


def test_items_without_a_denominator_add_nothing() -> None:
    assert interval([3.0, 0.0], [6.0, 0.0]) == Interval(0.5, 0.5, 0.5)


def test_a_root_keeps_the_bounds_in_order() -> None:
    assert Interval(4.0, 1.0, 9.0).root() == Interval(2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("numerators", "denominators"),
    [([], None), ([1.0], [0.0]), ([float("nan")], None), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [3.0, -1.0])],
)
def test_what_cannot_be_divided_is_refused(numerators: list[float], denominators: list[float] | None) -> None:
    with pytest.raises(ParameterError, match="an interval"):
        interval(numerators, denominators)
