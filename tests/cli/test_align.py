"""`sonorant align`: voices and runs say when symbols and words are heard; and what may not be given to it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sonorant.cli.main import main
from sonorant.data.alignments import (
    ABOUT,
    ALIGNMENTS,
    SKIPPED,
    TEXTGRIDS,
    Alignment,
    Alignments,
    Skipped,
    frames_of_tokens,
    read_alignments,
)
from sonorant.data.manifest import Utterance, read_manifest, write_manifest
from sonorant.data.prepare import Framing, prepare, read_corpus
from sonorant.data.selection import Selection
from sonorant.models import Purpose
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.text.symbols import SymbolTable
from tests.cli.test_finetune import write_small_voice
from tests.corpora import write_corpus
from tests.data.praat import read_textgrid
from tests.pipelines.test_training import arguments as training
from tests.tiny import CONFIG, write_tiny_voice

HOP, RATE = CONFIG.spectrogram.hop, CONFIG.spectrogram.sample_rate_hz


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny VITS of two speakers, with its posterior."""
    folder = tmp_path_factory.mktemp("voices") / "whole"
    write_tiny_voice(folder, converts=True)
    return folder


@pytest.fixture(scope="module")
def vits2_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small VITS2 of one speaker, with its posterior."""
    return write_small_voice(tmp_path_factory.mktemp("voices") / "small", speakers=("ann",), purpose=Purpose.CONVERSION)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By the tiny voice's speakers."""
    return write_corpus(tmp_path_factory.mktemp("corpus"), speakers=("first", "second"))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def align(manifest: Path, by: Path | str, *options: str, out: str = "out") -> Path:
    assert main(["align", str(manifest), "--with", str(by), "--out", out, "--device", "cpu", *options]) == 0
    return Path(out)


def read(folder: Path, manifest: Path) -> Alignments:
    return read_alignments(folder, durations_s={u.id: u.duration_s for u in read_manifest(manifest)})


