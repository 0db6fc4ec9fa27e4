"""What the text of an utterance shows."""

from __future__ import annotations

import pytest

from sonorant.data.checks.kinds import Findings
from sonorant.data.checks.script import examine_text, phonemes_of
from sonorant.data.manifest import Utterance


def examined(text: str, language: str = "en-us") -> Findings:
    return examine_text(Utterance(id="a", audio="a.wav", text=text, speaker="anna", language=language, duration_s=1.0))


@pytest.mark.parametrize(
    ("text", "language", "n_phonemes"),
    [("see", "en-us", 2), ("Sea!", "en-us", 2), ("2", "en-us", 2), ("été", "fr-fr", 3), ("three cats", "en", 7)],
)
def test_phonemes_are_counted_without_stress_and_length(text: str, language: str, n_phonemes: int) -> None:
    found = examined(text, language)
    assert found.measures["n_phonemes"] == n_phonemes == len(phonemes_of(text, language))
    assert found.faults == {}


def test_texts_said_alike_share_a_hash() -> None:
    hashes = [
        examined(text, language).measures["text_hash"]
        for text, language in (("It's 3.", "en-us"), ("it’s three", "en-gb"), ("it's four", "en-us"), ("no", "en"))
    ]
    assert hashes[0] == hashes[1]
    assert len({*hashes, examined("no", "es").measures["text_hash"]}) == 4


@pytest.mark.parametrize("text", ["...", "?!", "( )", "—", "[[", "[pause:x]"])
def test_a_text_without_a_word_is_unspeakable(text: str) -> None:
    found = examined(text)
    assert "unspeakable" in found.faults
    assert "n_phonemes" not in found.measures
    assert "text_hash" not in found.measures


def test_unknown_characters_are_named_once_each() -> None:
    found = examined("well ☃☃ done ♞")
    assert list(found.faults) == ["symbols"]
    assert "U+2603" in found.faults["symbols"]
    assert "U+265E" in found.faults["symbols"]
    assert found.faults["symbols"].count("☃") == 1
