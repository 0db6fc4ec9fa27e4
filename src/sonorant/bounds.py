"""What a configuration's values must be; each check names the field, what it is and what it must be.

For `__post_init__`: every check takes the configuration and the names of fields. Of a field that holds several values,
each is checked; one that is None is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def check_at_least(least: int, settings: object, *names: str) -> None:
    """Raise ValueError where a number is smaller."""
    _check(settings, names, lambda value: value >= least, f"at least {least}")


def check_above_zero(settings: object, *names: str) -> None:
    """Raise ValueError where a value is not above 0, or is infinite."""
    _check(settings, names, lambda value: value > 0 and math.isfinite(value), "above 0 and finite")


def check_odd(settings: object, *names: str) -> None:
    """Raise ValueError where a number is not positive and odd, as the width of a kernel that has a middle."""
    _check(settings, names, lambda value: value >= 1 and value % 2 == 1, "positive and odd")


def check_even(settings: object, *names: str) -> None:
    """Raise ValueError where a number is not positive and even."""
    _check(settings, names, lambda value: value >= 2 and value % 2 == 0, "positive and even")


def check_finite(settings: object, *names: str) -> None:
    """Raise ValueError where a value is infinite or no number."""
    _check(settings, names, math.isfinite, "a number")


def check_share(settings: object, *names: str) -> None:
    """Raise ValueError where a value does not lie in [0, 1), as the share that dropout drops must."""
    _check(settings, names, lambda value: 0 <= value < 1, "in 0 to 1, 1 excluded")


def _check(settings: object, names: tuple[str, ...], is_right: Callable[[Any], bool], wanted: str) -> None:
    for name in names:
        value = getattr(settings, name)
        each = [] if value is None else value if isinstance(value, tuple) else [value]
        for one in each:
            if not is_right(one):
                holds = f"holds {one}" if isinstance(value, tuple) else f"is {one}"
                raise ValueError(f"{name} {holds}: it must be {wanted}")
