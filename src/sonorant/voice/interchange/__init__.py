"""Voices from other programs, made into voice folders. The one place that reads foreign checkpoints.

Nothing foreign is executed: `.pth` files are read with weights-only unpickling, the rest are plain data.
"""

from __future__ import annotations

from pathlib import Path

from sonorant.errors import ImportingError
from sonorant.voice.interchange.imported import Imported, Overrides, write_imported

__all__ = ["Imported", "Overrides", "import_voice", "read_foreign"]


def import_voice(
    source: Path,
    out: Path,
    *,
    name: str | None = None,
    language: str | None = None,
    symbols: Path | None = None,
    licence: str = "",
    note: str = "",
    replace: bool = False,
) -> None:
    """Make the voice folder `out` from a foreign voice.

    source: a Piper `.onnx` with its `.onnx.json` beside it; a `G_*.pth` of the official VITS, of
    p0p4k's VITS2 or of heatz123's NaturalSpeech with its `config.json`; a transformers `VitsModel` folder.
    language, symbols: for sources that do not say them (`G_*.pth`). note: a paragraph for the card.
    Raises ImportingError when the source cannot become a voice, VoiceError when `out` cannot be written.
    """
    overrides = Overrides(name=name, language=language, symbols=symbols, licence=licence)
    write_imported(read_foreign(source, overrides), out, note=note, replace=replace)


def read_foreign(source: Path, overrides: Overrides) -> Imported:
    """Read a foreign voice, told by what stands at `source`."""
    if not source.exists():
        raise ImportingError(f"{source}: there is no such file or folder")
    if source.is_dir():
        from sonorant.voice.interchange.transformers import read_transformers

        return read_transformers(source, overrides)
    if source.suffix == ".onnx":
        from sonorant.voice.interchange.piper import read_piper

        return read_piper(source, overrides)
    if source.suffix in {".pth", ".pt"}:
        from sonorant.voice.interchange.vits import read_vits

        return read_vits(source, overrides)
    raise ImportingError(
        f"{source}: expected a Piper .onnx, a .pth of the official VITS, p0p4k's VITS2 or heatz123's NaturalSpeech, "
        "or a transformers VitsModel folder"
    )
