"""A voice in a package of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant import load_voice
from sonorant.errors import VoiceError
from sonorant.voice import bundle as bundles
from sonorant.voice import packaged


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONORANT_HOME", str(tmp_path))
    return tmp_path


def test_it_is_imported_once_found_by_name_and_mends_itself(empty_home: Path) -> None:
    assert load_voice("joe").name == "joe"
    folder = packaged.folder()
    assert folder.is_relative_to(empty_home)
    made = (folder / bundles.MANIFEST).stat().st_mtime_ns
    assert load_voice("joe").bundle.folder == folder
    assert (folder / bundles.MANIFEST).stat().st_mtime_ns == made
    (folder / bundles.WEIGHTS).write_bytes(b"damaged")
    assert load_voice("joe").name == "joe"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_without_its_package_there_is_no_such_voice(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "PACKAGE", "no-such-package")
    with pytest.raises(VoiceError, match="there is no voice 'joe'"):
        load_voice("joe")


def test_another_model_in_the_package_is_refused(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_SHA256", "0" * 64)
    with pytest.raises(VoiceError, match="reinstall"):
        load_voice("joe")
    assert list(empty_home.rglob("*.safetensors")) == []
