"""Configurations: frozen dataclasses in code, checked once when a file is read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import dataclass_transform

from sonorant.errors import ConfigError

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def config(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass whose file form may hold no unknown key."""
    cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return dataclass(frozen=True, kw_only=True)(cls)


def parse(cls: type[T], data: object, *, source: str) -> T:
    """Build `cls` from the contents of a file.

    source: what to call the file in an error.
    Raises ConfigError, in one line, naming the source, every bad key and what it should be.
    """
    import pydantic

    try:
        return pydantic.TypeAdapter(cls).validate_python(data)
    except pydantic.ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or '(top)'}: {fault['msg']}" for fault in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(faults)) from None


def plain(value: Any) -> dict[str, Any]:
    """A configuration as plain dicts and lists, ready for JSON or YAML."""
    return asdict(value)


def read_json(path: Path) -> object:
    """The contents of a JSON file. Raises ConfigError when it is unreadable or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid JSON ({error})") from None
