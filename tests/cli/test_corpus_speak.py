"""`sonorant corpus speak` makes a corpus of what a voice says, `join` one manifest of several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sonorant.audio import io
from sonorant.cli.main import main
from sonorant.data.manifest import Utterance, audio_path, read_manifest, write_manifest
from sonorant.voice import default
from sonorant.voice.voice import load_voice

EMBEDDED = default.folder()
TEXTS = "Open the door.\n\nClose it again.\nOpen the door.\n"


def run(*arguments: str | Path, code: int = 0) -> None:
    assert main(["corpus", *map(str, arguments)]) == code


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text(TEXTS, encoding="utf-8")
    return path


def test_a_voice_says_each_text_once_and_is_named_as_who_did(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "taught"
    run("speak", texts, out, "--voice", EMBEDDED, "--speaker", "allison-en", "--weight", "0.5")
    said = read_manifest(out / "manifest.jsonl")
    assert [u.text for u in said] == ["Open the door.", "Close it again."]
    about = json.loads((EMBEDDED / "voice.json").read_text(encoding="utf-8"))
    for utterance in said:
        assert utterance.speaker == f"{about['name']}-allison-en"
        assert utterance.corpus == f"synthetic speech by {about['name']}"
        assert utterance.licence == about["licence"]
        assert utterance.language == "en-us"
        assert utterance.weight == 0.5
        samples, rate_hz = io.read(audio_path(out / "manifest.jsonl", utterance))
        assert rate_hz == load_voice(str(EMBEDDED)).sample_rate_hz
        assert len(samples) / rate_hz == pytest.approx(utterance.duration_s)
        assert abs(samples).max() > 0.05
    assert f"{out / 'manifest.jsonl'}: 2 utterances, " in capsys.readouterr().out


def test_it_goes_on_after_a_stop_and_says_nothing_twice(texts: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "taught", tmp_path / "again"
    run("speak", texts, out, "--voice", EMBEDDED)
    of_first = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.flac")}
    (out / "manifest.jsonl").unlink()
    lost, kept = sorted(out.rglob("*.flac"))
    lost.unlink()
    stamp = kept.stat().st_mtime_ns
    run("speak", texts, out, "--voice", EMBEDDED)
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*.flac")} == of_first
    assert kept.stat().st_mtime_ns == stamp
    run("speak", texts, again, "--voice", EMBEDDED, "--seed", "1")
    assert not {path.name for path in again.rglob("*.flac")} & {path.name for path in of_first}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speaker", "nobody"], "nobody"),
        (["--language", "xx"], "xx"),
        (["--voice", "no-such-voice"], "no-such-voice"),
        (["--weight", "-1"], "greater than or equal to 0"),
    ],
)
def test_bad_wishes_leave_nothing(
    arguments: list[str], message: str, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "taught"
    run("speak", texts, out, "--voice", EMBEDDED, *arguments, code=2)
    told = capsys.readouterr().err.strip()
    assert message in told
    assert len(told.splitlines()) == 1
    assert not out.exists()


def test_it_does_not_write_over_a_corpus(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("speak", texts, tmp_path / "taught", "--voice", EMBEDDED)
    run("speak", texts, tmp_path / "taught", "--voice", EMBEDDED, code=2)
    assert "there is a corpus already; name another folder" in capsys.readouterr().err


def corpus(folder: Path, *ids: str) -> Path:
    folder.mkdir(parents=True)
    write_manifest(
        folder / "manifest.jsonl",
        [
            Utterance(id=id_, audio=f"{id_}.wav", text="Hello.", speaker="ann", language="en-us", duration_s=1.0)
            for id_ in ids
        ],
    )
    return folder / "manifest.jsonl"


def test_joined_manifests_name_the_same_recordings(tmp_path: Path) -> None:
    first, second = corpus(tmp_path / "a", "1", "2"), corpus(tmp_path / "b" / "c", "3")
    joined = tmp_path / "joined.jsonl"
    run("join", first, second, "--out", joined)
    found = read_manifest(joined)
    assert [u.id for u in found] == ["1", "2", "3"]
    assert {u.weight for u in found} == {1.0}
    weighted = tmp_path / "weighted.jsonl"
    run("join", first, second, "--weight", "1", "--weight", "0.4", "--out", weighted)
    assert [u.weight for u in read_manifest(weighted)] == [1.0, 1.0, 0.4]
    places = [audio_path(joined, u).resolve() for u in found]
    assert places == [tmp_path / "a/1.wav", tmp_path / "a/2.wav", tmp_path / "b/c/3.wav"]


def test_what_cannot_be_joined_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (corpus(tmp_path / name, *ids) for name, ids in (("a", "12"), ("b", "2"), ("d", "3")))
    joined = tmp_path / "joined.jsonl"
    for arguments, message in (
        ((first, second, "--out", joined), f"{second}: the id 2 stands in {first} already; ids must differ"),
        ((first, "--out", joined), "expected two or more to join"),
        ((first, third, "--weight", "0", "--weight", "0", "--out", joined), "every utterance would have the weight 0"),
        ((first, second, "--weight", "0.4", "--out", joined), "found 1 of --weight, expected one for each of 2"),
        ((first, second, "--out", tmp_path / "no" / "such.jsonl"), "does not exist; make it first"),
    ):
        run("join", *arguments, code=2)
        assert message in capsys.readouterr().err
        assert not joined.exists()
    run("join", first, corpus(tmp_path / "c", "3"), "--out", joined)
    run("join", first, second, "--out", joined, code=2)
    assert "is there already; name another file with --out" in capsys.readouterr().err
