"""`sonorant corpus list` and `import`: what they say, and that they leave nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sonorant.cli.main import main
from sonorant.data.corpora import CORPORA
from sonorant.data.manifest import read_manifest
from tests.data.corpora import fakes


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in, beside a corpus."""
    fakes.folder(tmp_path / "mine")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def test_list_names_every_corpus_and_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "list"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[1:]] == list(CORPORA)
    for corpus in CORPORA.values():
        assert corpus.title in told
        assert corpus.licence in told


def test_import_says_what_it_made_and_what_it_left_out(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "import", "folder", "out", "--from", "../mine", "--licence", "CC0"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    rows = [line.split() for line in told.out.splitlines()]
    assert rows[0] == ["out/manifest.jsonl:", "3", "utterances,", "0.1", "minutes"]
    assert ["en-us", "anna", "2", "0.0"] in rows
    assert ["ko", "bert", "1", "0.0"] in rows
    assert ["out/rejected.jsonl:", "6", "rejected"] in rows
    assert ["1", "speaker", "is", "empty"] in rows
    assert len(read_manifest(work / "out" / "manifest.jsonl")) == 3


def test_reasons_of_one_kind_are_counted_together(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fakes.sound(work / "in" / "a.wav")
    for number in range(40):
        fakes.sound(work / "in" / f"{number}.wav", 0.1 + number / 1000)
    fakes.write(work / "in" / "list.txt", "a|A.", *(f"{number}|B." for number in range(40)), *("x|C." for _ in "12"))
    arguments = ["corpus", "import", "folder", "out", "--from", "in", "--speaker", "anna", "--language", "en-us"]
    assert main(arguments) == 0
    rows = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["40", "shorter than # s"] in rows
    assert ["2", "there is no recording ... beside the list or in wavs"] in rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch", "out"], "there is no corpus 'nonesuch'; expected one of aishell3,"),
        (["", "out"], "there is no corpus ''"),
        (["../folder", "out"], "there is no corpus"),
        (["vctk", "out"], "give its folder with --from"),
        (["vctk", "out", "--from", "missing"], "no such folder"),
        (["vctk", "out", "--from", "../mine"], "expected txt/p225/p225_001.txt"),
        (["ljspeech", "out", "--from", "../mine"], "9 to reject, the first of them"),
        (["folder", "../mine/out", "--from", "../mine"], "never written to"),
        (["folder", "/proc/out", "--from", "../mine"], ""),
        (["folder", "a\0b", "--from", "../mine"], ""),
        (["folder", "out", "--from", "a\0b"], ""),
        (["folder", "x" * 300, "--from", "../mine"], ""),
        (["folder", "out", "--from", "../mine", "--min-duration", "nan"], ""),
        (["folder", "out", "--from", "../mine", "--min-duration", "0"], "Invalid value for '--min-duration'"),
        (["folder", "out", "--from", "../mine", "--max-duration", "inf"], "Invalid value for '--max-duration'"),
        (["folder", "out", "--from", "../mine", "--min-duration", "5", "--max-duration", "2"], "lies between"),
        (["folder", "out", "--from", "../mine", "--min-duration", "5"], "nothing in it became an utterance"),
        (["kss", "out", "--from", "../mine", "--speaker", "anna"], "leave out --speaker"),
        (["folder"], "Missing argument"),
        ([], "Missing argument"),
        (["folder", "out", "--form", "../mine"], "No such option"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    work: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(work.parent.rglob("*"))
    code = main(["corpus", "import", *arguments])
    told = capsys.readouterr()
    assert code == 2, told
    assert told.out == ""
    (line,) = told.err.strip().splitlines()
    assert line.startswith("sonorant: ")
    assert message in line
    assert sorted(work.parent.rglob("*")) == before


def test_a_full_disk_leaves_no_manifest(work: Path) -> None:
    """A file larger than the process may write stands for a full disk."""
    fakes.write(work / "in" / "list.txt", *(f"a{'/.' * number}/a.wav|a|en|Text." for number in range(100)))
    fakes.sound(work / "in" / "a" / "a.wav")
    program = (
        "import resource, signal, sys; from sonorant.cli.main import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "corpus", "import", "folder", "out", "--from", "in"],
        cwd=work, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "File too large" in done.stderr
    assert not (work / "out" / "manifest.jsonl").exists()
    assert not [path for path in (work / "out").iterdir() if "manifest" in path.name]


@pytest.mark.parametrize("where", ["sonorant.data.corpora.recordings.header_duration_s", "os.fsync"])
def test_a_stopped_import_leaves_no_manifest(work: Path, where: str) -> None:
    """Stopped in the middle of reading, and in that of writing."""
    module, _, function = where.rpartition(".")
    program = (
        f"import os, signal, sys, {module}; from sonorant.cli.main import run;"
        f"whole = {where};"
        f"{module}.{function} = lambda *given: (os.kill(os.getpid(), signal.SIGTERM), whole(*given))[1];"
        "run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "corpus", "import", "folder", "out", "--from", "../mine"],
        cwd=work, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
    assert list(work.rglob("*.jsonl")) == []
