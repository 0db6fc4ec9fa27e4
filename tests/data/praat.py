"""A reader of Praat's long TextGrids, for what we write of them."""

from __future__ import annotations

import re

from sonorant.data.textgrid import Interval

_TIER = re.compile(
    r'    item \[\d+\]:\n        class = "IntervalTier"\n        name = "((?:[^"]|"")*)"\n(.*?)(?=    item|\Z)', re.S
)
_INTERVAL = re.compile(r'xmin = (\S+)\n +xmax = (\S+)\n +text = "((?:[^"]|"")*)"\n')


def read_textgrid(text: str) -> dict[str, list[Interval]]:
    """The tiers of a file by their names; asserts that it counts them, and their intervals, rightly."""
    head, *_ = text.split("item []:")
    assert head.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = ')
    tiers = {}
    for name, body in _TIER.findall(text):
        intervals = [Interval(_plain(label), float(a), float(b)) for a, b, label in _INTERVAL.findall(body)]
        assert f"intervals: size = {len(intervals)}\n" in body
        tiers[_plain(name)] = intervals
    assert f"size = {len(tiers)}\n" in head
    return tiers


def _plain(label: str) -> str:
    return label.replace('""', '"')
