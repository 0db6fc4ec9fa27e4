from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.manifest import Utterance, read_manifest, write_manifest
from sonorant.errors import CorpusError

ONE = Utterance(id="a", audio="a.wav", text="Hi.", speaker="ann", language="en-us", duration_s=1.5)
words = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and text.isprintable())


@given(words, words, st.floats(0.01, 100), st.dictionaries(words, st.floats(allow_nan=False, allow_infinity=False)))
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, text: str, speaker: str, seconds: float, measures: dict[str, float]
) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.jsonl"
    second = Utterance(
        id="ü/2",
        audio="/x y.wav",
        text=text,
        speaker=speaker,
        language="it",
        duration_s=seconds,
        start_s=1.0,
        end_s=2.5,
        split="test",
        weight=0.5,
        measures=measures,
        faults={"cer": "0.5 is above 0.3"},
    )
    write_manifest(path, [ONE, second])
    assert read_manifest(path) == [ONE, second]


def test_fields_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", [ONE])
    assert not {"start_s", "end_s", "weight", "measures", "faults", "corpus"} & set(
        (tmp_path / "m.jsonl").read_text().replace('"', " ").split()
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"id": "b"}', r"line 2 \(id b\): audio: Field required"),
        ("nonsense", "line 2: found .nonsense., expected a JSON object"),
        (
            '{"id": "a", "audio": "b", "text": "B", "speaker": "s", "language": "l", "duration_s": 1}',
            "in line 1 already",
        ),
        ('{"id": "b", "audio": "b", "text": " ", "speaker": "s", "language": "l", "duration_s": 1}', "text is empty"),
        (
            '{"id": "b", "audio": "b", "text": "B", "speaker": "s", "language": "l", "duration_s": 0}',
            "must be positive",
        ),
        ('{"id": "b", "audio": "b", "text": "B", "speaker": "s", "language": "l", "duration_s": 1, "x": 1}', "x: "),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "m.jsonl"
    write_manifest(path, [ONE])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(CorpusError, match=fault):
        read_manifest(path)


def test_a_manifest_without_utterances_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("\n\n")
    with pytest.raises(CorpusError, match="holds no utterance"):
        read_manifest(tmp_path / "m.jsonl")


@pytest.mark.parametrize("change", [{"start_s": 3.0, "end_s": 2.0}, {"weight": -1.0}, {"id": " "}])
def test_an_impossible_utterance_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is"):
        replace(ONE, **change)  # type: ignore[arg-type]
