"""Each fault of a recording is found, and a sound recording has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonorant.data.checks.kinds import Limits
from sonorant.data.checks.recording import clipped_share, examine_recording
from sonorant.data.manifest import Utterance
from tests.data.tones import RATE_HZ, tone, write_utterance


def faults(folder: Path, utterance: Utterance) -> dict[str, str]:
    findings, _ = examine_recording(folder / utterance.audio, utterance, Limits())
    return findings.faults


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_sound_recording_has_no_fault(tmp_path: Path, suffix: str) -> None:
    utterance = write_utterance(tmp_path, "a", tone(), suffix=suffix)
    found, speech_s = examine_recording(tmp_path / utterance.audio, utterance, Limits())
    assert found.faults == {}
    assert speech_s == pytest.approx(1.0, abs=0.06)


def test_measures_say_what_was_made(tmp_path: Path) -> None:
    samples = np.concatenate([tone(0.5, before_s=0.3, after_s=0.4), tone(0.5, before_s=0.0, after_s=0.7)])
    found, speech_s = examine_recording(tmp_path / "a.wav", write_utterance(tmp_path, "a", samples), Limits())
    assert found.measures["silence_start_s"] == pytest.approx(0.3, abs=0.03)
    assert found.measures["silence_end_s"] == pytest.approx(0.7, abs=0.03)
    assert found.measures["longest_pause_s"] == pytest.approx(0.4, abs=0.05)
    assert speech_s == pytest.approx(1.0, abs=0.06)
    assert found.measures["clipped_share"] == 0


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_a_file_cut_short_is_truncated(tmp_path: Path, suffix: str) -> None:
    utterance = write_utterance(tmp_path, "a", tone(3.0), suffix=suffix)
    path = tmp_path / utterance.audio
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in faults(tmp_path, utterance)


def test_a_wav_file_of_unknown_length_is_whole(tmp_path: Path) -> None:
    """Programs that write to a pipe leave the length at its largest."""
    utterance = write_utterance(tmp_path, "a", tone())
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    assert faults(tmp_path, utterance) == {}


@pytest.mark.parametrize("contents", [b"", b"no audio", b"RIFF\x00\x00\x00\x00WAVE", None])
def test_what_is_no_audio_is_unreadable(tmp_path: Path, contents: bytes | None) -> None:
    utterance = write_utterance(tmp_path, "a", tone())
    if contents is None:
        (tmp_path / "a.wav").unlink()
    else:
        (tmp_path / "a.wav").write_bytes(contents)
    found = faults(tmp_path, utterance)
    assert list(found) == ["unreadable"]
    assert ("no such file" in found["unreadable"]) == (contents is None)


@pytest.mark.parametrize("audio", [".", "a\0b.wav", "/dev/zero", "x" * 300])
def test_what_is_no_file_is_unreadable(tmp_path: Path, audio: str) -> None:
    assert "unreadable" in faults(tmp_path, replace(write_utterance(tmp_path, "a", tone()), audio=audio))


def test_a_flac_file_cut_short_is_at_fault(tmp_path: Path) -> None:
    utterance = write_utterance(tmp_path, "a", tone(3.0), suffix=".flac")
    path = tmp_path / utterance.audio
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert faults(tmp_path, utterance).keys() & {"unreadable", "truncated"}


def test_a_part_that_reaches_past_the_end_is_truncated(tmp_path: Path) -> None:
    utterance = write_utterance(tmp_path, "a", tone(1.0))
    assert faults(tmp_path, replace(utterance, start_s=0.2, end_s=1.2, duration_s=1.0)) == {}
    assert faults(tmp_path, replace(utterance, start_s=0.2, end_s=1.2004, duration_s=1.0004)) == {}
    assert (
        "ends 0.100 s before"
        in faults(tmp_path, replace(utterance, start_s=0.3, end_s=1.3, duration_s=1.0))["truncated"]
    )
    assert "truncated" in faults(tmp_path, replace(utterance, start_s=9.0, end_s=10.0, duration_s=1.0))
    assert "truncated" in faults(tmp_path, replace(utterance, start_s=9.0, duration_s=1.0))


def test_a_part_is_measured_alone(tmp_path: Path) -> None:
    """Two parts of one recording, and the same samples in a file of their own."""
    loud, quiet = tone(1.0, amplitude=0.4), tone(1.0, amplitude=0.04)
    whole = write_utterance(tmp_path, "whole", np.concatenate([loud, quiet]))
    middle_s = len(loud) / RATE_HZ
    second = replace(whole, start_s=middle_s, duration_s=len(quiet) / RATE_HZ)
    alone = write_utterance(tmp_path, "alone", quiet)
    measures = [
        examine_recording(tmp_path / utterance.audio, utterance, Limits())[0].measures for utterance in (second, alone)
    ]
    assert measures[0] == measures[1]


def test_a_duration_that_is_not_the_manifests_is_a_fault(tmp_path: Path) -> None:
    utterance = write_utterance(tmp_path, "a", tone(1.0))
    assert list(faults(tmp_path, replace(utterance, duration_s=1.5))) == ["duration"]
    assert faults(tmp_path, replace(utterance, duration_s=1.15)) == {}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_a_fault(tmp_path: Path, value: float) -> None:
    samples = tone()
    samples[[5, 900]] = value
    utterance = write_utterance(tmp_path, "a", tone())
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
    assert faults(tmp_path, utterance) == {"not_finite": "2 of 19,200 samples are NaN or infinite"}


@pytest.mark.parametrize(("before_s", "after_s"), [(1.5, 0.1), (0.1, 1.5)])
def test_long_silence_at_an_end_is_a_fault(tmp_path: Path, before_s: float, after_s: float) -> None:
    found = faults(tmp_path, write_utterance(tmp_path, "a", tone(before_s=before_s, after_s=after_s)))
    assert list(found) == ["silence"]
    assert ("start" in found["silence"]) == (before_s > after_s)


def test_silence_alone_holds_no_speech(tmp_path: Path) -> None:
    assert "no_speech" in faults(tmp_path, write_utterance(tmp_path, "a", tone(amplitude=0.0)))


def test_a_whisper_of_a_recording_is_too_quiet(tmp_path: Path) -> None:
    found = faults(tmp_path, write_utterance(tmp_path, "a", tone(amplitude=0.003)))
    assert list(found) == ["loudness"]


def test_clipping_is_found_also_after_the_volume_was_turned_down(tmp_path: Path) -> None:
    clipped = np.clip(tone(amplitude=2.0), -1, 1)
    assert "clipping" in faults(tmp_path, write_utterance(tmp_path, "a", clipped))
    assert "clipping" in faults(tmp_path, write_utterance(tmp_path, "b", 0.5 * clipped))


def test_one_clipped_channel_of_two_is_clipping() -> None:
    fine = tone()
    both = np.stack([fine, np.clip(10 * fine, -1, 1)], axis=1)
    assert clipped_share(both) == pytest.approx(clipped_share(both[:, 1:]) / 2, abs=1e-6)
    assert clipped_share(both) > 0.1


@pytest.mark.parametrize("amplitude", [1.0, 0.5, 0.01, 0.0001])
def test_a_tone_that_just_fits_is_not_clipped(amplitude: float) -> None:
    samples = tone(amplitude=amplitude / float(np.abs(tone(amplitude=1.0)).max()))
    as_stored = np.rint(samples * 32767).astype(np.float32) / 32768
    assert clipped_share(as_stored[:, None]) < Limits().max_clipped_share


def test_the_audio_hash_is_of_the_samples_not_of_the_file(tmp_path: Path) -> None:
    samples = [tone(), tone(), tone(pitch_hz=201)]
    utterances = [
        write_utterance(tmp_path, id_, each, suffix=suffix)
        for id_, each, suffix in zip("abc", samples, (".wav", ".flac", ".wav"), strict=True)
    ]
    hashes = [examine_recording(tmp_path / each.audio, each, Limits())[0].measures["audio_hash"] for each in utterances]
    assert hashes[0] == hashes[1] != hashes[2]
    assert all(value.is_integer() and 0 <= value < 2**53 for value in hashes)
