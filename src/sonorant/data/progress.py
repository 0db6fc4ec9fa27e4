"""How far a long task has come, told to whoever asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes items on, one by one, and may show how many of `n_total` came by."""

    def __call__(self, items: Iterable[T], *, n_total: int, doing: str) -> Iterable[T]: ...


def silent(items: Iterable[T], *, n_total: int, doing: str) -> Iterable[T]:
    """Shows nothing."""
    del n_total, doing
    return items
