"""Voice folders: whole, verified, found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sonorant.errors import VoiceError
from sonorant.voice import bundle as bundles
from sonorant.voice import check
from sonorant.voice.bundle import Bundle
from sonorant.voice.voice import load


def test_a_folder_reads_back_what_was_written(tiny_folder: Path) -> None:
    bundle = Bundle.read(tiny_folder)
    assert bundle.manifest.name == "tiny"
    assert bundle.manifest.speakers == ("first", "second")
    assert {path.name for path in tiny_folder.iterdir()} == {
        "voice.json",
        "model.safetensors",
        "README.md",
        "check.json",
    }


def test_a_voice_can_be_moved(tiny_folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(tiny_folder, moved)
    assert check.run(load(moved)).passed


def test_building_is_all_or_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise VoiceError("no")

    with pytest.raises(VoiceError, match=r"^no$"):
        bundles.write_whole(tmp_path / "voice", fails)
    assert list(tmp_path.iterdir()) == []


def test_the_self_test_notices_a_change(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    shutil.copytree(tiny_folder, folder)
    voice = load(folder)
    recorded = check.record(voice)
    check.write(folder, type(recorded)(**{**recorded.__dict__, "n_samples": recorded.n_samples + 1}))
    assert not check.run(voice).passed
    check.write(folder, type(recorded)(**{**recorded.__dict__, "band_db": tuple(b + 3 for b in recorded.band_db)}))
    assert not check.run(voice).passed
    check.write(folder, recorded)
    assert check.run(voice).passed


def test_a_voice_of_other_letters_says_those_for_its_self_test(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    shutil.copytree(tiny_folder, folder)
    about = json.loads((folder / "voice.json").read_text(encoding="utf-8"))
    letters = "αβγδεζηθικλμνξοπρστυφχψω"
    about["symbols"] = {symbol: row for row, symbol in enumerate(["_", "^", "$", " ", *letters])}
    about["frontend"]["languages"] = [{"code": "el", "normalizer": "none", "phonemizer": {"kind": "characters"}}]
    about["language_of_speaker"] = {}
    (folder / "voice.json").write_text(json.dumps(about), encoding="utf-8")
    recorded = check.record(load(folder))
    assert recorded.text == letters[:20]
    check.write(folder, recorded)
    assert check.run(load(folder)).passed


def test_names_do_not_leave_the_home(home: Path) -> None:
    with pytest.raises(VoiceError, match="no such voice folder"):
        load(bundles.find("..tiny"))
    assert bundles.voices_home() == home / "voices"


def test_a_folder_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "new").write_text("x")
        (tmp_path / "voice").mkdir()
        (tmp_path / "voice" / "precious").write_text("x")

    with pytest.raises(VoiceError, match="exists already"):
        bundles.write_whole(tmp_path / "voice", build)
    assert [path.name for path in tmp_path.rglob("*")] == ["voice", "precious"]


def test_a_replaced_folder_gives_way_only_to_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "old").write_text("x")

    def fails(folder: Path) -> None:
        raise VoiceError("no")

    with pytest.raises(VoiceError, match=r"^no$"):
        bundles.write_whole(tmp_path / "voice", fails, replace=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["voice", "old"]
    bundles.write_whole(tmp_path / "voice", lambda folder: (folder / "new").touch(), replace=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["voice", "new"]


def test_a_folder_of_the_name_does_not_hide_a_voice(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert bundles.find("tiny") == tiny_folder
