"""Configurations: frozen dataclasses in code, checked once when a file is read."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from typing_extensions import dataclass_transform

from sonorant.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    import pydantic
    import pydantic_core
    from _typeshed import DataclassInstance

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def config(cls: type[T]) -> type[T]:
    """A frozen, keyword-only dataclass whose file form may hold no unknown key."""
    cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return dataclass(frozen=True, kw_only=True)(cls)


def parse(cls: type[T], data: object, *, source: str) -> T:
    """Build `cls` from the contents of a file.

    A mapping changes what it names and leaves the rest as it is where it stands: in the default of that place, which
    need not be that of its class. One that says its `kind` is anew of that kind.
    source: what to call the file in an error.
    Raises ConfigError, in one line, naming the source, every bad key and what it should be.
    """
    import pydantic

    try:
        return pydantic.TypeAdapter(cls).validate_python(_completed(data, cls))
    except pydantic.ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(_faults(error, cls))) from None


def _completed(data: object, hint: Any, default: object = MISSING) -> object:
    """What a file says of a setting, and, where it leaves settings within that out, the default's own.

    hint: the setting's type; default: its value where nothing is said.
    """
    if isinstance(data, list):
        inner = [each for choice in _choices(hint) for each in get_args(choice) if each is not ...]
        return [_completed(each, inner[0]) for each in data] if len(inner) == 1 else data
    if not isinstance(data, dict):
        return _NoNumber(data) if isinstance(data, (bool, str)) and _is_number(hint) else data
    owner: Any
    own: dict[str, object] = {}
    if _is_settings(default) and "kind" not in data:
        owner, own = type(default), {f.name: getattr(default, f.name) for f in fields(default) if f.init}
    else:
        owners = [choice for choice in _choices(hint) if is_dataclass(choice)]
        if "kind" in data:
            owners = [one for one in owners if getattr(one, "kind", None) == data["kind"]]
        if not owners:
            of_values = [get_args(choice)[-1] for choice in _choices(hint) if len(get_args(choice)) == 2]
            return {key: _completed(value, of_values[0]) for key, value in data.items()} if of_values else data
        if len(owners) > 1:
            return data
        owner = owners[0]
    hints = get_type_hints(owner)
    return own | {
        key: _completed(value, hints[key], own.get(key, _default(owner, key))) if key in hints else value
        for key, value in data.items()
    }


class _NoNumber:
    """Words, or a truth, where a number is to be: pydantic would make one of `"2"` and of `true`."""

    def __init__(self, found: object) -> None:
        self._found = found

    def __repr__(self) -> str:
        return repr(self._found)


def _is_number(hint: Any) -> bool:
    """Whether of all plain values only numbers are of a type."""
    plain_choices = [choice for choice in _choices(hint) if not is_dataclass(choice)]
    return bool(plain_choices) and all(choice in (int, float) for choice in plain_choices)


def _default(owner: Any, name: str) -> object:
    """What a field has where nothing is said; MISSING where something must be."""
    for field in fields(owner):
        if field.name == name and field.default_factory is not MISSING:
            return field.default_factory()
        if field.name == name:
            return cast(object, field.default)
    return MISSING


def _is_settings(value: object) -> TypeGuard[DataclassInstance]:
    return is_dataclass(value) and not isinstance(value, type)


def _faults(error: pydantic.ValidationError, cls: type) -> list[str]:
    """Every fault with where it is. Of a choice between kinds only the chosen one's, or that there is no such kind."""
    faults = error.errors()
    refused: dict[tuple[int | str, ...], list[str]] = {}  # by where a choice is: what the kinds are that it is not
    chosen: dict[tuple[int | str, ...], object] = {}
    members = set()
    for fault in faults:
        if fault["type"] == "literal_error" and fault["loc"][-1] == "kind" and _is_choice(cls, fault["loc"][:-1]):
            place = fault["loc"][:-2]
            refused.setdefault(place, []).append(fault["ctx"]["expected"])
            chosen[place] = fault["input"]
            members.add(fault["loc"][:-1])
    # Where a mapping was given, what is no mapping was not meant, such as a plain number beside kinds of schedules.
    members |= {fault["loc"] for fault in faults if fault["type"].endswith("_type") and fault["loc"][:-1] in refused}
    said: list[str] = []
    for fault in faults:
        place = fault["loc"]
        of_refused = [member for member in members if place[: len(member)] == member]
        if of_refused:
            continue
        for choice in refused:  # the member's own name says nothing to who wrote the file
            if place[: len(choice)] == choice and len(place) > len(choice):
                place = (*choice, *place[len(choice) + 1 :])
        message = _message(fault, cls)
        said.append(f"{'.'.join(map(str, place))}: {message}" if place else message)
    for choice, kinds in refused.items():
        others = {fault["loc"][: len(choice) + 1] for fault in faults if fault["loc"][: len(choice)] == choice}
        if others <= members:
            where = ".".join(map(str, (*choice, "kind")))
            said.append(f"{where}: found {chosen[choice]!r}, expected {' or '.join(kinds)}")
    return said


