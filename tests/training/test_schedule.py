from __future__ import annotations

import pytest

from sonorant.config import config, parse, plain
from sonorant.errors import ConfigError
from sonorant.training.schedule import Exponential, From, Linear, Schedule, Steps, value_at


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


def test_steps_change_at_their_steps_and_nowhere_else() -> None:
    steps = Steps(changes=(10, 20), values=(24, 40, 8))
    assert [value_at(steps, step) for step in (0, 9, 10, 19, 20, 10**6)] == [24, 24, 40, 40, 8, 8]
    assert value_at(Steps(changes=(), values=(3.0,)), 7) == 3.0


@pytest.mark.parametrize(
    ("changes", "values", "fault"),
    [
        ((10,), (1.0,), "1 changes need 2 values, not 1"),
        ((), (), "0 changes need 1 values, not 0"),
        ((20, 10), (1.0, 2.0, 3.0), r"changes are \(20, 10\): they must be steps above 0, in order"),
        ((10, 10), (1.0, 2.0, 3.0), "in order"),
        ((0,), (1.0, 2.0), "above 0"),
    ],
)
def test_steps_that_say_nothing_clear_are_refused(
    changes: tuple[int, ...], values: tuple[float, ...], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        Steps(changes=changes, values=values)


@config
class Settings:
    rate: Schedule


@pytest.mark.parametrize(
    ("data", "schedule"),
    [
        (3, 3.0),
        ({"kind": "steps", "changes": [10], "values": [24, 40]}, Steps(changes=(10,), values=(24, 40))),
        ({"kind": "from", "step": 5, "value": 1}, From(step=5, value=1)),
        (
            {"kind": "linear", "start": 0, "end": 9, "first": 1, "last": 0},
            Linear(start=0, end=9, first=1, last=0),
        ),
        ({"kind": "exponential", "value": 1, "gamma": 0.9}, Exponential(value=1, gamma=0.9)),
    ],
)
def test_a_schedule_is_read_from_its_file_as_the_kind_it_says(data: object, schedule: Schedule) -> None:
    settings = parse(Settings, {"rate": data}, source="test")
    assert settings == Settings(rate=schedule)
    assert parse(Settings, plain(settings), source="test") == settings


def test_an_unknown_kind_of_schedule_is_refused() -> None:
    with pytest.raises(ConfigError, match="'steps'"):
        parse(Settings, {"rate": {"kind": "cosine", "value": 1}}, source="test")
