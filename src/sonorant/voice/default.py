"""The voice that speaks when none is named, which comes with the package; and how any voice is found."""

from __future__ import annotations

import os
from pathlib import Path

from sonorant.errors import VoiceNotFoundError
from sonorant.voice import bundle as bundles
from sonorant.voice import packaged

NAME = "asterisk"


def folder() -> Path:
    """The default voice's folder."""
    return bundles.embedded_voices() / NAME


def find(name_or_path: str | os.PathLike[str] | None) -> Path:
    """As `bundle.find`; None is the default voice, and one in a package of its own is found by its name.

    Raises VoiceError.
    """
    if name_or_path is None:
        return folder()
    try:
        return bundles.find(name_or_path)
    except VoiceNotFoundError:
        if name_or_path != packaged.NAME or not packaged.is_packaged():
            raise
    return packaged.folder()
