"""Voice folders: whole, verified, found."""

from __future__ import annotations

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


def test_names_do_not_leave_the_home(home: Path) -> None:
    with pytest.raises(VoiceError, match="no such voice folder"):
        load(bundles.find("..tiny"))
    assert bundles.voices_home() == home / "voices"
