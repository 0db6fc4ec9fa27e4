"""Configurations of all systems, as their files say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sonorant.config import plain, read_yaml
from sonorant.models.recipes import parse_recipe

FILES = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


def _settings(whole: Mapping[str, Any], within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each number, word and list of a whole configuration, and where it is."""
    for name, value in whole.items():
        if isinstance(value, Mapping):
            yield from _settings(value, (*within, name))
        else:
            yield (*within, name), value


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_saying_what_is_so_anyway_changes_nothing(path: Path) -> None:
    data = read_yaml(path)
    whole = plain(parse_recipe(data, source="file"))
    said: list[str] = []
    last_of_each = {place[:-1]: (place, value) for place, value in _settings(whole) if place[-1] != "kind"}
    for place, value in last_of_each.values():
        changed = deepcopy(data)
        inner: Any = changed
        for name in place[:-1]:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or place[-1] in inner or "losses" in place:
            continue  # what stands there is no mapping of settings, or says it already; weights are whole mappings
        inner[place[-1]] = value
        if plain(parse_recipe(changed, source="file")) != whole:
            said.append(".".join(place))
    assert not said
