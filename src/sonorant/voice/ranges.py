"""Numbers a caller gives, and between what they must lie."""

from __future__ import annotations

import math

from sonorant.errors import ParameterError


def in_range(name: str, value: float, low: float, high: float) -> float:
    """The value. Raises ParameterError, naming it, where it is no number from low to high."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise ParameterError(f"{name} is {value}, expected a number from {low:g} to {high:g}")
    return value
