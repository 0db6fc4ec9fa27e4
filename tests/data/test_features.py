from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonorant.data.features import Cached, Recording, Waveform
from sonorant.errors import CorpusError


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
