"""The voice that speaks when none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sonorant import load_voice
from sonorant.errors import VoiceError
from sonorant.voice import bundle as bundles
from sonorant.voice import default


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONORANT_HOME", str(tmp_path))
    return tmp_path


def test_it_is_imported_once_found_by_name_and_mends_itself(empty_home: Path) -> None:
    assert load_voice("joe").name == "joe"
    folder = default.default_folder()
    assert folder.is_relative_to(empty_home)
    made = (folder / bundles.MANIFEST).stat().st_mtime_ns
    assert load_voice().bundle.folder == folder
    assert (folder / bundles.MANIFEST).stat().st_mtime_ns == made
    (folder / bundles.WEIGHTS).write_bytes(b"damaged")
    assert load_voice().name == "joe"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_without_its_package_the_error_says_what_to_install(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "PACKAGE", "no-such-package")
    with pytest.raises(VoiceError, match="pip install no-such-package"):
        load_voice()
    with pytest.raises(VoiceError, match="there is no voice 'joe'"):
        load_voice("joe")


def test_another_model_in_the_package_is_refused(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default, "_SHA256", "0" * 64)
    with pytest.raises(VoiceError, match="reinstall"):
        load_voice()
    assert list(empty_home.rglob("*.safetensors")) == []