def edited(manifest: Path, folder: Path, **changes: dict[str, Any]) -> Path:
    """A manifest of the same recordings, of which some, by their ids, are otherwise."""
    rows = [replace(u, audio=str((manifest.parent / u.audio).resolve())) for u in read_manifest(manifest)]
    rows = [replace(u, **changes.get(u.id, {})) for u in rows]
    write_manifest(folder / "edited.jsonl", rows)
    return folder / "edited.jsonl"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_utterance_gets_its_symbols_and_words(
    work: Path, voice: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = align(corpus, voice)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("out: 8 utterances aligned by tiny, ")
    assert len(told.err.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted([ALIGNMENTS, ABOUT, SKIPPED, TEXTGRIDS])
    assert (folder / SKIPPED).read_bytes() == b""
    found = read(folder, corpus)
    assert list(found.of) == [utterance.id for utterance in read_manifest(corpus)]
    for utterance in read_manifest(corpus):
        row = found.of[utterance.id]
        assert row.duration_s == pytest.approx(round(utterance.duration_s * RATE) // HOP * HOP / RATE, abs=1e-6)
        ends = np.array(row.ends_s) * RATE / HOP
        assert np.abs(ends - np.rint(ends)).max() < 1e-3
        assert " ".join(word.text for word in row.words) == utterance.text.rstrip(".").replace(".", "")
    assert "".join(found.of["u0"].symbols) == "wˈʌn tˈuː."
    assert [(word.start, word.end) for word in found.of["u0"].words] == [(0, 4), (5, 9)]
    about = found.about
    assert (about.aligner, about.sample_rate_hz, about.hop) == ("tiny", RATE, HOP)
    assert about.manifest_sha256 == hashlib.sha256(corpus.read_bytes()).hexdigest()


def test_textgrids_say_the_same(work: Path, voice: Path, corpus: Path) -> None:
    manifest = edited(corpus, work, u0={"id": "en/../u0"}, u1={"id": 'q"'})
    folder = align(manifest, voice)
    found = read(folder, manifest)
    names = {path.name for path in (folder / TEXTGRIDS).iterdir()}
    assert names == {f"{name}.TextGrid" for name in ("en%2F..%2Fu0", "q%22", *(f"u{n}" for n in range(2, 8)))}
    for id_, name in (("en/../u0", "en%2F..%2Fu0"), ("u5", "u5")):
        row = found.of[id_]
        tiers = read_textgrid((folder / TEXTGRIDS / f"{name}.TextGrid").read_text(encoding="utf-8"))
        for tier in tiers.values():
            assert [tier[0].start_s, tier[-1].end_s] == [0, row.duration_s]
            assert all(one.end_s == other.start_s for one, other in pairwise(tier))
        assert [phone for phone in tiers["phones"] if phone.text] == list(row.phones())
        assert [word for word in tiers["words"] if word.text] == list(row.timed_words())


def test_twice_is_the_same_to_the_byte(work: Path, voice: Path, corpus: Path) -> None:
    one, other = align(corpus, voice), align(corpus, voice, out="other")
    assert contents(one) == contents(other)
    without = align(corpus, voice, "--no-textgrids", out="without")
    rest = {name: data for name, data in contents(one).items() if not name.startswith(TEXTGRIDS)}
    assert contents(without) == rest


def stopped_after_two(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of what is aligned from now on; with two of them, no more and no fewer, it is interrupted."""
    from sonorant.models import corpus_aligning

    aligned, made = corpus_aligning.aligned, list[str]()

    def until_stopped(*arguments: Any, **named: Any) -> Iterator[Alignment | Skipped]:
        for row in aligned(*arguments, **named):
            if len(made) == 2:
                raise KeyboardInterrupt
            made.append(row.id)
            yield row

    monkeypatch.setattr(corpus_aligning, "aligned", until_stopped)
    return made


def test_a_stop_loses_nothing_and_nothing_is_aligned_twice(
    work: Path, voice: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = align(corpus, voice)
    made = stopped_after_two(monkeypatch)
    assert main(["align", str(corpus), "--with", str(voice), "--out", "other", "--device", "cpu"]) == 130
    assert not Path("other").exists()
    made.append("from here on without a stop")
    assert contents(align(corpus, voice, out="other")) == contents(whole)
    assert len(made) == len(set(made)) == 1 + len(read(whole, corpus).of)
    assert {path.name for path in work.iterdir()} == {"out", "other"}


def test_a_prepared_corpus_of_another_hop_and_layout_reads_them(work: Path, vits2_voice: Path, tmp_path: Path) -> None:
    """Aligned without blanks on frames of 4 ms, read with blanks on frames of 12.5 ms."""
    manifest = write_corpus(tmp_path / "corpus", speakers=("ann",))
    found = read(align(manifest, vits2_voice), manifest)
    framing = Framing(sample_rate_hz=8_000, hop=100, min_frames=4)
    frontend, symbols = standard_config(["en-us"]), standard_symbols()
    (tmp_path / "prepared").mkdir()
    prepare(manifest, tmp_path / "prepared", selection=Selection(), frontend=frontend, symbols=symbols, framing=framing)
    prepared = read_corpus(tmp_path / "prepared")
    assert len(prepared.utterances) == 8
    for row in prepared.utterances:
        frames = frames_of_tokens(
            found.of[row.id],
            row.tokens,
            table=SymbolTable(symbols),
            layout=frontend.layout,
            sample_rate_hz=8_000,
            hop=100,
            n_frames=row.n_samples // 100,
        )
        assert frames.sum() == row.n_samples // 100
        assert frames.min() >= 0


def test_a_run_of_one_speaker_aligns_as_it_learned(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run has its posterior, though the voice made of it has none."""
    manifest = write_corpus(work / "corpus", n=4, speakers=("ann",), validation=1)
    run = work / "run"
    assert main([*training(manifest, run, steps=2), "run.checkpoint_every=1"]) == 0
    capsys.readouterr()
    found = read(align(manifest, run), manifest)
    assert len(found.of) == 4
    assert found.about.aligner.startswith("run, step ")
    before = read(align(manifest, run, "--step", "1", out="before"), manifest)
    assert before.about.aligner == "run, step 1 of train"
    assert main(["voices", "export-run", str(run), "./voice", "--step", "1"]) == 0
    assert main(["voices", "export-run", str(run), "./whole", "--step", "1", "--convert"]) == 0
    capsys.readouterr()
    refused(["align", str(manifest), "--with", "./voice", "--out", "no"], capsys, "name the run it was made of")
    exported = read(align(manifest, "./whole", out="exported"), manifest)
    assert exported.of == before.of
    assert exported.about.fingerprint == before.about.fingerprint
    capsys.readouterr()
    refused(["align", str(manifest), "--with", "run", "--out", "no", "--step", "9"], capsys, "no checkpoint of step 9")


def test_what_cannot_be_aligned_is_listed_with_its_reason(
    work: Path, voice: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = edited(
        corpus,
        work,
        u0={"end_s": 0.05, "duration_s": 0.05},
        u1={"text": "One 😀."},
        u2={"text": "—"},
        u3={"text": "Go [["},
        u4={"faults": {"truncated": "cut short"}, "audio": "missing.wav"},
    )
    folder = align(manifest, voice)
    assert list(read(folder, manifest).of) == ["u5", "u6", "u7"]
    skipped = [json.loads(line) for line in (folder / SKIPPED).read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in skipped] == ["u0", "u1", "u2", "u3", "u4"]
    reasons = [row["reason"] for row in skipped]
    assert reasons[:3] == ["more tokens than frames", "no symbol for 😀", "nothing in the text is spoken"]
    assert "[[" in reasons[3]
    assert reasons[4] == "fault truncated"
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("out: 3 utterances aligned by tiny")
    assert told[1].startswith("out/skipped.jsonl: 5 skipped (1: ")


def test_samples_that_are_no_numbers_cost_their_own_utterance_alone(
    work: Path, voice: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("nan.wav", np.array([0.1, np.nan] * 8000), RATE, subtype="FLOAT")
    whole, manifest = read(align(corpus, voice), corpus), edited(corpus, work, u2={"audio": "nan.wav"})
    found = read(align(manifest, voice, out="other"), manifest)
    assert found.of == {id_: row for id_, row in whole.of.items() if id_ != "u2"}
    skipped = json.loads(Path("other", SKIPPED).read_text(encoding="utf-8"))
    assert skipped == {"id": "u2", "reason": "a sample is no finite number"}
    assert "other/skipped.jsonl: 1 skipped (1: a sample is no finite number)" in capsys.readouterr().err
    alone = edited(corpus, work, **{id_: {"audio": "nan.wav", "duration_s": 1.0} for id_ in whole.of})
    refused(["align", str(alone), "--with", str(voice), "--out", "no"], capsys, "(8: a sample is no finite number)")


def test_a_corpus_checked_after_a_stop_keeps_what_was_aligned(
    work: Path, voice: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, made = edited(corpus, work), stopped_after_two(monkeypatch)
    assert main(["align", str(manifest), "--with", str(voice), "--out", "out", "--device", "cpu"]) == 130
    rows = read_manifest(manifest)
    left_out = next(u.id for u in rows if u.id not in made)
    write_manifest(manifest, [replace(u, faults={"clipped": "loud"} if u.id == left_out else {}) for u in rows])
    made.append("from here on without a stop")
    assert len(read(align(manifest, voice), manifest).of) == 8
    assert len(made) == len(set(made)) == 9


def test_a_part_of_the_corpus_as_someone_else(work: Path, voice: Path, tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus", speakers=("ann", "second"))
    as_first = read(align(manifest, voice, "--speaker", "first", "--split", "validation"), manifest)
    assert list(as_first.of) == ["u6", "u7"]
    assert (as_first.about.speaker, as_first.about.split, as_first.about.language) == ("first", "validation", None)
    as_second = read(align(manifest, voice, "--speaker", "second", "--language", "es", out="other"), manifest)
    assert as_second.of["u6"] != as_first.of["u6"]
    assert as_second.of["u6"].symbols != as_first.of["u6"].symbols, "read as Spanish"
    assert as_second.about.fingerprint == as_first.about.fingerprint


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], message: str) -> None:
    """Assert that the command line refuses these arguments with one line, and leaves the folder as it was."""
    before = sorted(Path.cwd().rglob("*"))
    code = main(list(arguments))
    told = capsys.readouterr()
    assert code == 2, told
    lines = told.err.strip().splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("sonorant: ")
    assert message in lines[0]
    assert told.out == ""
    assert sorted(Path.cwd().rglob("*")) == before


BY_VOICE = ["--with", "./whole", "--out", "out"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.jsonl", "--out", "out"], "Missing option '--with'"),
        (["m.jsonl", "--with", "./whole"], "Missing option '--out'"),
        (BY_VOICE, "Missing argument"),
        (["none.jsonl", *BY_VOICE], "none.jsonl: cannot be read"),
        (["empty.jsonl", *BY_VOICE], "empty.jsonl: holds no utterance"),
        (["m.jsonl", "--with", "nobody", "--out", "out"], "there is no voice 'nobody'"),
        (["m.jsonl", "--with", "./nobody", "--out", "out"], "no such voice folder"),
        (["m.jsonl", "--with", "./run", "--out", "out"], "system is 'wavenet', expected"),
        (
            ["m.jsonl", "--with", "tiny", "--out", "out"],
            "'sonorant finetune tiny MANIFEST --run DIR', and name that run",
        ),
        (["m.jsonl", *BY_VOICE, "--step", "3"], "--step is of a run's checkpoint, but ./whole is a voice"),
        (["m.jsonl", *BY_VOICE, "--split", "some"], "--split some: there is no such split"),
        (["m.jsonl", *BY_VOICE, "--split", "test"], "has no utterance of the split test"),
        (["m.jsonl", *BY_VOICE, "--speaker", "ann"], "'tiny' has no speaker 'ann'; it has first, second"),
        (["m.jsonl", *BY_VOICE, "--language", "fr-fr"], "'tiny' does not read 'fr-fr'; it reads en-us, es"),
        (["m.jsonl", *BY_VOICE, "--device", "tpu"], "--device is 'tpu', expected auto, cpu or cuda"),
        (["m.jsonl", "--with", "./whole", "--out", "taken"], "taken: exists already"),
        (["m.jsonl", "--with", "./whole", "--out", "no/out"], "the folder no does not exist"),
        (
            ["bob.jsonl", *BY_VOICE],
            "u1 is by 'bob', but 'tiny' knows first, second; --speaker (in a training, labels.speaker) takes all",
        ),
        (
            ["french.jsonl", *BY_VOICE],
            "u0 is in 'fr-fr', but 'tiny' reads en-us, es; --language (in a training, labels.language) reads all",
        ),
        (["short.jsonl", *BY_VOICE], "no utterance can be aligned (8: more tokens than frames)"),
        (["broken.jsonl", *BY_VOICE], "broken.wav (id u0): cannot be read as audio"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    work: Path,
    tiny_folder: Path,
    voice: Path,
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    shutil.copytree(voice, "whole")
    Path("taken").mkdir()
    Path("run").mkdir()
    Path("run/config.yaml").write_text("system: wavenet\n")
    Path("empty.jsonl").write_text("")
    Path("broken.wav").write_text("no audio")

    def manifest(name: str, **changes: dict[str, Any]) -> None:
        edited(corpus, work, **changes).rename(name)

    everyone = [utterance.id for utterance in read_manifest(corpus)]
    manifest("m.jsonl")
    manifest("bob.jsonl", u1={"speaker": "bob"})
    manifest("french.jsonl", u0={"language": "fr-fr"})
    manifest("short.jsonl", **{id_: {"end_s": 0.01, "duration_s": 0.01} for id_ in everyone})
    manifest("broken.jsonl", u0={"audio": "broken.wav"})
    refused(["align", *arguments], capsys, message)


def test_only_utterances_of_the_split_are_asked_for_their_speaker(work: Path, voice: Path, corpus: Path) -> None:
    """What is not aligned may be by anyone."""
    rows: list[Utterance] = read_manifest(edited(corpus, work, u0={"speaker": "bob", "language": "tlh"}))
    assert rows[0].split == "train"
    assert len(read(align(work / "edited.jsonl", voice, "--split", "validation"), work / "edited.jsonl").of) == 2
