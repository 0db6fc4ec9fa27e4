"""What a configuration file's faults are told as: one line, no more than concerns what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import pytest

from sonorant.config import config, override, parse, read_json
from sonorant.errors import ConfigError


@config
class Square:
    kind: Literal["square"] = "square"
    side: float

    def __post_init__(self) -> None:
        if self.side <= 0:
            raise ValueError(f"side is {self.side:g}: it must be above 0")


@config
class Circle:
    kind: Literal["circle"] = "circle"
    radius: float


@config
class Drawing:
    shape: Square | Circle
    weight: float | Square = 1.0
    frame: Square = Square(side=1)
    all: Mapping[str, tuple[Square, ...]] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"shape": {"kind": "square", "side": 1, "radius": 2}},
            "shape.radius: there is no such setting; expected kind, side",
        ),
        ({"shape": {"kind": "circle"}}, "shape.radius: Field required"),
        ({"shape": {"kind": "star"}}, "shape.kind: found 'star', expected 'square' or 'circle'"),
        ({"shape": {"kind": "square", "side": -1}}, "shape: side is -1: it must be above 0"),
        (
            {"shape": {"kind": "circle", "radius": 1}, "weight": {"kind": "star"}},
            "weight.kind: found 'star', expected 'square'",
        ),
        (
            {"shape": {"kind": "circle", "radius": "x"}, "colour": 1},
            "shape.radius: found 'x', expected a valid number",
        ),
        (
            {"shape": {"kind": "circle", "radius": 1}, "colour": 1},
            "colour: there is no such setting; expected shape, weight, frame, all",
        ),
        (
            {"shape": {"kind": "circle", "radius": 1}, "frame": {"kind": "round"}},
            "frame.kind: found 'round', expected 'square'",
        ),
        (
            {"shape": {"kind": "circle", "radius": 1}, "all": {"a": [{"sid": 1}]}},
            "all.a.0.sid: there is no such setting; expected kind, side",
        ),
    ],
)
def test_a_choice_is_told_by_its_kind_alone(data: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(Drawing, data, source="here")
    line = str(error.value)
    assert line.startswith(f"here: {said}") or f"; {said}" in line
    assert line.count("Circle") == line.count("Square") == 0
    assert "Value error" not in line


def test_what_is_right_is_taken() -> None:
    assert parse(Drawing, {"shape": {"kind": "circle", "radius": 2}}, source="here").shape == Circle(radius=2)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (["shape.side=2"], {"kind": "square", "side": 2}),
        (["shape.kind=square"], {"kind": "square", "side": 1}),
        (["shape.radius=3", "shape.kind=circle"], {"kind": "circle", "radius": 3}),
        (["shape.kind=circle", "shape.radius=3"], {"kind": "circle", "radius": 3}),
        (["shape={kind: circle, radius: 3}"], {"kind": "circle", "radius": 3}),
    ],
)
def test_another_kind_leaves_the_old_ones_settings_behind(given: list[str], shape: dict[str, Any]) -> None:
    before = {"shape": {"kind": "square", "side": 1}, "weight": 2.0}
    assert override(before, given) == {"shape": shape, "weight": 2.0}
    assert before == {"shape": {"kind": "square", "side": 1}, "weight": 2.0}


@config
class Brush:
    width: float = 1.0
    tip: Square | Circle = Circle(radius=1.0)


@config
class Painting:
    brush: Brush = Brush(width=3.0, tip=Square(side=2.0))
    brushes: tuple[Brush, ...] = ()
    named: Mapping[str, Brush] = field(default_factory=dict)
    spare: Brush | None = None


@pytest.mark.parametrize(
    ("data", "painting"),
    [
        ({}, Painting()),
        ({"brush": {}}, Painting()),
        ({"brush": {"width": 1}}, Painting(brush=Brush(width=1.0, tip=Square(side=2.0)))),
        ({"brush": {"tip": {"side": 5}}}, Painting(brush=Brush(width=3.0, tip=Square(side=5.0)))),
        (
            {"brush": {"tip": {"kind": "circle", "radius": 5}}},
            Painting(brush=Brush(width=3.0, tip=Circle(radius=5.0))),
        ),
        ({"brushes": [{"tip": {"radius": 5}}]}, Painting(brushes=(Brush(tip=Circle(radius=5.0)),))),
        ({"named": {"a": {"tip": {"radius": 5}}}}, Painting(named={"a": Brush(tip=Circle(radius=5.0))})),
        ({"spare": {"tip": {"radius": 5}}}, Painting(spare=Brush(tip=Circle(radius=5.0)))),
        ({"spare": None}, Painting()),
    ],
)
def test_what_is_given_in_part_leaves_the_rest_as_it_is_there(data: dict[str, Any], painting: Painting) -> None:
    assert parse(Painting, data, source="here") == painting


def test_without_a_kind_it_is_the_defaults_kind_that_is_held_to() -> None:
    with pytest.raises(ConfigError, match=r"^here: brush.tip.*radius: there is no such setting"):
        parse(Painting, {"brush": {"tip": {"radius": 5}}}, source="here")


@config
class Numbers:
    count: int = 1
    share: float | None = None
    weight: float | Square = 1.0
    each: tuple[float, ...] = ()
    told: float | str = "much"
    is_big: bool = False


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"count": True}, "count: found True, expected a valid integer"),
        ({"count": "2"}, "count: found '2', expected a valid integer"),
        ({"share": "0.5"}, "share: found '0.5', expected a valid number"),
        ({"share": False}, "share: found False, expected a valid number"),
        ({"weight": True}, "found True, expected a valid number"),
        ({"each": [1.0, "2"]}, "each.1: found '2', expected a valid number"),
    ],
)
def test_words_and_truths_are_no_numbers(data: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(Numbers, data, source="here")
    assert said in str(error.value)


def test_words_and_truths_stay_what_they_are_where_they_may_be() -> None:
    found = parse(Numbers, {"told": "2", "is_big": True, "count": 2, "share": 1}, source="here")
    assert (found.told, found.is_big, found.count, found.share) == ("2", True, 2, 1.0)


def test_a_json_file_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": {"b": 1, "c": 2, "b": 3}}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a\.json: is not valid JSON \(the key 'b' stands twice\)"):
        read_json(path)
