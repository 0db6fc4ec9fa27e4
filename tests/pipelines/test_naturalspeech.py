"""NaturalSpeech's whole way on a corpus of tones: labels, its stages, stopped and resumed in each, then a voice."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from torch import Tensor

from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.cli.main import main
from sonorant.config import parse, plain, read_yaml
from sonorant.data.prepare import read_corpus
from sonorant.errors import AudioError
from sonorant.models import corpus_aligning
from sonorant.models.naturalspeech.memory import k_means, sampled_frames
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.naturalspeech.recipe import DURATOR, NaturalSpeechRecipe
from sonorant.models.naturalspeech.training import new_network
from sonorant.training import checkpoint as checkpoints
from sonorant.training import loop
from sonorant.training.loop import CHECKPOINTS, RunConfig
from sonorant.training.schedule import value_at
from sonorant.training.stage import fingerprint
from sonorant.training.step import Randomness
from sonorant.training.tracker import LOG, read_log
from sonorant.voice.bundle import WEIGHTS
from tests.corpora import write_corpus
from tests.pipelines.test_training import said, same
from tests.tiny import write_tiny_voice

CONFIGS = Path(__file__).parents[2] / "configs/naturalspeech"
SHIPPED = sorted(CONFIGS.glob("*.yaml"))
STAGES = ("warm", "main", "tune")
FEW = (
    "data.batch_items=2",
    "data.batch_s=4",
    *(f"{stage}.run.{name}" for stage in STAGES for name in ("steps=4", "log_every=1", "evaluate_every=100")),
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), speakers=("first", "second"), validation=1)


@pytest.fixture(scope="module")
def aligner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices") / "tiny"
    write_tiny_voice(folder, converts=True)
    return folder


@pytest.fixture(scope="module")
def run(manifest: Path, aligner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main(arguments(manifest, aligner, folder)) == 0
    return folder


def arguments(manifest: Path, aligner: Path, run: Path, *settings: str, config: str = "debug") -> list[str]:
    own = [f"data.manifest={manifest}", f"labels.by={aligner}", *FEW]
    return ["train", str(CONFIGS / f"{config}.yaml"), "--run", str(run), "--device", "cpu", *own, *settings]


def last(run: Path, stage: str) -> checkpoints.Checkpoint:
    return checkpoints.read(run / stage / CHECKPOINTS)


def generator(run: Path, stage: str, step: int | None = None) -> Mapping[str, Tensor]:
    return checkpoints.read(run / stage / CHECKPOINTS, step).parts["generator"]


def test_every_stage_takes_its_steps_and_computes_what_it_has_weights_for(run: Path) -> None:
    def terms(stage: str, index: int) -> set[str]:
        steps = [row for row in read_log(run / stage / LOG) if row["kind"] == "step"]
        assert len(steps) == 4
        assert all(math.isfinite(value) for row in steps for name, value in row.items() if "/" in name)
        return {name.removeprefix("generator/") for name in steps[index] if name.startswith("generator/")} - {"total"}

    always = {"mel", "spectral", "duration"}
    assert terms("warm", -1) == {*always, "kl"}  # its discriminators come later
    assert terms("main", -1) == {*always, "kl", "kl_forward", "adversarial", "feature", "end_to_end"}
    assert terms("tune", 0) == {"end_to_end"}


def test_labels_are_as_long_as_the_recordings(run: Path) -> None:
    prepared = [json.loads(line) for line in (run / "prepare/utterances.jsonl").read_text().splitlines()]
    labelled = [json.loads(line) for line in (run / "labels/alignments.jsonl").read_text().splitlines()]
    ends = {row["id"]: row["ends_s"][-1] for row in labelled}
    assert {row["id"] for row in prepared} == ends.keys()
    assert all(ends[row["id"]] == pytest.approx(row["n_samples"] / 16_000, abs=0.02) for row in prepared)


def test_tuning_trains_the_durator_and_nothing_else(run: Path) -> None:
    before = last(run, "main").parts["average"]
    after = generator(run, "tune")
    moved = {name for name, value in after.items() if not torch.equal(value, before[f"module.{name}"])}
    assert moved - {"memory.share"} == {name for name in after if name.split(".")[0] in DURATOR}


def test_every_stage_trains_the_parts_it_names_and_no_others(manifest: Path, aligner: Path, tmp_path: Path) -> None:
    parts = {"warm": "text_encoder", "main": "posterior"}
    each = [f"{stage}.{setting}" for stage in parts for setting in ("run.steps=2", "run.checkpoint_every=1")]
    only = [f"{stage}.trains=[{part}]" for stage, part in parts.items()]
    assert main(arguments(manifest, aligner, tmp_path / "run", *each, *only, "tune=null")) == 0
    for stage, part in parts.items():
        before, after = (generator(tmp_path / "run", stage, step) for step in (1, 2))
        moved = {name for name in after if not torch.equal(before[name], after[name])} - {"memory.share"}
        assert {name.split(".")[0] for name in moved} == {part}


def test_who_judged_goes_on_judging(manifest: Path, aligner: Path, tmp_path: Path) -> None:
    run, settings = tmp_path / "run", ["warm.losses.adversarial=1", "warm.run.checkpoint_every=1", "tune=null"]
    main_so_slow = ["main.discriminator.learning_rate=1e-9", "main.run.steps=1"]
    assert main(arguments(manifest, aligner, run, *settings, "warm.run.steps=3", *main_so_slow)) == 0

    def judges(stage: str, step: int) -> Tensor:
        parts = checkpoints.read(run / stage / CHECKPOINTS, step).parts["discriminator"]
        return torch.cat([weight.flatten() for _, weight in sorted(parts.items())])

    assert float((judges("warm", 3) - judges("warm", 1)).abs().max()) > 1e-3
    assert torch.allclose(judges("main", 1), judges("warm", 3), atol=1e-6)


def test_the_memory_begins_as_the_centres_and_its_share_grows(run: Path) -> None:
    centres = load_file(run / "bank/memory.safetensors")["centres"]
    assert centres.shape == (50, 16)
    slots = generator(run, "main")["memory.slots"]
    assert float((slots - centres).abs().max()) < 0.1  # a few steps from them
    assert float(generator(run, "warm")["memory.share"]) == 0
    assert 0 < float(generator(run, "main")["memory.share"]) < 1
    assert float(generator(run, "tune")["memory.share"]) == 1


def test_main_begins_where_warm_ended(run: Path) -> None:
    """Its memory has no share yet."""
    first = next(row for row in read_log(run / "main" / LOG) if row["kind"] == "step")
    *_, final = (row for row in read_log(run / "warm" / LOG) if row["kind"] == "step")
    assert first["generator/mel"] < 1.1 * final["generator/mel"]


@pytest.mark.parametrize("path", [path for path in SHIPPED if path.stem != "debug"], ids=lambda path: path.stem)
def test_the_memory_comes_by_steps_too_small_to_be_heard(path: Path) -> None:
    """At a share of 0.01 the mel distance of held-out recordings is as at 0, at 1 a fifth more (docs/training.md)."""
    recipe = parse(NaturalSpeechRecipe, read_yaml(path), source=str(path))
    shares = [value_at(recipe.main.memory_share, step) for step in range(recipe.main.run.steps)[:10_000]]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert max(after - before for before, after in pairwise(shares)) < 0.01


def test_stopped_in_every_stage_and_resumed_it_is_the_run_that_was_not(
    run: Path, manifest: Path, aligner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again"

    def stop_after(stage: str, n: int) -> None:
        real = loop.train

        def short(fabric, training, run_, folder, *, should_stop=lambda: False):  # type: ignore[no-untyped-def]
            count = [0]

            def stop() -> bool:
                count[0] += 1
                return folder.name == stage and count[0] >= n

            return real(fabric, training, run_, folder, should_stop=stop)

        monkeypatch.setattr("sonorant.models.naturalspeech.training.train", short)

    stop_after("warm", 2)
    assert main(arguments(manifest, aligner, again)) == 0
    assert last(again, "warm").step == 2
    for stage in ("main", "tune"):
        stop_after(stage, 1)
        assert main(["train", "--resume", "--run", str(again), "--device", "cpu"]) == 0
        assert last(again, stage).step == 1
    monkeypatch.undo()
    assert main(["train", "--resume", "--run", str(again), "--device", "cpu"]) == 0
    for stage in STAGES:
        assert same(last(again, stage).parts, last(run, stage).parts), stage
        assert same(last(again, stage).optimizers, last(run, stage).optimizers), stage


def test_labels_that_are_stopped_go_on_where_they_were(
    run: Path, manifest: Path, aligner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, seen = tmp_path / "again", list[list[str]]()
    real = corpus_aligning.aligned

    def one_by_one(plan, *, device, done=()):  # type: ignore[no-untyped-def]
        seen.append(sorted(done))
        for row in real(plan, device=device, done=done):
            signal.raise_signal(signal.SIGTERM)
            yield row

    monkeypatch.setattr(corpus_aligning, "aligned", one_by_one)
    assert main(arguments(manifest, aligner, again)) == 0
    # A line that the machine's end cut off is forgotten.
    with (again / "labels/halfway.jsonl").open("a") as file:
        file.write('{"id": "fir')
    assert main(["train", "--resume", "--run", str(again), "--device", "cpu"]) == 0
    assert [len(ids) for ids in seen] == [0, 1]
    monkeypatch.undo()
    few = [f"{stage}.run.steps=1" for stage in ("warm", "main")]
    assert main(["train", "--resume", "--run", str(again), "--device", "cpu", *few, "tune=null"]) == 0
    assert (again / "labels/alignments.jsonl").read_text() == (run / "labels/alignments.jsonl").read_text()
    assert not (again / "labels/halfway.jsonl").exists()


def test_half_of_the_labels_outlives_a_recording_that_cannot_be_read(
    manifest: Path, aligner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = corpus_aligning.aligned

    def until_one_is_gone(plan, *, device, done=()):  # type: ignore[no-untyped-def]
        for n, row in enumerate(real(plan, device=device, done=done)):
            if n == 3:
                raise AudioError("u9.wav: cannot be read as audio")
            yield row

    monkeypatch.setattr(corpus_aligning, "aligned", until_one_is_gone)
    assert main(arguments(manifest, aligner, tmp_path / "run")) == 2
    assert "u9.wav: cannot be read as audio" in said(capsys)
    assert len((tmp_path / "run/labels/halfway.jsonl").read_text().splitlines()) == 1 + 3


def test_an_aligner_that_reads_otherwise_is_refused_before_it_aligns(
    manifest: Path, aligner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(corpus_aligning, "aligned", lambda *_, **__: pytest.fail("it aligns"))
    assert main(arguments(manifest, aligner, tmp_path / "run", "text.input=characters")) == 2
    assert f"labels.by is {aligner}: u0: reads otherwise than its aligner: symbol " in said(capsys)
    assert not (tmp_path / "run").exists()


def test_labels_outlive_a_mistake_that_is_found_after_them(
    manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, few = tmp_path / "run", [f"{stage}.run.steps=1" for stage in ("warm", "main")]
    assert main(arguments(manifest, aligner, run, "data.selection.min_duration_s=100")) == 2
    assert not run.exists()  # nothing was there to lose
    assert main(arguments(manifest, aligner, run, *few, "tune=null", "loader.cache=/dev/null/cache")) == 2
    capsys.readouterr()
    assert (run / "labels/alignments.jsonl").is_file()
    assert main(["train", "--resume", "--run", str(run), "--device", "cpu", "loader.cache=null"]) == 0
    assert "labels: complete since" in capsys.readouterr().err


def test_a_voice_speaks_as_after_the_stage_asked_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in STAGES:
        assert main(["voices", "export-run", str(run), str(tmp_path / stage), "--stage", stage]) == 0
    assert main(["voices", "export-run", str(run), str(tmp_path / "last")]) == 0
    warm, middle, tuned, final = (load_file(tmp_path / name / WEIGHTS) for name in (*STAGES, "last"))
    assert same(tuned, final)
    assert not same(middle["decoder.input.weight"], warm["decoder.input.weight"])
    assert same(middle["decoder.input.weight"], tuned["decoder.input.weight"])  # tuning leaves it
    assert main(["voices", "export-run", str(run), str(tmp_path / "none"), "--stage", "bank"]) == 2
    assert "has no stage 'bank' to speak after, only warm, main, tune" in capsys.readouterr().err


def test_a_voice_of_it_speaks_and_converts(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voice = tmp_path / "voice"
    assert main(["voices", "export-run", str(run), str(voice)]) == 0
    about = json.loads((voice / "voice.json").read_text())
    assert about["system"] == "naturalspeech"
    assert about["synthesis"]["noise_scale_duration"] == 0
    assert main(["voices", "export-run", str(run), str(tmp_path / "no"), "--noise-scale-duration", "0.3"]) == 2
    assert "--noise-scale-duration: a naturalspeech of this kind draws no such noise" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
    out = tmp_path / "said.wav"
    assert main(["say", "--voice", str(voice), "--speaker", "first", "-o", str(out), "One two."]) == 0
    samples, rate_hz = soundfile.read(out)
    assert rate_hz == 16_000
    assert len(samples) > 0
    assert np.isfinite(samples).all()
    other = tmp_path / "other.wav"
    told = ["convert", str(out), "--voice", str(voice), "--source", "first", "--speaker", "second", "-o", str(other)]
    assert main(told) == 0
    assert abs(len(soundfile.read(other)[0]) - len(samples)) < 64 * 300


def test_it_starts_from_a_run_of_its_own_kind_and_may_leave_out_what_was_aligned(
    run: Path, manifest: Path, aligner: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    settings = (
        "data.selection.min_duration_s=0.85",
        "warm.run.steps=1",
        "main.run.steps=1",
        "tune=null",
        f"init_from={run}",
    )
    assert main(arguments(manifest, aligner, other, *settings)) == 0
    told = json.loads((other / "warm/started_from.json").read_text())
    assert {name.split(".")[0] for name in (*told["fresh"], *told["left_over"])} == {"memory"}
    prepared, labelled = (
        (other / name).read_text().splitlines() for name in ("prepare/utterances.jsonl", "labels/alignments.jsonl")
    )
    assert 2 < len(prepared) < len(labelled)


def test_a_stage_given_in_part_is_that_stage_still() -> None:
    """`tune: {run: {steps: 5}}` is still the durator alone, on what it says itself."""
    told = {"system": "naturalspeech", "data": {"manifest": "m.jsonl"}, "labels": {"by": "v"}}
    whole = parse(NaturalSpeechRecipe, told, source="defaults")
    stages = {"warm": {"segment_frames": 40}, "main": {"losses": {"spectral": 2}}, "tune": {"run": {"steps": 5}}}
    given = parse(NaturalSpeechRecipe, {**told, **stages}, source="in part")
    assert whole.tune is not None
    assert given.tune == replace(whole.tune, run=RunConfig(steps=5))
    assert given.warm == replace(whole.warm, segment_frames=40)
    assert given.main == replace(whole.main, losses={**whole.main.losses, "spectral": 2.0})
    assert whole.tune.trains == ("duration", "upsampling")
    assert {name for name, weight in whole.tune.losses.items() if weight} == {"end_to_end"}
    assert parse(NaturalSpeechRecipe, plain(given), source="its file form") == given


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["labels.by=nobody"], "nobody"),
        (["warm.predicted=0.5"], "divergence.kind is frame_by_frame"),
        (["main.memory_share=2"], "memory_share is 2.0: it must lie in 0 to 1"),
        (["main.trains=[nose]"], "nose"),
        (["main.divergence={kind: softly_warped, gamma: 0}"], "gamma is 0.0: it must be above 0"),
        (["model.memory.n_heads=3"], "which 3 memory.n_heads do not divide"),
        (["model.text_encoder.log_std_bounds={low: -3, high: 3}"], "set its bounds"),
        (["warm.losses.melody=1"], "'melody' is no term of this system"),
        (["bank.n_frames=10"], "bank.n_frames is 10: it must be at least model.memory.n_slots, 50"),
        (["warm.memory_share=1"], "warm.memory_share is above 0, but the memory is made after that stage"),
        (["model.memory=null"], "main.memory_share is above 0, but there is no model.memory"),
        (["tune.trains=[posterior]"], "teaches any of them"),
        (["main.memory_share=0"], "tune.memory_share is above 0, but main.memory_share never is: set both, or neither"),
        (["main.predicted=0"], "tune.predicted is above 0, but main.predicted never is: set both, or neither"),
        (["tune={run: {steps: 5}, trains: [duration], predicted: 0}"], "teaches any of them"),
        (["main.losses.source=3"], "main.losses.source is set, but a decoder of model.decoder.kind="),
        (
            ["model.decoder={kind: harmonic}", "main.losses.source=0"],
            "main.losses.source is 0, but the decoder is trained: it must learn the pitch",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    settings: list[str],
    message: str,
    manifest: Path,
    aligner: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments(manifest, aligner, tmp_path / "run", "warm.run.steps=1", *settings)) == 2
    assert message in said(capsys)


def test_a_corpus_that_reads_otherwise_than_it_was_aligned_is_refused(
    run: Path, manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other, ignore=shutil.ignore_patterns("warm", "bank", "main", "tune"))
    lines = (other / "labels/alignments.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    row["symbols"][0] = "ʒ"
    (other / "labels/alignments.jsonl").write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")
    resume = ["train", "--resume", "--run", str(other), "--device", "cpu"]
    assert main(resume) == 2
    assert "labels/alignments.jsonl" in said(capsys)  # it is not what its stage gave
    record = (other / "labels/stage.json").read_text()
    before, after = fingerprint(run / "labels/alignments.jsonl"), fingerprint(other / "labels/alignments.jsonl")
    assert before in record
    (other / "labels/stage.json").write_text(record.replace(before, after))
    assert main(resume) == 2
    told = said(capsys)
    assert f"{other / 'labels'}: " in told
    assert "reads otherwise than its aligner: symbol 0" in told


def test_a_stage_that_others_began_with_does_not_go_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other)
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "warm.run.steps=6"]) == 2
    assert "warm was complete at step 4, and bank began with it; set the run.steps of warm back to 4" in said(capsys)
    assert last(other, "warm").step == 4
    for begun in ("tune", "main"):  # with the bank alone as with all of them
        shutil.rmtree(other / begun)
        assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "warm.run.steps=6"]) == 2
        assert f"bank began with it; set the run.steps of warm back to 4, or remove {other / 'bank'}" in said(capsys)
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "warm.run.steps=4"]) == 0
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "tune.run.steps=5"]) == 0
    assert last(other, "tune").step == 5


def test_checkpoints_that_are_gone_are_asked_for(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other)
    shutil.rmtree(other / "warm/checkpoints")
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "tune.run.steps=5"]) == 2
    assert "warm/checkpoints: holds no checkpoint, but later stages begin with it: put it back" in said(capsys)


def test_a_voice_is_as_main_left_it_where_tuning_is_left_out_afterwards(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other)
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "tune=null"]) == 0
    assert main(["voices", "export-run", str(other), str(tmp_path / "voice")]) == 0
    assert "step 4 of main\n" in capsys.readouterr().out


def test_tuning_tells_of_ramps_that_main_did_not_reach_the_end_of(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They end at 20, its steps at 4."""
    other = tmp_path / "run"
    shutil.copytree(run, other, ignore=shutil.ignore_patterns("tune"))
    assert main(["train", "--resume", "--run", str(other), "--device", "cpu", "tune.run.steps=1"]) == 0
    told = capsys.readouterr().err
    assert "tune: begins with memory_share 1, but main ended with 0.2\n" in told
    assert "tune: begins with predicted 1, but main ended with 0.2\n" in told


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_configuration_makes_its_network(path: Path) -> None:
    recipe = parse(NaturalSpeechRecipe, read_yaml(path), source=str(path))
    assert parse(NaturalSpeechRecipe, plain(recipe), source="its file form") == recipe
    with torch.device("meta"):
        NaturalSpeech(recipe.model, 200, 5, 3)
    windows = [recipe.model.spectrogram.n_fft, *(r.n_fft for r in recipe.spectral.resolutions)]
    for stage in (recipe.warm, recipe.main, recipe.tune):
        if stage is not None:
            assert stage.segment_frames * recipe.model.spectrogram.hop > max(windows) // 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_configuration_takes_its_steps(path: Path, manifest: Path, aligner: Path, tmp_path: Path) -> None:
    settings = [f"{stage}.run.steps=1" for stage in STAGES]
    losses = [f"{stage}.losses.{name}=1" for stage in ("warm", "main") for name in ("adversarial", "feature")]
    told = arguments(
        manifest,
        aligner,
        tmp_path / "run",
        *settings,
        *losses,
        "pretraining=null",
        "model.memory.n_slots=50",
        config=path.stem,
    )
    assert main(told) == 0


