"""What a corpus holds twice is found, and named."""

from __future__ import annotations

from typing import Literal

from sonorant.data.checks.repeats import duplicates, leakage
from sonorant.data.manifest import Utterance


def said(id_: str, *, audio: float, text: float, split: Literal["train", "validation", "test"] = "train") -> Utterance:
    measures = {"audio_hash": audio, "text_hash": text}
    return Utterance(
        id=id_, audio="a.wav", text="x", speaker="anna", language="en", duration_s=1.0, split=split, measures=measures
    )


def test_the_first_of_the_same_audio_is_kept() -> None:
    found = duplicates([said(id_, audio=1, text=1) for id_ in "abc"] + [said("d", audio=2, text=1)])
    assert found == {"b": "the same audio as a", "c": "the same audio as a"}


def test_of_one_audio_with_two_texts_neither_can_be_trusted() -> None:
    found = duplicates([said("a", audio=1, text=1), said("b", audio=1, text=2), said("c", audio=1, text=1)])
    assert found.keys() == {"a", "b", "c"}
    assert "as b" in found["a"]
    assert "as a" in found["b"]


def test_evaluation_may_not_share_text_or_audio_with_what_comes_before() -> None:
    utterances = [
        said("test-text", audio=1, text=10, split="test"),
        said("validation-audio", audio=2, text=20, split="validation"),
        said("validation-fine", audio=3, text=30, split="validation"),
        said("test-validation", audio=4, text=30, split="test"),
        said("train-text", audio=5, text=10),
        said("train-audio", audio=2, text=40),
        said("train-text-again", audio=6, text=10),
    ]
    assert leakage(utterances) == {
        "test-text": "the same text as train-text in train",
        "validation-audio": "the same audio as train-audio in train",
        "test-validation": "the same text as validation-fine in validation",
    }


def test_what_was_not_measured_is_shared_by_nobody() -> None:
    bare = [
        Utterance(id=id_, audio="a.wav", text="x", speaker="a", language="en", duration_s=1.0, split=split)
        for id_, split in (("a", "train"), ("b", "test"))
    ]
    assert duplicates(bare) == {}
    assert leakage(bare) == {}
