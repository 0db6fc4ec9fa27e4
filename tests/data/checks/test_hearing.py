"""A recogniser's hearing is held against the text by what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sonorant.audio.recognition import Recogniser
from sonorant.data.checks.hearing import Heard, Hearing, hear
from sonorant.data.manifest import Utterance
from sonorant.data.progress import silent
from sonorant.errors import CorpusError
from tests.data.fake_recogniser import Says
from tests.data.tones import tone, write_utterance


def heard(folder: Path, recogniser: Recogniser, *utterances: Utterance) -> Hearing:
    return hear(folder / "manifest.jsonl", utterances, recogniser, jobs=2, progress=silent)


@pytest.mark.parametrize(
    ("text", "hears", "cer", "per"),
    [
        ("It costs $3.", "it costs three dollars", 0, 0),
        ("See you.", "see you", 0, 0),
        ("c", "See!", 3, 0),
        ("for", "Four.", 1 / 3, 0),
        ("abc def", "", 1, 1),
        ("Hello.", "[ hello ]", 0, 0),
    ],
)
def test_rates_are_of_what_is_said(tmp_path: Path, text: str, hears: str, cer: float, per: float) -> None:
    utterance = write_utterance(tmp_path, "a", tone(), text=text)
    found = heard(tmp_path, Says(hears), utterance).heard["a"]
    assert found.cer == pytest.approx(cer, abs=1e-4)
    assert found.per == pytest.approx(per, abs=1e-4)


def test_each_language_is_asked_for_by_whispers_name(tmp_path: Path) -> None:
    recogniser = Says("x", "en", "es", "zh", "no")
    utterances = [
        write_utterance(tmp_path, language, tone(), text="no", language=language)
        for language in ("en-us", "es-419", "cmn", "nb")
    ]
    heard(tmp_path, recogniser, *utterances)
    assert sorted(recogniser.asked) == ["en", "es", "no", "zh"]


def test_other_languages_are_left_out_and_counted(tmp_path: Path) -> None:
    english = write_utterance(tmp_path, "a", tone())
    others = [write_utterance(tmp_path, id_, tone(), language=language) for id_, language in (("b", "fr"), ("c", "fr"))]
    found = heard(tmp_path, Says("x"), english, *others)
    assert list(found.heard) == ["a"]
    assert found.n_unknown_language == {"fr": 2}
    with pytest.raises(CorpusError, match="none of its languages"):
        heard(tmp_path, Says("x"), *others)


@pytest.mark.parametrize("kind", ["unreadable", "not_finite", "unspeakable"])
def test_what_cannot_be_heard_or_compared_is_left_out(tmp_path: Path, kind: str) -> None:
    fine = write_utterance(tmp_path, "a", tone())
    broken = replace(write_utterance(tmp_path, "b", tone()), faults={kind: "so"})
    assert list(heard(tmp_path, Says("x"), fine, broken).heard) == ["a"]


def test_a_long_text_is_shown_in_part() -> None:
    assert len(Heard(text="word " * 100, cer=1, per=1).shown) < 150
    assert Heard(text="word", cer=1, per=1).shown == "word"
