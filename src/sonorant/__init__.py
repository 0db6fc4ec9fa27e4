"""VITS-family speech synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sonorant.voice.prosody import Curves, Manner, Prosody
    from sonorant.voice.speech import Speech
    from sonorant.voice.voice import Voice, load_voice

__all__ = ["Curves", "Manner", "Prosody", "Speech", "Voice", "__version__", "load_voice"]

_HOMES = {
    **dict.fromkeys(("Curves", "Manner", "Prosody"), "sonorant.voice.prosody"),
    "Speech": "sonorant.voice.speech",
    "Voice": "sonorant.voice.voice",
    "load_voice": "sonorant.voice.voice",
}


def __getattr__(name: str) -> object:
    """Load the public names on first use, so that importing sonorant costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sonorant' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