def _message(fault: pydantic_core.ErrorDetails, cls: type) -> str:
    """One fault in our words. cls: what was to be built."""
    if fault["type"] == "unexpected_keyword_argument":
        owner = _class_at(cls, fault["loc"][:-1])
        known = "" if owner is None else f"; expected {', '.join(field.name for field in fields(owner))}"
        return f"there is no such setting{known}"
    return found_and_expected(fault)


def found_and_expected(fault: pydantic_core.ErrorDetails) -> str:
    """What pydantic says of a value, in our words."""
    said = fault["msg"].removeprefix("Value error, ")
    if not said.startswith("Input should be "):
        return said
    found = repr(fault["input"])
    wanted = said.removeprefix("Input should be ").partition(", unable")[0].partition(" or an instance of ")[0]
    for ours, theirs in (("list", "tuple"), ("mapping", "dictionary")):  # as files call them
        wanted = wanted.replace(theirs, ours)
    return f"found {found if len(found) <= 60 else found[:57] + '...'}, expected {wanted}"


def _class_at(cls: type, place: Sequence[int | str]) -> Any:
    """The class whose settings a file has at a place; None where that is none, or none alone."""
    owners = [hint for hint in _hints_at(cls, place) if is_dataclass(hint)]
    return owners[0] if len(owners) == 1 else None


def _is_choice(cls: type, place: Sequence[int | str]) -> bool:
    """Whether what stands last in a place is the name of one of several classes, and no setting's."""
    return len(place) > 0 and place[-1] in [getattr(hint, "__name__", None) for hint in _hints_at(cls, place[:-1])]


def _hints_at(cls: type, place: Sequence[int | str]) -> list[Any]:
    """What a file's value at a place, as pydantic names it, may be."""
    hints: list[Any] = [cls]
    for step in place:
        within: list[Any] = []
        for hint in hints:
            if step == getattr(hint, "__name__", None):
                within.append(hint)
            elif is_dataclass(hint):
                within += _choices(get_type_hints(hint).get(str(step)))
            else:  # a mapping's values, a sequence's items
                of = [inner for inner in get_args(hint) if inner is not ...]
                within += _choices(of[-1]) if of else []
        hints = within
    return hints


def _choices(hint: Any) -> list[Any]:
    """What a type may be."""
    if get_origin(hint) in (Union, UnionType):
        return [choice for inner in get_args(hint) for choice in _choices(inner)]
    return [] if hint in (None, ..., NoneType) else [hint]


def plain(value: Any) -> dict[str, Any]:
    """A configuration as plain dicts, lists, numbers and strings, ready for JSON or YAML."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(value), default=os.fspath))
    return data


def read_json(path: Path) -> object:
    """The contents of a JSON file. Raises ConfigError when it is unreadable or not JSON, or has a key twice."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not valid JSON ({error})") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in found if names.count(name) > 1)!r} stands twice")
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file (YAML 1.2: `no` is a word, a key may stand once). Raises ConfigError."""
    yaml = _yaml()
    try:
        return _mapping(yaml.load(path.read_text(encoding="utf-8")), source=str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 at byte {error.start:,}") from None
    except _yaml_error() as error:
        raise ConfigError(f"{path}: is not valid YAML ({error})") from None


def yaml_text(data: Mapping[str, Any]) -> str:
    """A mapping as YAML, in its own order."""
    stream = io.StringIO()
    _yaml().dump(dict(data), stream)
    return stream.getvalue()


def override(data: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A nested mapping with some values replaced, each given as `a.b=value`, the value in YAML.

    Another `kind`, wherever it is given, leaves the settings of the old one behind, for they are not its own.
    Raises ConfigError for an assignment that is none, or goes through something that is no mapping.
    """
    changed: dict[str, Any] = dict(data)
    for assignment in sorted(assignments, key=lambda given: not given.partition("=")[0].endswith(".kind")):
        key, equals, value = assignment.partition("=")
        names = key.split(".")
        if not equals or not all(names):
            raise ConfigError(f"found {assignment!r}, expected key=value, such as run.steps=1000")
        try:
            parsed = _yaml().load(value)
        except _yaml_error() as error:
            raise ConfigError(f"{assignment}: the value is not valid YAML ({error})") from None
        place = changed
        for name in names[:-1]:
            inner = place.get(name, {})
            if not isinstance(inner, Mapping):
                raise ConfigError(f"{assignment}: {name} is {inner!r}, which holds no {names[-1]}")
            place[name] = dict(inner)
            place = place[name]
        if names[-1] == "kind" and place.get("kind", parsed) != parsed:
            place.clear()
        place[names[-1]] = parsed
    return changed


def _mapping(value: object, *, source: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: holds {type(value).__name__}, expected a mapping of settings")
    return cast(dict[str, Any], value)


def _yaml() -> Any:
    try:
        from ruamel.yaml import YAML
    except ImportError:
        raise MissingExtraError("reading YAML", package="ruamel.yaml", extra="train") from None
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.representer.sort_base_mapping_type_on_output = False  # as the settings are declared
    return yaml


def _yaml_error() -> type[Exception]:
    """What the YAML library raises."""
    from ruamel.yaml.error import YAMLError

    return cast(type[Exception], YAMLError)
