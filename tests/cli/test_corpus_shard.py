"""`sonorant corpus shard` packs a run's prepared corpus, and says in one line why when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sonorant.cli.main import main
from sonorant.data.shards.format import Shards
from tests.data.prepared_tones import HOP, RATE_HZ, write_prepared

RECORD = {
    "status": "complete",
    "settings": {"spectrogram": {"sample_rate_hz": RATE_HZ, "hop": HOP, "n_fft": 320}, "segment_frames": 4},
}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder 'prepare' of a run: seven utterances to train with, one to validate."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run" / "prepare"
    write_prepared(folder, [30] * 8, split=["train"] * 7 + ["validation"])
    (folder / "stage.json").write_text(json.dumps(RECORD), encoding="utf-8")
    return folder


def run(*arguments: str | Path, code: int = 0) -> None:
    assert main(["corpus", "shard", *map(str, arguments)]) == code


def test_shards_are_made_and_summed_up(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(prepared, "out", "--shard-s", "1", "-j", "1")
    told = capsys.readouterr()
    assert told.err == ""
    assert [line.split() for line in told.out.splitlines()] == [
        ["split", "shards", "utterances", "minutes"],
        ["train", "3", "7", "0.0"],
        ["validation", "1", "1", "0.0"],
        ["out/shards.json:", "written"],
    ]
    listing = Shards.open("out").listing
    assert (listing.sample_rate_hz, listing.hop, listing.shard_s, listing.seed) == (RATE_HZ, HOP, 1.0, 0)
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(
        ["lengths.safetensors", "shards.json", "tables.json", *(shard.name for shard in listing.shards)]
    )


def test_run_again_it_keeps_what_is_whole(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(prepared, "out", "--shard-s", "1", "-j", "1")
    Path("out/train-000001.tar").unlink()
    run(prepared, "out", "--shard-s", "1", "-j", "1")
    assert "3 of 4 were there already, and are whole" in capsys.readouterr().out
    assert Path("out/train-000001.tar").is_file()


def _record(**changed: object) -> Callable[[Path], object]:
    return lambda prepared: (prepared / "stage.json").write_text(json.dumps({**RECORD, **changed}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (lambda prepared: (prepared / "stage.json").unlink(), [], "is no prepared corpus"),
        (lambda prepared: (prepared / "stage.json").write_text("{"), [], "is not valid JSON"),
        (_record(status="started"), [], "is not complete"),
        (_record(settings={}), [], "is no record of a corpus prepared for a model's spectrogram"),
        (lambda prepared: (prepared / "utterances.jsonl").unlink(), [], "utterances.jsonl: cannot be read"),
        (lambda prepared: (prepared / "tables.json").unlink(), [], "tables.json: cannot be read"),
        (lambda prepared: (prepared.parent / "prepare-0.wav").write_bytes(b"x"), [], "prepare-0.wav"),
        (lambda _: Path("out").write_text("a file"), [], "out"),
        (lambda _: None, ["--shard-s", "0"], ""),
        (lambda _: None, ["--seed", "-1"], ""),
        (lambda _: None, ["--jobs", "0"], ""),
    ],
)
def test_bad_input_is_one_line_and_makes_no_shard(
    prepared: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    options: list[str],
    message: str,
) -> None:
    damage(prepared)
    run(prepared, "out", *options, *([] if "--jobs" in options else ["-j", "1"]), code=2)
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) == 1
    assert told.err.startswith("sonorant: ")
    assert message in told.err
    assert not list(Path().glob("out/*.tar"))
