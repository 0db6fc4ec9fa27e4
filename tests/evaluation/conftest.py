"""Speech that several measures listen to, said once."""

from __future__ import annotations

import pytest

from sonorant import Voice
from sonorant.audio.io import Samples
from tests.evaluation.voices import spoken

TEXTS = ("Please leave a message after the tone.", "The birch canoe slid on the smooth planks.")


@pytest.fixture(scope="session")
def sentences(joe: Voice) -> list[Samples]:
    """Two sentences of the real voice joe, at 16 kHz."""
    return [spoken(joe, text) for text in TEXTS]
