"""Where sentences end."""

from __future__ import annotations

from collections.abc import Iterator


def sentence_ends(text: str, language: str) -> Iterator[int]:
    """Offsets just past each sentence of a paragraph, the last one len(text). language: such as "en-us"."""
    import sentencex

    at = 0
    for sentence in sentencex.segment(language.split("-")[0].lower(), text):
        start = text.find(sentence, at)
        at = (start if start >= 0 else at) + len(sentence)
        if at >= len(text):
            break
        if sentence.strip():
            yield at
    if text:
        yield len(text)
