"""A recogniser that does not listen."""

from __future__ import annotations

from sonorant.audio.io import Samples
from sonorant.audio.recognition import Recogniser


class Says(Recogniser):
    """Hears the same text in everything."""

    def __init__(self, text: str, *languages: str) -> None:
        self.text = text
        self.languages = frozenset(languages or ["en"])
        self.asked: list[str] = []

    def __call__(self, samples: Samples, sample_rate_hz: int, *, language: str) -> str:
        assert samples.ndim == 1
        self.asked.append(language)
        return self.text
