"""The packages that measure, imported when a measure is first asked for."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from sonorant.errors import MissingExtraError


def required(module: str, *, need: str, package: str) -> Any:
    """A module of an optional package. need: what for, as the start of a sentence.

    Raises MissingExtraError where the package, or one it needs itself, is not installed.
    """
    try:
        with warnings.catch_warnings():
            # resemblyzer 0.1.4 imports from a namespace that SciPy has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(module)
    except ImportError as error:
        lacking = (error.name or module).partition(".")[0]
        missing = package if lacking == module.partition(".")[0] else f"{package}' with '{lacking}"
        raise MissingExtraError(need, package=missing, extra="evaluate") from None
