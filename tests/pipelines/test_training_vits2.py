"""VITS2's whole way on a corpus of tones: its stages, stopped and resumed in each, then a voice of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from torch import Tensor

from sonorant.cli.main import main
from sonorant.models.recipes import CONFIG, read_run
from sonorant.text import phonemize
from sonorant.training import checkpoint as checkpoints
from sonorant.training import loop
from sonorant.training.loop import CHECKPOINTS
from sonorant.training.tracker import LOG, read_log
from tests.corpora import write_corpus
from tests.pipelines.test_training import said, same

ROOT = Path(__file__).parents[2]
DEBUG = str(ROOT / "configs/vits2/debug.yaml")
QUIET = ("run.evaluate_every=1000", "run.log_every=1", "durations.run.evaluate_every=1000", "durations.run.log_every=1")
"""No evaluation but the last."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), validation=1)


def arguments(manifest: Path, run: Path, *settings: str, steps: int) -> list[str]:
    own = [f"data.manifest={manifest}", f"run.steps={steps}", "data.batch_items=2", "durations.batch_items=2", *QUIET]
    return ["train", DEBUG, "--run", str(run), "--device", "cpu", *own, *settings]


def resume(run: Path, *settings: str) -> list[str]:
    return ["train", "--resume", "--run", str(run), "--device", "cpu", *settings]


def last(run: Path, stage: str) -> checkpoints.Checkpoint:
    return checkpoints.read(run / stage / CHECKPOINTS)


def assert_same_weights(one: Path, other: Path) -> None:
    for stage in ("train", "durations"):
        a, b = last(one, stage), last(other, stage)
        assert a.step == b.step
        assert a.parts.keys() == {"generator", "discriminator", "average"}
        assert same(a.parts, b.parts), stage
        assert same(a.optimizers, b.optimizers), stage
        assert a.state["position"] == b.state["position"]


def terms(run: Path, stage: str) -> list[Mapping[str, float]]:
    """What was logged of each step, but how long it took."""
    rows = [row for row in read_log(run / stage / LOG) if row["kind"] == "step"]
    return [{name: value for name, value in row.items() if not name.startswith("time/")} for row in rows]


def weights_of(voice: Path) -> dict[str, Tensor]:
    return load_file(voice / "model.safetensors")


def stopping_at(step: int, *, of: int) -> Callable[..., bool]:
    """The loop, stopped after a step as by a signal, in the stage that has so many."""
    goes_on = loop.train

    def train(fabric: object, training: object, run: loop.RunConfig, folder: Path, **_: object) -> bool:
        n_asked = 0

        def should_stop() -> bool:
            nonlocal n_asked
            n_asked += 1
            return run.steps == of and n_asked == step

        return goes_on(fabric, training, run, folder, should_stop=should_stop)  # type: ignore[arg-type]

    return train


