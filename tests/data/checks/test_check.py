"""A check writes down what it found, once, whatever was there before and however many processes did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sonorant.data.checks.check import Checked, check
from sonorant.data.checks.kinds import FAULTS, MEASURES, Limits
from sonorant.data.manifest import Utterance
from sonorant.errors import CorpusError
from tests.data.fake_recogniser import Says
from tests.data.tones import tone, write_utterance

TEXTS = ("One.", "Two words.", "Three words here.", "Four of them now.", "And a fifth, longer text.")


@pytest.fixture
def corpus(tmp_path: Path) -> list[Utterance]:
    """Five sound utterances of one speaker."""
    return [
        write_utterance(tmp_path, f"u{i}", tone(0.2 + 0.1 * len(text) / 2, pitch_hz=180 + 9 * i), text=text)
        for i, text in enumerate(TEXTS)
    ]


def checked(folder: Path, utterances: Sequence[Utterance], *, limits: Limits | None = None, jobs: int = 1) -> Checked:
    return check(folder / "manifest.jsonl", utterances, limits=limits or Limits(), jobs=jobs)


def faults(outcome: Checked) -> dict[str, list[str]]:
    return {utterance.id: list(utterance.faults) for utterance in outcome.utterances if utterance.faults}


def test_a_sound_corpus_is_measured_and_has_no_fault(tmp_path: Path, corpus: list[Utterance]) -> None:
    outcome = checked(tmp_path, corpus)
    assert faults(outcome) == {}
    assert [replace(utterance, measures={}) for utterance in outcome.utterances] == corpus
    for utterance in outcome.utterances:
        assert utterance.measures.keys() == MEASURES.keys() - {"cer", "per"}


def test_everything_wrong_is_found(tmp_path: Path, corpus: list[Utterance]) -> None:
    clipped = np.clip(tone(amplitude=3.0), -1, 1)
    wrong = [
        write_utterance(tmp_path, "silent", tone(amplitude=0.0)),
        write_utterance(tmp_path, "late", tone(before_s=2.0)),
        write_utterance(tmp_path, "clipped", clipped),
        write_utterance(tmp_path, "quiet", tone(amplitude=0.003)),
        replace(write_utterance(tmp_path, "long", tone(pitch_hz=300)), duration_s=9.0),
        write_utterance(tmp_path, "wordless", tone(pitch_hz=310), text="...!"),
        write_utterance(tmp_path, "strange", tone(pitch_hz=320), text="well ☃ done"),
        replace(corpus[0], id="twin"),
        replace(write_utterance(tmp_path, "leak", tone(pitch_hz=330), text="TWO words"), split="test"),
        replace(corpus[1], id="gone", audio="gone.wav"),
    ]
    assert faults(checked(tmp_path, [*corpus, *wrong])) == {
        "silent": ["no_speech", "loudness"],
        "late": ["silence"],
        "clipped": ["clipping"],
        "quiet": ["loudness"],
        "long": ["duration"],
        "wordless": ["unspeakable"],
        "strange": ["symbols"],
        "twin": ["duplicate"],
        "leak": ["leakage"],
        "gone": ["unreadable"],
    }


def test_the_number_of_processes_changes_nothing(tmp_path: Path, corpus: list[Utterance]) -> None:
    utterances = [*corpus, write_utterance(tmp_path, "late", tone(before_s=2.0)), replace(corpus[0], id="twin")]
    assert checked(tmp_path, utterances, jobs=2) == checked(tmp_path, utterances, jobs=1)


def test_checking_again_changes_nothing(tmp_path: Path, corpus: list[Utterance]) -> None:
    utterances = [*corpus, write_utterance(tmp_path, "late", tone(before_s=2.0)), replace(corpus[0], id="twin")]
    once = checked(tmp_path, utterances)
    assert checked(tmp_path, once.utterances) == once


def test_a_fault_that_was_mended_goes_and_what_others_wrote_stays(tmp_path: Path, corpus: list[Utterance]) -> None:
    before = replace(
        corpus[0],
        measures={"loudness_lufs": -99.0, "likeness": 0.7},
        faults={"clipping": "it was", "laughter": "somebody laughs"},
    )
    after = checked(tmp_path, [before, *corpus[1:]]).utterances[0]
    assert after.faults == {"laughter": "somebody laughs"}
    assert after.measures["likeness"] == 0.7
    assert after.measures["loudness_lufs"] > -40


def test_limits_decide_what_is_a_fault(tmp_path: Path, corpus: list[Utterance]) -> None:
    late = write_utterance(tmp_path, "late", tone(before_s=2.0))
    assert faults(checked(tmp_path, [late], limits=Limits(max_silence_s=3.0))) == {}
    assert list(faults(checked(tmp_path, corpus, limits=Limits(max_silence_s=0.05)))) == [u.id for u in corpus]


def test_what_is_heard_is_measured_and_judged(tmp_path: Path, corpus: list[Utterance]) -> None:
    outcome = check(tmp_path / "manifest.jsonl", corpus, limits=Limits(), recogniser=Says("Two words."))
    by_id = {utterance.id: utterance for utterance in outcome.utterances}
    assert by_id["u1"].measures["cer"] == by_id["u1"].measures["per"] == 0
    assert faults(outcome).keys() == {"u0", "u2", "u3", "u4"}
    assert by_id["u4"].faults["cer"].endswith("heard: Two words.")


@pytest.mark.parametrize(("text", "hears"), [("c", "See!"), ("zed", "Z"), ("I", "Bye!")])
def test_a_word_heard_as_one_like_it_is_no_fault(tmp_path: Path, text: str, hears: str) -> None:
    """The letter c and the word "see" are said alike, and a short word is guessed at."""
    letter = write_utterance(tmp_path, "a", tone(), text=text)
    outcome = check(tmp_path / "manifest.jsonl", [letter], limits=Limits(), recogniser=Says(hears))
    assert outcome.utterances[0].measures["cer"] > 0.3
    assert faults(outcome) == {}


def test_an_error_rate_stays_while_audio_and_text_do(tmp_path: Path, corpus: list[Utterance]) -> None:
    heard = check(tmp_path / "manifest.jsonl", corpus, limits=Limits(), recogniser=Says("Two words.")).utterances
    assert checked(tmp_path, heard).utterances == heard
    respelled = replace(heard[0], text="one!")
    assert checked(tmp_path, [respelled, *heard[1:]]).utterances[0].measures["cer"] == heard[0].measures["cer"]
    corrected = replace(heard[0], text="Two words.")
    write_utterance(tmp_path, "u2", tone(pitch_hz=500))
    again = {utterance.id: utterance for utterance in checked(tmp_path, [corrected, *heard[1:]]).utterances}
    for changed in ("u0", "u2"):
        assert "cer" not in again[changed].measures
        assert "per" not in again[changed].measures
        assert "cer" not in again[changed].faults
    assert again["u3"] == heard[3]


def test_a_kept_error_rate_is_judged_by_the_new_limit(tmp_path: Path, corpus: list[Utterance]) -> None:
    heard = check(tmp_path / "manifest.jsonl", corpus, limits=Limits(max_cer=9.0), recogniser=Says("Two words."))
    assert faults(heard) == {}
    assert faults(checked(tmp_path, heard.utterances)).keys() == {"u0", "u2", "u3", "u4"}


def test_nothing_but_the_manifest_changes(tmp_path: Path, corpus: list[Utterance]) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    checked(tmp_path, corpus)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_recordings_that_are_all_missing_are_an_error(tmp_path: Path, corpus: list[Utterance]) -> None:
    with pytest.raises(CorpusError, match="no recording can be read"):
        checked(tmp_path / "elsewhere", corpus)


def test_a_language_nobody_knows_is_an_error(tmp_path: Path, corpus: list[Utterance]) -> None:
    with pytest.raises(CorpusError, match=r"id u3.*'xx'.*no voice"):
        checked(tmp_path, [*corpus[:3], replace(corpus[3], language="xx")])


@pytest.mark.parametrize(
    "wrong", [{"max_cer": float("nan")}, {"max_silence_s": -1.0}, {"min_group": 1}, {"max_rate_z": float("inf")}]
)
def test_limits_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)  # type: ignore[arg-type]


def test_every_fault_and_measure_is_explained() -> None:
    assert all(FAULTS.values())
    assert all(MEASURES.values())
