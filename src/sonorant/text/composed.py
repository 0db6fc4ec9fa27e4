"""One way of writing what Unicode can write in several."""

from __future__ import annotations

import unicodedata

_FULL_WIDTH = {0xFF01 + at: 0x21 + at for at in range(94)} | {0x3000: 0x20}


def composed(text: str) -> str:
    """Letters and their accents as one character each (NFC), full-width letters, digits and signs as ordinary ones."""
    return unicodedata.normalize("NFC", text).translate(_FULL_WIDTH)