@pytest.fixture(scope="module")
def forty(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 steps, and 20 for the durations, without a stop."""
    run = tmp_path_factory.mktemp("runs") / "forty"
    assert main(arguments(manifest, run, "seed=7", steps=40)) == 0
    return run


def test_the_stages_follow_one_another(forty: Path) -> None:
    for stage in ("prepare", "train", "durations"):
        assert json.loads((forty / stage / "stage.json").read_text())["status"] == "complete"
    assert last(forty, "train").step == 40
    assert last(forty, "durations").step == 20
    of_train, of_durations = terms(forty, "train"), terms(forty, "durations")
    assert "generator/adversarial" not in of_train[19]
    assert "generator/adversarial" in of_train[20]
    assert "generator/duration_adversarial" in of_durations[0]


@pytest.mark.parametrize(("stage", "step", "steps"), [("train", 21, 40), ("durations", 7, 20)])
def test_a_run_that_was_stopped_is_the_run_that_was_not(
    manifest: Path,
    forty: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
    step: int,
    steps: int,
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as stopped:
        stopped.setattr("sonorant.models.vits2.training.train", stopping_at(step, of=steps))
        assert main(arguments(manifest, run, "seed=7", steps=40)) == 0
    assert "goes on with it" in capsys.readouterr().err
    assert last(run, stage).step == step
    assert last(run, stage).state["position"]["batch"] != 0, "the stop must lie within an epoch"
    assert main(resume(run)) == 0
    assert_same_weights(run, forty)
    assert terms(run, stage) == terms(forty, stage)


def test_training_longer_trains_the_durations_anew(
    manifest: Path, forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "seed=7", "durations.run.steps=2", steps=20)) == 0
    capsys.readouterr()
    assert main(resume(run, "run.steps=19")) == 2
    assert "is at step 20 already, past the run.steps asked for, 19: ask for 20 or more" in said(capsys)
    assert "steps: 19" not in (run / "config.yaml").read_text(encoding="utf-8")
    assert last(run, "durations").step == 2
    assert main(resume(run, "run.steps=40", "durations.run.steps=20")) == 0
    assert "durations: begins anew, for train goes on" in capsys.readouterr().err
    assert_same_weights(run, forty)


def test_the_last_stage_changes_only_durations(forty: Path, tmp_path: Path) -> None:
    assert main(["voices", "export-run", str(forty), str(tmp_path / "last")]) == 0
    assert main(["voices", "export-run", str(forty), str(tmp_path / "before"), "--step", "40"]) == 0
    assert main(["voices", "export-run", str(forty), str(tmp_path / "train"), "--stage", "train"]) == 0
    assert main(["voices", "export-run", str(forty), str(tmp_path / "durations"), "--stage", "durations"]) == 0
    after, before = weights_of(tmp_path / "last"), weights_of(tmp_path / "before")
    assert same(weights_of(tmp_path / "train"), before)
    assert same(weights_of(tmp_path / "durations"), after)
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert "duration.noise.weight" in changed
    assert all(name.startswith("duration.") for name in changed)


def test_a_step_that_is_named_is_read_without_the_last_stage(forty: Path) -> None:
    newest, named, trained = read_run(forty), read_run(forty, step=40), last(forty, "train")
    assert (newest.steps, named.steps) == ({"train": 40, "durations": 20}, {"train": 40})
    noise = "duration.noise.weight"
    assert torch.equal(named.weights[noise], trained.parts["average"][f"module.{noise}"])
    of_durations = last(forty, "durations").parts["average"]["module.predictor.noise.weight"]
    assert torch.equal(newest.weights[noise], of_durations)


def test_the_voice_speaks_and_converts(forty: Path, tmp_path: Path) -> None:
    voice, wav, other = tmp_path / "voice", tmp_path / "out.wav", tmp_path / "other.wav"
    assert main(["voices", "export-run", str(forty), str(voice)]) == 0
    assert main(["voices", "check", str(voice)]) == 0
    assert main(["say", "One two three.", "--voice", str(voice), "--speaker", "bob", "-o", str(wav)]) == 0
    samples, rate = soundfile.read(wav)
    assert rate == 16_000
    assert np.abs(samples).max() > 1e-3
    assert main(["convert", str(wav), "--voice", str(voice), "--speaker", "ann", "-o", str(other)]) == 0
    converted, rate = soundfile.read(other)
    assert rate == 16_000
    assert len(converted) == pytest.approx(len(samples), abs=256)
    assert np.abs(converted).max() > 1e-3


def test_what_decides_the_weights_may_not_change(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (forty / CONFIG).read_text()
    assert main(resume(forty, "losses.spectral=3", "model.flow.coupling={kind: plain}", "segment_frames=16")) == 2
    line = said(capsys)
    assert "losses.spectral: 1.0 -> 3" in line
    assert "model.flow.coupling" in line
    assert "segment_frames" in line
    assert main(resume(forty, "text.input=characters")) == 2
    assert 'text.input: "phonemes" -> "characters"' in said(capsys)
    assert (forty / CONFIG).read_text() == before


def test_the_rest_may_change_until_its_stage_begins(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as stopped:
        stopped.setattr("sonorant.models.vits2.training.train", stopping_at(1, of=2))
        assert main(arguments(manifest, run, steps=2)) == 0
    others = ("run.log_every=2", "loader.workers=1", "durations.run.steps=2", "durations.losses.duration=2")
    assert main(resume(run, *others)) == 0
    told = capsys.readouterr().err
    for change in ("run.log_every: 1 -> 2", "loader.workers: 0 -> 1", "durations.losses.duration: 1.0 -> 2"):
        assert f"changed: {change}" in told
    assert last(run, "durations").step == 2
    assert main(resume(run, "durations.losses.duration=3")) == 2
    assert "began with other settings: losses.duration: 2.0 -> 3" in said(capsys)
    assert main(resume(run, "durations.losses.duration=2", "durations.run.steps=3")) == 0
    assert last(run, "durations").step == 3


def test_what_the_last_stage_knows_of_the_corpus_is_made_again_where_it_is_missing(forty: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(forty, run)
    names = sorted(path.name for path in (run / "durations").glob("*.safetensors"))
    assert [name.split("_")[0] for name in names] == ["train", "validation"]
    for name in names:
        was = load_file(run / "durations" / name)
        (run / "durations" / name).unlink()
        step = last(run, "durations").step + 1
        assert main(resume(run, f"durations.run.steps={step}")) == 0
        assert same(load_file(run / "durations" / name), was)


@pytest.mark.slow
def test_two_processes_train_the_durations_as_one_does_with_the_doubled_batch(manifest: Path, tmp_path: Path) -> None:
    """Without dropout, of which each process has its own."""
    begun, one, two = tmp_path / "begun", tmp_path / "one", tmp_path / "two"
    assert main(arguments(manifest, begun, "model.duration.dropout=0", "durations.run.steps=1", steps=1)) == 0
    for run in (one, two):
        shutil.copytree(begun, run, ignore=shutil.ignore_patterns("durations"))
    assert main(resume(one, "durations.run.steps=3", "durations.batch_items=2")) == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    settings = resume(two, "durations.run.steps=3", "durations.batch_items=1")
    done = subprocess.run(
        [*launcher, "-m", "sonorant", "--", *settings],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for of_two, of_one in zip(terms(two, "durations"), terms(one, "durations"), strict=True):
        norms = {name for name in of_one if name.startswith("norm/")}
        assert norms == {"norm/generator", "norm/discriminator"}
        assert {name: of_two[name] for name in norms} == pytest.approx({name: of_one[name] for name in norms}, rel=1e-3)
    a, b = last(one, "durations").parts, last(two, "durations").parts
    for part in a:
        for name in a[part]:
            torch.testing.assert_close(b[part][name], a[part][name], atol=1e-3, rtol=0, msg=f"{part} {name}")


def test_characters_need_no_espeak(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_espeak(*_: object, **__: object) -> None:
        raise AssertionError("espeak-ng was asked for")

    monkeypatch.setattr(phonemize, "Espeak", no_espeak)
    run, voice = tmp_path / "run", tmp_path / "voice"
    text = "text={input: characters, blanks: false}"
    assert main(arguments(manifest, run, text, "durations.run.steps=1", steps=1)) == 0
    rows = [json.loads(line) for line in (run / "prepare" / "utterances.jsonl").read_text().splitlines()]
    assert rows[1]["phonemes"] == "two three four."
    assert len(rows[1]["tokens"]) == len("two three four.") + 2
    assert main(["voices", "export-run", str(run), str(voice)]) == 0
    assert main(["say", "One two 3.", "--voice", str(voice), "-o", str(tmp_path / "out.wav")]) == 0


def test_a_decoder_that_finds_the_pitch_is_taught_it_from_files_and_shards(manifest: Path, tmp_path: Path) -> None:
    decoder = "model.decoder={kind: harmonic, d: 32, d_filter: 64, n_layers: 2, d_pitch: 16}"
    run, again, voice = tmp_path / "run", tmp_path / "again", tmp_path / "voice"
    settings = (decoder, "durations=null", f"loader.cache={tmp_path / 'cache'}")
    assert main(arguments(manifest, run, *settings, steps=4)) == 0
    terms = [row["generator/source"] for row in read_log(run / "train" / LOG) if row["kind"] == "step"]
    assert 0 < terms[-1] < 3
    assert list((tmp_path / "cache").glob("pitch-*"))
    assert main(["corpus", "shard", str(run / "prepare"), str(tmp_path / "shards"), "--shard-s", "3"]) == 0
    sharded = (decoder, "durations=null", "data.manifest=null", f"data.shards={tmp_path / 'shards'}")
    assert main(arguments(manifest, again, *sharded, f"init_from={run}", steps=2)) == 0
    assert main(["voices", "export-run", str(run), str(voice), "--half"]) == 0
    assert main(["voices", "check", str(voice)]) == 0
    said_, converted = tmp_path / "said.wav", tmp_path / "converted.wav"
    assert main(["say", "One two 3.", "--voice", str(voice), "--speaker", "ann", "-o", str(said_)]) == 0
    told = ["--source", "ann", "--speaker", "bob", "-o", str(converted)]
    assert main(["convert", str(said_), "--voice", str(voice), *told]) == 0
    assert 0 <= soundfile.info(said_).frames - soundfile.info(converted).frames < 256


def test_the_last_stage_knows_the_utterances_of_shards(manifest: Path, forty: Path, tmp_path: Path) -> None:
    shards, run = tmp_path / "shards", tmp_path / "run"
    assert main(["corpus", "shard", str(forty / "prepare"), str(shards), "--shard-s", "3"]) == 0
    settings = ("data.manifest=null", f"data.shards={shards}", "durations.run.steps=2")
    assert main(arguments(manifest, run, *settings, steps=2)) == 0
    assert last(run, "durations").step == 2
    of_shards, of_files = (
        load_file(next((folder / "durations").glob("train_*.safetensors"))) for folder in (run, forty)
    )
    assert of_shards["hidden"].shape == of_files["hidden"].shape
    assert of_shards["durations"].sum() == of_files["durations"].sum()
    assert sorted(of_shards["speakers"].tolist()) == sorted(of_files["speakers"].tolist())


def test_a_run_starts_from_a_run_and_completes_only_what_lacks(
    manifest: Path, forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    begins = [*arguments(manifest, run, "durations.run.steps=1", steps=1), "--init-from", str(forty)]
    assert main([*begins, "complete={kind: dreams, run: {steps: 1}}"]) == 2
    assert f"{forty}: lacks nothing that 'complete' could train; leave that stage out" in said(capsys)
    assert not run.exists()
    assert main(begins) == 0
    report = json.loads((run / "train" / "started_from.json").read_text())
    assert report.pop("source") == str(forty)
    assert len(report.pop("fingerprint")) == 64
    assert report.pop("discriminators") == "as they are"
    assert sorted(report.pop("taken")) == sorted(read_run(forty).weights)
    assert not any(report.values())
    assert terms(run, "train")[0]["generator/mel"] < 0.8 * terms(forty, "train")[0]["generator/mel"]


def test_completing_needs_a_source(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "complete={kind: dreams, run: {steps: 1}}", steps=1)) == 2
    assert "there is no init_from whose weights it could complete" in said(capsys)
    assert not run.exists()


def test_a_first_mistake_leaves_no_folder(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest.with_name("nowhere.jsonl"), run, steps=1)) == 2
    assert "nowhere.jsonl: cannot be read" in said(capsys)
    assert not run.exists()
    run.mkdir()
    (run / "notes.txt").write_text("of the user")
    assert main(arguments(manifest.with_name("nowhere.jsonl"), run, steps=1)) == 2
    assert (run / "notes.txt").read_text() == "of the user"


def test_sound_is_learned_within_forty_steps(forty: Path) -> None:
    mel = [row["generator/mel"] for row in terms(forty, "train")]
    assert np.mean(mel[-10:]) < 0.6 * np.mean(mel[:3])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eight_utterances_are_learned_by_heart(tmp_path: Path) -> None:
    run = tmp_path / "run"
    manifest = write_corpus(tmp_path / "corpus", validation=0)
    assert main(arguments(manifest, run, "data.batch_items=8", "durations.run.steps=1", steps=200)) == 0
    mel = [row["generator/mel"] for row in terms(run, "train")]
    assert np.mean(mel[-10:]) < 0.45 * np.mean(mel[:3])
