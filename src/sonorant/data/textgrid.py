"""Praat's TextGrid files, in their long text form: tiers of labelled intervals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_SUFFIX = ".TextGrid"
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|^\.")
_MAX_NAME_CHARS = 200


class Interval(NamedTuple):
    """What sounds, and when."""

    text: str
    start_s: float
    end_s: float


def textgrid(tiers: Mapping[str, Iterable[Interval]], *, duration_s: float) -> str:
    """The contents of a file. Intervals come in order; empty ones are put between them, so that tiers have no gaps."""
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(duration_s)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, spoken) in enumerate(tiers.items(), 1):
        intervals = _full(spoken, duration_s)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
            "        xmin = 0",
            f"        xmax = {_seconds(duration_s)}",
            f"        intervals: size = {len(intervals)}",
        ]
        for place, interval in enumerate(intervals, 1):
            lines += [
                f"        intervals [{place}]:",
                f"            xmin = {_seconds(interval.start_s)}",
                f"            xmax = {_seconds(interval.end_s)}",
                f"            text = {_quoted(interval.text)}",
            ]
    return "\n".join(lines) + "\n"


def textgrid_names(ids: Sequence[str]) -> list[str]:
    """A file name for each id, all different, also where upper and lower case are one.

    A byte that is no letter, digit, `_`, `-` or inner point is written as % and two digits: en/one is en%2Fone. A name
    that would be too long, or differ from another in case alone, ends in ~ and a digest of its id.
    """
    names: list[str] = []
    taken: set[str] = set()
    for id_ in ids:
        data = id_.encode("utf-8", "surrogatepass")
        name = _UNSAFE.sub(lambda found: b"%%%02X" % found.group()[0], data).decode("ascii")
        if len(name) > _MAX_NAME_CHARS or name.lower() in taken:
            name = f"{name[:_MAX_NAME_CHARS]}~{hashlib.sha256(data).hexdigest()[:16]}"
        taken.add(name.lower())
        names.append(name + _SUFFIX)
    return names


def _full(spoken: Iterable[Interval], duration_s: float) -> list[Interval]:
    intervals: list[Interval] = []
    at_s = 0.0
    for interval in spoken:
        if interval.start_s > at_s:
            intervals.append(Interval("", at_s, interval.start_s))
        intervals.append(interval)
        at_s = interval.end_s
    if duration_s > at_s:
        intervals.append(Interval("", at_s, duration_s))
    return intervals


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
