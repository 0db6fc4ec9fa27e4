"""Recordings as blocks: what is read, checked and brought to another rate is what it would be in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonorant.audio import blocks as recordings
from sonorant.audio.blocks import AudioReader, checked, resampled
from sonorant.audio.io import Samples, read
from sonorant.audio.resample import resample
from sonorant.errors import AudioError, ParameterError


def noise(n: int, n_channels: int = 1) -> Samples:
    generator = np.random.default_rng(n)
    return (0.1 * generator.standard_normal((n, n_channels))).astype(np.float32)


def cut(samples: Samples, *places: int) -> list[Samples]:
    return np.split(samples, places)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_blocks_of_a_file_joined_are_what_read_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, n_channels: int
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(5000, n_channels), 16_000)
    monkeypatch.setattr(recordings, "BLOCK_SAMPLES", 900)
    with AudioReader(path) as reader:
        blocks = list(reader.blocks())
    whole, sample_rate_hz = read(path)
    assert reader.sample_rate_hz == sample_rate_hz
    assert reader.n_samples == len(whole)
    assert len(blocks) > 5
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-7, rtol=0)  # MP3s are not decoded to the last bit


@pytest.mark.parametrize("name", ["none.wav", ".", "text.wav", "a.raw"])
def test_a_file_that_is_no_audio_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(AudioError, match=str(tmp_path / name)), AudioReader(tmp_path / name):
        pass


def test_a_file_cut_short_is_an_error_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(200_000), 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with AudioReader(path) as reader, pytest.raises(AudioError, match=r"a\.flac"):
        list(reader.blocks())


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 16_000), (8_000, 22_050), (16_000, 16_000)])
def test_blocks_resampled_are_the_whole_resampled(monkeypatch: pytest.MonkeyPatch, from_hz: int, to_hz: int) -> None:
    samples = noise(9_000)[:, 0]
    monkeypatch.setattr(recordings, "BLOCK_SAMPLES", 1500)
    pieces = resampled(cut(samples, 0, 1, 17, 4000), from_hz=from_hz, to_hz=to_hz)
    np.testing.assert_array_equal(np.concatenate(list(pieces)), resample(samples, from_hz=from_hz, to_hz=to_hz))


def test_a_good_recording_is_let_through_as_float32() -> None:
    samples = noise(100)[:, 0].astype(np.float64)
    found = list(checked(cut(samples, 30), sample_rate_hz=8000))
    assert {block.dtype for block in found} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(np.concatenate(found), samples.astype(np.float32))


def test_one_loud_sample_is_no_silence() -> None:
    click = np.zeros(100, np.float32)
    click[60] = -0.1
    assert sum(map(len, checked(cut(click, 50), sample_rate_hz=8000))) == 100


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "holds no samples"),
        ([np.zeros(0, np.float32)], "holds no samples"),
        ([np.zeros(50, np.float32), np.full(50, 3e-5, np.float32)], "is silent"),
        ([np.ones(4000, np.float32), np.array([0.0, np.nan], np.float32)], "at 0.500 s is no finite number"),
        ([np.array([-np.inf], np.float32)], "at 0.000 s is no finite number"),
    ],
)
def test_a_recording_without_sound_is_refused(blocks: list[Samples], message: str) -> None:
    with pytest.raises(AudioError, match=message):
        list(checked(blocks, sample_rate_hz=8000))


@pytest.mark.parametrize(
    ("block", "found"), [(noise(5, 2), r"float32 \[5, 2\]"), (np.zeros(5, np.int16), "int16"), ([0.1], "list")]
)
def test_arrays_of_another_kind_are_refused(block: Samples, found: str) -> None:
    with pytest.raises(ParameterError, match=f"is {found}"):
        list(checked([block], sample_rate_hz=8000))


@pytest.mark.parametrize("rate", [0, -8000, 1, 10**7, 22_050.5, float("nan")])
def test_a_rate_that_is_none_is_refused_before_anything_is_read(rate: int) -> None:
    def unread() -> Samples:
        raise AssertionError

    with pytest.raises(ParameterError, match="sample rate"):
        checked((unread() for _ in range(1)), sample_rate_hz=rate)
