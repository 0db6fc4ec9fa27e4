"""What is compared with is what was set aside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sonorant.data.manifest import Split, Utterance, write_manifest
from sonorant.errors import CorpusError
from sonorant.evaluation.held_out import read_held_out
from tests.data.tones import RATE_HZ, tone, write_utterance


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Anna with recordings in three splits, bert without any for tests, carl with none set aside."""

    def of(id_: str, split: Split, speaker: str = "anna", language: str = "en-us") -> Utterance:
        return replace(write_utterance(tmp_path, id_, tone(0.5), speaker=speaker, language=language), split=split)

    write_manifest(
        tmp_path / "manifest.jsonl",
        [
            of("a1", "train"), of("a2", "test"), of("a3", "test"), of("a4", "validation"),
            replace(of("a5", "test"), faults={"clipping": "loud"}), of("a6", "test", language="es"),
            of("b1", "train", "bert"), of("b2", "validation", "bert"), of("c1", "train", "carl"),
        ],
    )  # fmt: skip
    return tmp_path / "manifest.jsonl"


def ids(manifest: Path, split: Split | None = None, limit: int | None = None) -> dict[tuple[str, str], str]:
    found = read_held_out(manifest, split=split, limit=limit)
    return {key: " ".join(recording.id for recording in recordings) for key, recordings in found.items()}


def test_recordings_for_tests_are_taken_and_else_those_for_validation(manifest: Path) -> None:
    assert ids(manifest) == {("anna", "en-us"): "a2 a3", ("anna", "es"): "a6", ("bert", "en-us"): "b2"}
    assert ids(manifest, limit=1) == {("anna", "en-us"): "a2", ("anna", "es"): "a6", ("bert", "en-us"): "b2"}


def test_a_split_that_is_named_is_the_one_that_is_taken(manifest: Path) -> None:
    assert ids(manifest, "validation") == {("anna", "en-us"): "a4", ("bert", "en-us"): "b2"}
    assert ids(manifest, "train") == {("anna", "en-us"): "a1", ("bert", "en-us"): "b1", ("carl", "en-us"): "c1"}


def test_a_recording_is_read_where_its_utterance_lies(manifest: Path) -> None:
    write_manifest(
        manifest, [replace(write_utterance(manifest.parent, "d", tone(1.0)), start_s=0.25, end_s=0.75, split="test")]
    )
    ((recording,),) = read_held_out(manifest).values()
    samples, sample_rate_hz = recording.read()
    assert (len(samples), sample_rate_hz) == (RATE_HZ // 2, RATE_HZ)
    assert (recording.text, recording.speaker, recording.language) == ("A short sentence.", "anna", "en-us")


def test_nothing_set_aside_is_said(manifest: Path) -> None:
    write_manifest(manifest, [write_utterance(manifest.parent, "e", tone(0.5))])
    with pytest.raises(CorpusError, match="no recording for test or validation"):
        read_held_out(manifest)
