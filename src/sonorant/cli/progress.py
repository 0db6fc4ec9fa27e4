"""How far a long command is, and how many processes it may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import typer

T = TypeVar("T")


def available_cores() -> int:
    """The processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def progress_bar(items: Iterable[T], *, n_total: int, doing: str) -> Iterator[T]:
    """Shows on a terminal how many items came by."""
    if not sys.stderr.isatty():
        yield from items
        return
    with typer.progressbar(items, length=n_total, label=doing, file=sys.stderr) as bar:
        yield from bar
