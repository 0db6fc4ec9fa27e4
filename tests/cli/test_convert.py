"""`sonorant convert`, as a user types it: other rates and channels are taken, bad input gets one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sonorant.audio.io import FORMATS, read
from sonorant.cli.main import main
from tests.tiny import CONFIG, write_tiny_voice

HOP, RATE = CONFIG.spectrogram.hop, CONFIG.spectrogram.sample_rate_hz


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("voices") / "converting"
    write_tiny_voice(folder, converts=True)
    return str(folder)


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    record("in.wav")
    return tmp_path


def record(name: str, *, n_samples: int = 4000, rate: int = RATE, n_channels: int = 1, loud: float = 0.3) -> None:
    tone = loud * np.sin(np.arange(n_samples) * 2 * np.pi * 150 / rate)
    soundfile.write(name, np.repeat(tone[:, None], n_channels, axis=1), rate)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_the_format_is_that_of_the_suffix(work: Path, voice: str, suffix: str) -> None:
    assert main(["convert", "in.wav", "-s", "second", "-v", voice, "-o", f"out{suffix}"]) == 0
    samples, sample_rate_hz = read(work / f"out{suffix}")
    assert sample_rate_hz == RATE
    assert len(samples) >= 4000 // HOP * HOP
    assert sorted(path.name for path in work.iterdir()) == ["in.wav", f"out{suffix}"]


def test_what_was_done_is_told(work: Path, voice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "in.wav", "--speaker", "second", "--voice", voice, "--seed", "5"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "converted.wav: 0.25 s, first as second by tiny, seed 5\n"
    assert (work / "converted.wav").is_file()


def test_options_reach_the_voice(work: Path, voice: str) -> None:
    def converted(*options: str) -> bytes:
        assert main(["convert", "in.wav", "-v", voice, "-s", "second", "-o", "out.wav", *options]) == 0
        return (work / "out.wav").read_bytes()

    plain = converted("--seed", "1")
    assert converted("--seed", "1", "--source", "first", "--noise-scale", "1") == plain
    assert len({plain, converted("--seed", "2"), converted("--seed", "1", "--source", "second")}) == 3
    assert converted("--seed", "1", "--noise-scale", "0") == converted("--seed", "2", "--noise-scale", "0")


@pytest.mark.parametrize(
    ("rate", "n_channels", "name"), [(44_100, 2, "a.flac"), (8000, 1, "a.ogg"), (RATE, 3, "a.wav")]
)
def test_other_rates_and_channels_are_taken(work: Path, voice: str, rate: int, n_channels: int, name: str) -> None:
    record(name, n_samples=rate // 2, rate=rate, n_channels=n_channels)
    assert main(["convert", name, "-v", voice, "-s", "second", "-o", "out.wav"]) == 0
    samples, sample_rate_hz = read(work / "out.wav")
    assert sample_rate_hz == RATE
    assert len(samples) == RATE // 2 // HOP * HOP


def test_channels_alike_are_as_one(work: Path, voice: str) -> None:
    record("stereo.wav", n_channels=2)
    for name in ("in", "stereo"):
        assert (
            main(["convert", f"{name}.wav", "-v", voice, "-s", "second", "-o", f"{name}-out.wav", "--seed", "1"]) == 0
        )
    assert (work / "in-out.wav").read_bytes() == (work / "stereo-out.wav").read_bytes()


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], message: str) -> None:
    """Assert that the command line refuses these arguments with one line, and leaves the folder as it was."""
    before = {path: path.read_bytes() for path in Path.cwd().iterdir()}
    code = main(arguments)
    told = capsys.readouterr()
    assert code == 2, told
    lines = told.err.strip().splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("sonorant: ")
    assert message in lines[0]
    assert told.out == ""
    assert {path: path.read_bytes() for path in Path.cwd().iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.wav"], "Missing option '--speaker'"),
        (["--speaker", "second"], "Missing argument"),
        (["in.wav", "-s", "nobody"], "has no speaker 'nobody'; it has first, second"),
        (["in.wav", "-s", "first", "--source", "nobody"], "has no speaker 'nobody'; it has first, second"),
        (["in.wav", "-s", "first", "--source", ""], "has no speaker ''"),
        (["none.wav", "-s", "first"], "none.wav: there is no such file"),
        (["/", "-s", "first"], "there is no such file"),
        (["in.wav", "-s", "first", "--seed", "-1"], "seed is -1"),
        (["in.wav", "-s", "first", "--noise-scale", "nan"], "noise_scale is nan"),
        (["in.wav", "-s", "first", "--noise-scale", "4"], "noise_scale is 4"),
        (["in.wav", "-s", "first", "-o", "out.doc"], "suffix is .doc"),
        (["in.wav", "-s", "first", "-o", "no/out.wav"], "does not exist"),
        (["in.wav", "-s", "first", "-o", "./in.wav"], "is the recording itself"),
        (["in.wav", "-s", "first", "-v", "./nobody"], "no such voice folder"),
    ],
)
def test_arguments_that_name_nothing(
    voice: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = arguments if "-v" in arguments else [*arguments, "-v", voice]
    refused(["convert", *given], capsys, message)


def _nan(name: str) -> None:
    soundfile.write(name, np.array([0.1, np.nan] * 2000), RATE, subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda name: record(name, n_samples=0), "holds no samples"),
        (lambda name: record(name, n_samples=96), "is 0.006 s long, too short"),
        (lambda name: record(name, n_samples=200, rate=48_000), "too short"),
        (lambda name: record(name, loud=0.0), "is silent"),
        (_nan, "is no finite number"),
        (lambda name: record(name, rate=10), "sample rate is 10 Hz"),
        (lambda name: Path(name).write_bytes(b""), "bad.wav: cannot be read as audio"),
        (lambda name: Path(name).write_bytes(b"RIFF" + bytes(40)), "bad.wav: cannot be read as audio"),
    ],
)
def test_recordings_that_are_none(voice: str, capsys: pytest.CaptureFixture[str], make, message: str) -> None:  # type: ignore[no-untyped-def]
    make("bad.wav")
    refused(["convert", "bad.wav", "-s", "second", "-v", voice, "-o", "out.wav"], capsys, message)


def test_a_recording_that_breaks_off_late_leaves_no_file(voice: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The first pieces were written by then, but under no name."""
    samples = 0.1 * np.sin(np.arange(3000 * HOP) / 20)
    samples[-5] = np.inf
    soundfile.write("bad.wav", samples, RATE, subtype="FLOAT")
    refused(["convert", "bad.wav", "-s", "second", "-v", voice, "-o", "out.wav"], capsys, "is no finite number")


def test_a_voice_that_cannot_convert_says_how_to_get_one_that_can(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", "in.wav", "-s", "second", "-v", str(tiny_folder), "-o", "out.wav"]
    refused(arguments, capsys, "'sonorant voices export-run RUN OUT --convert'")
