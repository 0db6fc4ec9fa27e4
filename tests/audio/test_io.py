"""Audio files: right, and whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonorant.audio.io import FORMATS, AudioWriter, read, to_pcm16, whole_file
from sonorant.errors import AudioError

TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)).astype(np.float32)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_every_format_is_written_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with AudioWriter(path, 22050) as writer:
        for part in np.array_split(TONE, 7):
            writer.write(part)
    samples, rate = read(path)
    assert rate == 22050
    assert len(samples) == pytest.approx(len(TONE), abs=2400)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert soundfile.info(path).channels == 1


def test_wav_is_exact_to_16_bits(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.wav", 22050) as writer:
        writer.write(TONE)
    assert np.abs(read(tmp_path / "a.wav")[0] - TONE).max() < 1.1 / 32767


def test_what_is_too_loud_is_clipped_not_wrapped() -> None:
    assert np.frombuffer(to_pcm16(np.array([2, -2, 0], np.float32)), "<i2").tolist() == [32767, -32767, 0]


def test_a_failure_leaves_neither_file_nor_part(tmp_path: Path) -> None:
    def fail() -> None:
        with AudioWriter(tmp_path / "a.wav", 22050) as writer:
            writer.write(TONE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(RuntimeError), AudioWriter(path, 22050):
        raise RuntimeError
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "suffix is .txt"),
        ("a", "suffix is none"),
        ("no/a.wav", "does not exist"),
        ("dir.wav", "not a regular file"),
    ],
)
def test_bad_targets_are_refused_before_work(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "dir.wav").mkdir()
    with pytest.raises(AudioError, match=message):
        AudioWriter(tmp_path / name, 22050)


def test_mp3_has_few_sample_rates(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no sample rate of 20000 Hz"):
        AudioWriter(tmp_path / "a.mp3", 20000)


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("hello")
    with pytest.raises(AudioError, match="cannot be read as audio"):
        read(tmp_path / "a.wav")


def test_an_interruption_as_the_file_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whole_file, and of who writes into it."""

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", stopped)
        with pytest.raises(KeyboardInterrupt):
            whole_file(tmp_path / "a.txt").__enter__()
    monkeypatch.setattr("soundfile.SoundFile", stopped)
    with pytest.raises(KeyboardInterrupt):
        AudioWriter(tmp_path / "a.wav", 16_000).__enter__()
    assert not list(tmp_path.iterdir())
