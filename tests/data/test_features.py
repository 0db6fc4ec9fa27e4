from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sonorant.audio import pitch
from sonorant.data.features import Cached, Pitch, Recording, Waveform
from sonorant.errors import CorpusError


class Counting:
    """A feature that counts how often it is computed."""

    name = "length"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.n_computed = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"scale": self.scale}

    def __call__(self, recording: Recording) -> np.ndarray:
        self.n_computed += 1
        return np.full(3, self.scale * recording.path.stat().st_size, np.float32)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    path = tmp_path / "ä ö.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(8000) / 20), 16_000)
    return Recording("u", path)


def test_what_is_kept_is_what_was_computed(recording: Recording, tmp_path: Path) -> None:
    cached = Cached(Waveform(8_000), tmp_path / "cache")
    first, second = cached(recording), cached(recording)
    assert np.array_equal(first, second)
    assert np.array_equal(first, Waveform(8_000)(recording))
    assert len(list(cached.place.iterdir())) == 1


@pytest.mark.parametrize("rest", [0, 100, 900])
def test_a_damaged_file_is_named(recording: Recording, tmp_path: Path, rest: int) -> None:
    cached = Cached(Waveform(8_000), tmp_path / "cache")
    cached(recording)
    (path,) = cached.place.iterdir()
    path.write_bytes(path.read_bytes()[:rest])
    with pytest.raises(CorpusError, match=rf"{path.name}: cannot be read .*; delete it"):
        cached(recording)


def test_a_cache_that_cannot_be_kept_is_said(recording: Recording, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CorpusError, match=r"the cache cannot be kept .*name another loader\.cache"):
            Cached(Waveform(8_000), folder)(recording)


def test_a_feature_is_computed_once(recording: Recording, tmp_path: Path) -> None:
    feature = Counting()
    cached = Cached(feature, tmp_path / "cache")
    first, second = cached(recording), cached(recording)
    assert feature.n_computed == 1
    np.testing.assert_array_equal(first, second)


def test_other_settings_and_other_recordings_are_computed_anew(recording: Recording, tmp_path: Path) -> None:
    cached = Cached(Counting(), tmp_path / "cache")
    cached(recording)
    louder = Cached(Counting(2.0), tmp_path / "cache")
    assert louder(recording)[0] == 2 * cached(recording)[0]
    assert louder.place != cached.place
    part = Recording("a", recording.path, start_s=0.5)
    cached(part)
    assert cached.feature.n_computed == 2  # type: ignore[attr-defined]
    recording.path.write_bytes(recording.path.read_bytes() + b"more")
    os.utime(recording.path, ns=(1, 1))
    assert cached(recording)[0] == recording.path.stat().st_size


def test_a_waveform_is_the_part_asked_for_at_the_rate_asked_for(recording: Recording) -> None:
    t = np.arange(16_000) / 16_000
    soundfile.write(recording.path, 0.5 * np.sin(2 * np.pi * 440 * t), 16_000)
    part = Waveform(8_000)(Recording("a", recording.path, start_s=0.25, end_s=0.75))
    assert part.dtype == np.float32
    assert len(part) == 4_000
    assert np.abs(np.fft.rfft(part)).argmax() == 220  # 440 Hz over half a second


def test_a_track_by_another_release_or_range_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def place() -> Path:
        pitch.tracker_settings.cache_clear()
        return Cached(Pitch(16_000, 256), tmp_path).place

    first = place()
    assert place() == first
    with monkeypatch.context() as patch:
        patch.setattr(pitch, "HIGHEST_HZ", 700.0)
        assert place() != first
    with monkeypatch.context() as patch:
        patch.setattr(pitch, "version", lambda _: "9.9")
        assert place() != first
    assert place() == first
