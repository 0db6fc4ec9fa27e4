"""One way of writing what Unicode can write in several."""

from __future__ import annotations

from sonorant.text.comparison import spoken_form
from sonorant.text.composed import composed


def test_full_width_characters_are_the_ordinary_ones() -> None:
    assert composed("ＡＢＣ　１２３！～") == "ABC 123!~"
    assert composed("e\u0301 カ") == "é カ"
    assert spoken_form("Ｉｔ ｃｏｓｔ ＄３．", "en-us") == "it cost three dollars"
