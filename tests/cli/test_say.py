"""`sonorant say`, `phonemize` and `voices`, as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from sonorant import Speech, Voice
from sonorant.audio.io import FORMATS, read
from sonorant.cli.main import main


@pytest.fixture(autouse=True)
def work(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sonorant(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "sonorant", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=os.environ, check=False)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_say_writes_the_format_of_the_suffix(work: Path, suffix: str) -> None:
    assert main(["say", "Hello", "there.", "-v", "tiny", "-o", f"a{suffix}"]) == 0
    assert len(read(work / f"a{suffix}")[0]) > 1000
    assert [path.name for path in work.iterdir()] == [f"a{suffix}"]


def test_a_file_and_an_argument_say_the_same(work: Path) -> None:
    (work / "in.txt").write_text("Hello there.\n\nBye.")
    assert main(["say", "Hello there.\n\nBye.", "-v", "tiny", "--seed", "1", "-o", "a.wav"]) == 0
    assert main(["say", "-f", "in.txt", "-v", "tiny", "--seed", "1", "-o", "b.wav"]) == 0
    assert (work / "a.wav").read_bytes() == (work / "b.wav").read_bytes()


def test_raw_output_from_standard_input_is_the_samples(tiny: Voice) -> None:
    done = sonorant("say", "-v", "tiny", "--seed", "1", "--output-raw", stdin=b"Hello there.")
    assert done.returncode == 0, done.stderr
    samples = np.frombuffer(done.stdout, "<i2")
    assert np.abs(samples / 32767 - tiny.say("Hello there.", seed=1).samples).max() < 1e-4


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m sonorant say -v tiny --output-raw -f - | head -c 10 | wc -c"
    text = b"Hello there my friend. " * 200
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], input=text, capture_output=True, env=os.environ, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (b"10", b"")


def test_subtitles_lie_beside_the_audio(work: Path) -> None:
    assert main(["say", "Hello there.", "-v", "tiny", "-o", "a.wav", "--subtitles", "a.srt"]) == 0
    assert "Hello there." in (work / "a.srt").read_text()


def test_what_could_not_be_said_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["say", "Hello 😀.", "-v", "tiny", "-o", "a.wav"]) == 0
    assert "warning: left out what the voice has no symbol for: '😀' ×1" in capsys.readouterr().err


@pytest.mark.parametrize(("n_loud", "is_told"), [(10, True), (1, False)])
def test_clipping_is_a_warning_unless_it_is_a_single_peak(
    n_loud: int, is_told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stream(self: Voice, lines: Iterable[str], **settings: object) -> Iterator[Speech]:
        samples = np.full(1000, 0.5, np.float32)
        samples[:n_loud] = -1.5
        yield Speech(samples, self.sample_rate_hz, (), (), (), seed=1)

    monkeypatch.setattr(Voice, "stream", stream)
    assert main(["say", "Hello.", "-v", "tiny", "-o", "a.wav"]) == 0
    warning = "warning: 1.0% of the samples were too loud and are clipped: ask for less energy"
    assert (warning in capsys.readouterr().err) == is_told


def test_phonemize_prints_phonemes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phonemize", "Hello there."]) == 0
    assert capsys.readouterr().out == "həlˈoʊ ðˈɛɹ.\n"


def test_phonemize_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phonemize", "Dr. Who owes $3.50.", "--explain"]) == 0
    out = capsys.readouterr().out
    assert "three dollars and fifty cents" in out
    assert "money" in out
    assert "title" in out
    assert "espeak-ng 1.5" in out


def test_phonemize_in_another_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phonemize", "Hola, 2 perros.", "-l", "es"]) == 0
    assert capsys.readouterr().out == "ˈola, dˈos pˈeros.\n"


def test_a_text_in_letters_that_the_language_lacks_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    russian = "Привет, Anna, как дела?"
    assert main(["say", russian]) == 0
    warned = capsys.readouterr().err
    assert "warning: most letters are Cyrillic, which en-us can only spell: say it with --language ru" in warned
    assert main(["say", russian, "--language", "ru"]) == 0
    assert main(["say", russian, "--speaker", "ivrvoice"]) == 0
    assert main(["say", "He said Привет to me."]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main(["say", russian, "-v", "tiny"]) == 0
    assert "which en-us can only spell: this voice speaks en-us, es" in capsys.readouterr().err


def test_voices_are_listed_shown_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "list"]) == 0
    assert "tiny" in capsys.readouterr().out
    assert main(["voices", "show", "tiny"]) == 0
    shown = capsys.readouterr().out
    assert "first (en-us), second (en-us)" in shown
    assert "noise" in shown
    assert main(["voices", "check", "tiny"]) == 0
    assert "hashes match" in capsys.readouterr().out


def test_importing_is_quick_and_does_nothing() -> None:
    """`import sonorant` and the command line load no torch, start no thread and change no setting."""
    program = (
        "import sys, threading, locale, signal, os; env = dict(os.environ);"
        "import sonorant, sonorant.cli.main;"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules, 'heavy';"
        "assert threading.active_count() == 1 and dict(os.environ) == env"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_terminated_command_leaves_no_part_file(work: Path) -> None:
    (work / "in.txt").write_text("Hello there my friend.\n\n" * 5000)
    command = [sys.executable, "-m", "sonorant", "say", "-f", "in.txt", "-v", "tiny", "-o", "a.wav"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ)
    while not list(work.glob(".a.*")):
        assert process.poll() is None
    process.terminate()
    assert process.wait() == 143
    assert [path.name for path in work.iterdir()] == ["in.txt"]


def test_phonemize_warns_of_what_it_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phonemize", "Hello 😀."]) == 0
    assert "'😀' ×1" in capsys.readouterr().err