@pytest.mark.parametrize("has_source", [False, True], ids=["from nothing", "from a run"])
def test_its_phoneme_encoder_can_read_texts_first(
    has_source: bool, run: Path, manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    words = ["One", "Two three", "Green and blue", "Go on", "Red", "Seven"]
    lines = [f"{words[i % 6]} {words[(i * i + 1) % 6].lower()} {words[i % 5].lower()}." for i in range(200)]
    (texts / "a.txt").write_text("\n".join(lines))
    source, run, reading = run, tmp_path / "run", tmp_path / "reading.yaml"
    reading.write_text(
        (CONFIGS / "debug.yaml").read_text()
        + f"pretraining:\n  data: {{texts: {texts}, language: en-us, validation_share: 0.1}}\n  sup_phonemes: 40\n"
        + "  run: {steps: 3, log_every: 1, evaluate_every: 3, checkpoint_every: 3}\n"
    )
    told = arguments(manifest, aligner, run, "warm.run.steps=1", "main.run.steps=1", "tune=null", "seed=7")
    told[1] = str(reading)
    told += [f"init_from={source}"] if has_source else []
    assert main(told) == 0
    assert "weights as they are" in capsys.readouterr().err
    report = json.loads((run / "warm/text_encoder_from.json").read_text())
    assert report["source"].endswith("pretrain")
    read = checkpoints.read(run / "pretrain" / CHECKPOINTS).parts["average"]
    warmed = generator(run, "warm")
    name = "text_encoder.layers.0.feed_forward.expand.weight"
    assert float((warmed[name] - read[f"module.{name}"]).abs().max()) < 0.02  # a step of Adam from it
    name = "posterior.input.weight"  # which only the source has
    began = checkpoints.read(source / "tune" / CHECKPOINTS).parts["average"][f"module.{name}"]
    assert (float((warmed[name] - began).abs().max()) < 0.02) == has_source
    assert main(["train", "--resume", "--run", str(run), "--device", "cpu"]) == 0
    assert "pretrain: complete" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_share_every_stage(manifest: Path, aligner: Path, tmp_path: Path) -> None:
    """With terms that wait for their weight, as in the configuration: each process has every gradient."""
    run = tmp_path / "run"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    told = [*launcher, "-m", "sonorant", "--", *arguments(manifest, aligner, run, "warm.run.steps=25")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(told, capture_output=True, text=True, env=environment, check=False, timeout=800)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [last(run, stage).step for stage in STAGES] == [25, 4, 4]


def test_labels_can_be_alignments_that_are_there(run: Path, manifest: Path, aligner: Path, tmp_path: Path) -> None:
    made, again = tmp_path / "aligned", tmp_path / "again"
    told = ["align", str(manifest), "--with", str(aligner), "--out", str(made), "--device", "cpu"]
    assert main(told) == 0
    few = ("warm.run.steps=1", "main.run.steps=1", "tune=null")
    assert main(arguments(manifest, made, again, *few)) == 0
    of_run, of_these = (
        {(row := json.loads(line))["id"]: row for line in (folder / "labels/alignments.jsonl").read_text().splitlines()}
        for folder in (run, again)
    )
    assert of_these == of_run


def test_labels_that_cannot_be_are_refused_before_anything_is_made_and_may_then_be_others(
    run: Path, manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, again = tmp_path / "aligned", tmp_path / "again"
    assert main(["align", str(manifest), "--with", str(aligner), "--out", str(made), "--device", "cpu"]) == 0
    few = ("warm.run.steps=1", "main.run.steps=1", "tune=null")
    capsys.readouterr()
    for settings, message in (
        (("labels.speaker=first",), "which is aligned already: leave labels.speaker and labels.language out"),
        ((f"labels.by={aligner}", "labels.speaker=nobody"), "has no speaker 'nobody'"),
        (("labels.by=''",), "labels: by is empty: name a voice"),
    ):
        assert main(arguments(manifest, made, again, *few, *settings)) == 2
        assert message in capsys.readouterr().err
        assert not (again / "prepare").exists()
    assert main(arguments(manifest, made, again, *few)) == 0


def test_labels_of_other_phonemes_are_not_kept_and_may_be_mended(
    manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, run = tmp_path / "aligned", tmp_path / "run"
    assert main(["align", str(manifest), "--with", str(aligner), "--out", str(made), "--device", "cpu"]) == 0
    path = made / "alignments.jsonl"
    right = path.read_text()
    row = json.loads(right.splitlines()[0])
    wrong = json.dumps({**row, "symbols": ["?", *row["symbols"][1:]]})
    few = ("warm.run.steps=1", "main.run.steps=1", "tune=null")
    for bad, message in (
        ("\n".join([wrong, *right.splitlines()[1:]]) + "\n", "reads otherwise than its aligner"),
        ("", "holds no alignment of an utterance to train on"),
    ):
        path.write_text(bad)
        capsys.readouterr()
        assert main(arguments(manifest, made, run, *few)) == 2
        assert message in capsys.readouterr().err
        assert not (run / "labels/alignments.jsonl").exists()
    path.write_text(right)
    assert main(arguments(manifest, made, run, *few)) == 0


def test_a_source_that_does_not_fit_is_refused_before_labels_are_made(
    manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    settings = (f"init_from={aligner}", "model.text_encoder.n_layers=5")
    assert main(arguments(manifest, aligner, run, *settings)) == 2
    assert "has another model." in capsys.readouterr().err
    assert not run.exists()


def test_what_is_refused_is_not_written_into_the_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "config.yaml").read_text()
    assert main(["train", "--resume", "--run", str(run), "--device", "cpu", "main.losses.kl=2"]) == 2
    assert "main: began with other settings: losses.kl: 1.0 -> 2" in capsys.readouterr().err
    assert (run / "config.yaml").read_text() == before


def test_a_memory_of_more_slots_than_there_are_frames_is_refused_before_it_is_trained_for(
    manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("model.memory.n_slots=5000", "bank.n_frames=5000")
    assert main(arguments(manifest, aligner, tmp_path / "run", *settings)) == 2
    assert (
        "frames, which cannot fill a memory of 5,000 slots; set model.memory.n_slots lower" in capsys.readouterr().err
    )


def test_what_has_no_labels_is_said(
    manifest: Path, aligner: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "aligned"
    assert main(["align", str(manifest), "--with", str(aligner), "--out", str(made), "--device", "cpu"]) == 0
    rows = (made / "alignments.jsonl").read_text().splitlines(keepends=True)
    (made / "alignments.jsonl").write_text("".join(rows[2:]))
    few = ("warm.run.steps=1", "main.run.steps=1", "tune=null")
    capsys.readouterr()
    assert main(arguments(manifest, made, tmp_path / "run", *few)) == 0
    assert "warm: left out for want of labels: " in capsys.readouterr().err


def test_the_bank_is_made_of_what_the_warm_average_says_of_each_speaker(run: Path, manifest: Path) -> None:
    recipe = parse(NaturalSpeechRecipe, read_yaml(run / "config.yaml"), source="the run's")
    corpus, randomness = read_corpus(run / "prepare"), Randomness(recipe.seed)
    network = new_network(recipe, corpus, Randomness(99))
    average = last(run, "warm").parts["average"]
    network.load_state_dict({name.removeprefix("module."): value for name, value in average.items()}, strict=False)
    network.eval()
    utterances, hop = corpus.of("train"), recipe.framing.hop
    assert {utterance.speaker for utterance in utterances} == {0, 1}
    frames = []
    for utterance in utterances:
        samples, rate = soundfile.read(utterance.audio, dtype="float32")
        assert rate == recipe.framing.sample_rate_hz
        spec = linear_spectrogram(torch.from_numpy(samples[: utterance.n_samples])[None], recipe.model.spectrogram)
        n = spec.shape[2]
        speaker = network.embed(torch.tensor([utterance.speaker]))
        with torch.no_grad():
            said = network.posterior(network.seen(spec), torch.ones(1, 1, n), torch.zeros(1, 16, n), speaker)
        frames.append((utterance.n_samples // hop, lambda mean=said.mean[0]: mean))
    drawn = sampled_frames(
        iter(frames),
        n_total=sum(n for n, _ in frames),
        n_wanted=recipe.bank.n_frames,
        generator=np.random.default_rng(randomness.of("frames of the bank")),
    )
    made = k_means(
        drawn,
        50,
        n_rounds=recipe.bank.n_rounds,
        generator=torch.Generator().manual_seed(randomness.of("centres of the bank")),
    )
    torch.testing.assert_close(load_file(run / "bank/memory.safetensors")["centres"], made.centres, atol=1e-4, rtol=0)
