"""The whole way on a corpus of tones: train, stop, resume, export, speak; and what may not break it."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from sonorant import load_voice
from sonorant.cli.main import main
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS
from sonorant.training.tracker import LOG, read_log
from tests.corpora import write_corpus

ROOT = Path(__file__).parents[2]
DEBUG = str(ROOT / "configs/vits/debug.yaml")
QUIET = ("run.evaluate_every=1000", "run.log_every=1")
"""No evaluation but the last."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def arguments(manifest: Path, run: Path, *settings: str, steps: int) -> list[str]:
    own = [f"data.manifest={manifest}", f"run.steps={steps}", "data.batch_items=2", *QUIET]
    return ["train", DEBUG, "--run", str(run), "--device", "cpu", *own, *settings]


def resume(run: Path, *settings: str) -> list[str]:
    return ["train", "--resume", "--run", str(run), "--device", "cpu", *settings]


def last(run: Path) -> checkpoints.Checkpoint:
    return checkpoints.read(run / "train" / CHECKPOINTS)


def same(a: Any, b: Any) -> bool:
    """Whether nested data is equal, tensors bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def assert_same_weights(one: Path, other: Path) -> None:
    a, b = last(one), last(other)
    assert a.step == b.step
    assert a.parts.keys() == b.parts.keys() == {"generator", "discriminator", "average"}
    assert same(a.parts, b.parts)
    assert same(a.optimizers, b.optimizers)
    assert a.state["position"] == b.state["position"]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("sonorant: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="module")
def forty(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 40 steps without a stop."""
    run = tmp_path_factory.mktemp("runs") / "forty"
    assert main(arguments(manifest, run, "seed=7", steps=40)) == 0
    return run


def test_a_resumed_run_is_the_run_that_never_stopped(manifest: Path, forty: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "seed=7", steps=20)) == 0
    assert last(run).state["position"]["batch"] != 0, "the stop must lie within an epoch"
    assert main(resume(run, "run.steps=40")) == 0
    assert_same_weights(run, forty)
    terms = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in read_log(run / "train" / LOG)]
    of_forty = [{k: v for k, v in row.items() if not k.startswith("time/")} for row in read_log(forty / "train" / LOG)]
    steps = [row for row in terms if row["kind"] == "step"]
    assert steps == [row for row in of_forty if row["kind"] == "step"]
    assert [row["step"] for row in steps] == list(range(1, 41))


def test_workers_and_a_cache_change_nothing(manifest: Path, forty: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ("seed=7", "loader.workers=2", f"loader.cache={tmp_path / 'cache'}")
    assert main(arguments(manifest, run, *settings, steps=40)) == 0
    assert_same_weights(run, forty)


def test_shards_train_as_exactly(manifest: Path, forty: Path, tmp_path: Path) -> None:
    shards, whole, halved = tmp_path / "shards", tmp_path / "whole", tmp_path / "halved"
    assert main(["corpus", "shard", str(forty / "prepare"), str(shards), "--shard-s", "3"]) == 0
    settings = ("data.manifest=null", f"data.shards={shards}")
    assert main(arguments(manifest, whole, *settings, steps=6)) == 0
    assert main(arguments(manifest, halved, *settings, steps=4)) == 0
    assert main(resume(halved, "run.steps=6", "loader.workers=1")) == 0
    assert_same_weights(halved, whole)
    assert main(["voices", "export-run", str(whole), str(tmp_path / "voice")]) == 0


def test_another_seed_is_another_run(manifest: Path, forty: Path, tmp_path: Path) -> None:
    assert main(arguments(manifest, tmp_path / "run", "seed=8", steps=1)) == 0
    first = read_log(tmp_path / "run" / "train" / LOG)[0]
    assert first["generator/mel"] != read_log(forty / "train" / LOG)[0]["generator/mel"]


def test_a_complete_stage_is_skipped_and_says_so(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = last(forty)
    assert main(resume(forty)) == 0
    told = capsys.readouterr().err
    assert "prepare: complete since" in told
    assert "train: complete since" in told
    assert same(last(forty).parts, before.parts)


def test_a_killed_run_still_knows_what_it_started_from(
    manifest: Path, forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*arguments(manifest, run, steps=1), "--init-from", str(forty)]) == 0
    shutil.rmtree(run / "train" / CHECKPOINTS)  # as if it had been killed before the first
    capsys.readouterr()
    assert main(resume(run, "run.steps=2")) == 0
    assert f"from {forty}: " in capsys.readouterr().err
    assert main([*resume(run, "run.steps=3"), "--init-from", str(tmp_path)]) == 2
    assert f"init_from: {json.dumps(str(forty))} -> {json.dumps(str(tmp_path))}" in said(capsys)


def test_a_wrong_source_leaves_nothing_behind(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*arguments(manifest, run, steps=1), "--init-from", str(tmp_path / "none")]) == 2
    assert "there is no such voice folder" in said(capsys)
    assert not run.exists()


def test_two_runs_do_not_share_a_folder(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (forty / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = (forty / "config.yaml").read_text()
        assert main(resume(forty, "run.steps=41")) == 2
        assert (forty / "config.yaml").read_text() == before
    assert "another process is training in it" in said(capsys)
    assert last(forty).step == 40


def test_a_run_is_not_begun_over_another(manifest: Path, forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(manifest, forty, steps=1)) == 2
    assert "holds a run already; add --resume" in said(capsys)


def test_a_run_that_failed_before_its_first_stage_was_done_can_be_begun_again(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    nothing_left = "segment_frames=1000"
    assert main(arguments(manifest.with_name("nowhere.jsonl"), run, steps=1)) == 2
    assert "nowhere.jsonl: cannot be read" in said(capsys)
    assert main(arguments(manifest, run, nothing_left, steps=1)) == 2
    assert "no utterance is left to train on" in said(capsys)
    assert main(arguments(manifest, run, steps=1)) == 0
    assert last(run).step == 1


def test_resuming_with_other_settings_says_which_and_refuses(forty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(resume(forty, "model.d_hidden=64", "losses.mel=10", "run.steps=50")) == 2
    line = said(capsys)
    assert "losses.mel: 45.0 -> 10" in line
    assert "model.d_hidden: 32 -> 64" in line
    assert "run.steps" not in line
    assert last(forty).step == 40


def test_a_changed_manifest_is_named_and_refused(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(manifest.parent, copy)
    run = tmp_path / "run"
    assert main(arguments(copy / "manifest.jsonl", run, steps=1)) == 0
    text = (copy / "manifest.jsonl").read_text().replace("Two three four.", "Two three five.")
    (copy / "manifest.jsonl").write_text(text)
    assert main(resume(run, "run.steps=2")) == 2
    assert f"its input the manifest {copy / 'manifest.jsonl'} has changed" in said(capsys)


def test_a_recording_that_changed_length_is_named(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(manifest.parent, copy)
    run = tmp_path / "run"
    assert main(arguments(copy / "manifest.jsonl", run, "loader.workers=1", steps=1)) == 0
    for path in copy.glob("*.wav"):
        soundfile.write(path, np.zeros(30_000, np.float32), 16_000)
    assert main(resume(run, "run.steps=2")) == 2
    assert "samples, but had" in said(capsys)


def poisoned(manifest: Path, copy: Path) -> Path:
    """A copy of a corpus whose u1 holds samples that are no numbers."""
    shutil.copytree(manifest.parent, copy)
    samples, rate = soundfile.read(copy / "1.wav", dtype="float32")
    samples[5000:5010] = np.nan
    soundfile.write(copy / "1.wav", samples, rate, subtype="FLOAT")
    return copy / manifest.name


def test_a_poisoned_utterance_is_skipped_dumped_and_reported(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(arguments(poisoned(manifest, tmp_path / "corpus"), run, steps=6)) == 0
    assert "loss is not finite (not finite themselves: u1); dumped to" in capsys.readouterr().err
    events = [row for row in read_log(run / "train" / LOG) if row["kind"] == "event"]
    assert len(events) == 2, "two epochs of three batches hold it twice"
    assert all(event["guilty"] == ["u1"] for event in events)
    facts = json.loads(next((run / "train" / "bad").glob("*.json")).read_text())
    assert facts["not_finite"] == ["u1"]
    assert len(facts["items"]) == 2
    assert all(bool(tensor.isfinite().all()) for tensor in last(run).parts["generator"].values())


def test_a_run_of_bad_steps_stops_it(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "corpus"
    shutil.copytree(manifest.parent, copy)
    for path in copy.glob("*.wav"):
        samples, rate = soundfile.read(path, dtype="float32")
        samples[5000] = np.inf
        soundfile.write(path, samples, rate, subtype="FLOAT")
    assert main(arguments(copy / "manifest.jsonl", tmp_path / "run", "run.bad_steps=3", steps=6)) == 2
    line = said(capsys)
    assert "3 steps in a row were not finite" in line
    assert "sonorant corpus check" in line


def test_a_disk_that_fills_up_leaves_the_last_checkpoint_whole(manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, steps=2)) == 0
    size = max(path.stat().st_size for path in (run / "train" / CHECKPOINTS / "step_000000002").iterdir())

    def small_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    command = [sys.executable, "-m", "sonorant", *resume(run, "run.steps=9", "run.checkpoint_every=1")]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_disk, env=one_thread(), check=False)
    assert done.returncode == 2
    assert "the checkpoint cannot be written (File too large): the one of step 2 is whole" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(run / "train" / CHECKPOINTS) == ["step_000000002"]
    assert main(resume(run, "run.steps=3")) == 0
    assert last(run).step == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_signal_to_all_its_processes_stops_with_a_checkpoint_and_the_run_goes_on(
    manifest: Path, tmp_path: Path, workers: int
) -> None:
    run = tmp_path / "run"
    settings = ("run.checkpoint_every=1000", f"loader.workers={workers}")
    command = [sys.executable, "-m", "sonorant", *arguments(manifest, run, *settings, steps=100_000)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=one_thread(), start_new_session=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("train: step 3/"):
                os.killpg(process.pid, signal.SIGTERM)
                break
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "stopped as asked, with a checkpoint" in rest
    assert "trained" not in rest
    assert f"'sonorant train --resume --run {run}' goes on with it" in rest
    step = last(run).step
    assert step >= 3
    assert main(resume(run, f"run.steps={step + 1}")) == 0
    assert last(run).step == step + 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eight_utterances_are_learned_by_heart(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus", validation=0)
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "data.batch_items=8", steps=200)) == 0
    mel = [row["generator/mel"] for row in read_log(run / "train" / LOG) if row["kind"] == "step"]
    assert len(mel) == 200
    assert np.mean(mel[-10:]) < 0.5 * np.mean(mel[:3])


def test_the_trained_voice_speaks_and_converts(forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voice, wav = tmp_path / "voice", tmp_path / "out.wav"
    assert main(["voices", "export-run", str(forty), str(voice)]) == 0
    assert main(["voices", "check", str(voice)]) == 0
    assert main(["say", "One two three.", "--voice", str(voice), "--speaker", "bob", "-o", str(wav)]) == 0
    assert soundfile.info(wav).samplerate == 16_000
    card = (voice / "README.md").read_text()
    assert "CC0" in card
    assert "Its last run: up to step 40 of train;" in card
    posterior = [name for name in weights_of(voice) if name.startswith("posterior.")]
    assert posterior, "a voice of two speakers can convert"
    (tmp_path / "notes.md").write_text("## What it cannot do\nSing.\n", encoding="utf-8")
    lean = ["voices", "export-run", str(forty), str(tmp_path / "lean"), "--no-convert", "--notes"]
    assert main([*lean, str(tmp_path / "none.md")]) == 2
    assert main([*lean, str(tmp_path / "notes.md")]) == 0
    assert "## What it cannot do\nSing.\n" in (tmp_path / "lean" / "README.md").read_text(encoding="utf-8")
    assert not [name for name in weights_of(tmp_path / "lean") if name.startswith("posterior.")]


def test_a_voice_can_be_made_half_as_large_and_less_lively(
    forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--half", "--noise-scale", "0.3", "--noise-scale-duration", "0.4", "--length-scale", "1.1"]
    for name, settings in (("plain", own[1:]), ("half", own)):
        assert main(["voices", "export-run", str(forty), str(tmp_path / name), *settings]) == 0
    plain, half = (tmp_path / name / "model.safetensors" for name in ("plain", "half"))
    assert half.stat().st_size < 0.55 * plain.stat().st_size
    about = json.loads((tmp_path / "half/voice.json").read_text())["synthesis"]
    assert (about["noise_scale"], about["noise_scale_duration"], about["length_scale"]) == (0.3, 0.4, 1.1)
    spoken = [load_voice(tmp_path / name).say("One two.", seed=1).samples for name in ("plain", "half")]
    n = min(map(len, spoken))  # a duration may round otherwise
    assert abs(len(spoken[0]) - len(spoken[1])) <= 2 * 256
    assert np.abs(spoken[0][:n]).max() > 0
    assert main(["voices", "check", str(tmp_path / "half")]) == 0
    capsys.readouterr()
    bad = tmp_path / "bad"
    assert main(["voices", "export-run", str(forty), str(bad), "--noise-scale", "-1"]) == 2
    assert "noise_scale is -1" in said(capsys)
    assert not bad.exists()


def weights_of(voice: Path) -> Sequence[str]:
    from safetensors import safe_open

    with safe_open(voice / "model.safetensors", "pt") as file:
        return list(file.keys())


def test_a_run_starts_from_another_runs_weights_and_from_a_voices(
    manifest: Path, forty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from_run, from_voice, voice = tmp_path / "from_run", tmp_path / "from_voice", tmp_path / "voice"
    assert main([*arguments(manifest, from_run, steps=1), "--init-from", str(forty)]) == 0
    assert "0 anew, for the source has none; 0 of the source left over" in capsys.readouterr().err
    assert main(["voices", "export-run", str(forty), str(voice)]) == 0
    assert main([*arguments(manifest, from_voice, steps=1), "--init-from", str(voice)]) == 0
    begun = read_log(from_voice / "train" / LOG)[0]["generator/mel"]
    assert begun == pytest.approx(read_log(from_run / "train" / LOG)[0]["generator/mel"], rel=1e-4)
    assert begun != pytest.approx(read_log(forty / "train" / LOG)[0]["generator/mel"], rel=1e-2)
    assert main([*arguments(manifest, tmp_path / "x", "model.d_hidden=64", steps=1), "--init-from", str(voice)]) == 2
    assert "has shape" in said(capsys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments(manifest, tmp_path / "run", steps=1), "--device", "cuda"]) == 2
    assert "the device is cuda, but PyTorch finds no GPU here: use cpu" in said(capsys)


def test_the_folder_one_is_in_can_be_the_run(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--resume", "--run", "."]) == 2
    assert ".: holds no run to resume" in said(capsys)


def one_thread() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def test_two_processes_are_one_with_the_doubled_batch(manifest: Path, tmp_path: Path) -> None:
    """Gradients to rounding, and all weights but a few: Adam makes a whole step of a gradient that is rounding."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(arguments(manifest, one, "data.batch_items=4", "data.batch_s=20", steps=5)) == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "sonorant", "--", *arguments(manifest, two, "data.batch_s=10", steps=5)]
    done = subprocess.run(command, capture_output=True, text=True, env=one_thread(), check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    for row, of_one in zip(read_log(two / "train" / LOG), read_log(one / "train" / LOG), strict=True):
        assert row["step"] == of_one["step"]
        for norm in [name for name in of_one if name.startswith("norm/")]:
            assert row[norm] == pytest.approx(of_one[norm], rel=1e-4)
    a, b = last(one).parts, last(two).parts
    n_off = n_weights = 0
    for part in a:
        for name in a[part]:
            torch.testing.assert_close(b[part][name], a[part][name], atol=1e-3, rtol=0, msg=f"{part} {name}")
            n_off += int(((b[part][name] - a[part][name]).abs() > 1e-5).sum())
            n_weights += a[part][name].numel()
    assert n_off < 1e-4 * n_weights


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_any_moment_a_run_loses_no_more_than_the_steps_since_its_checkpoint(
    manifest: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    run, whole = tmp_path / "run", tmp_path / "whole"
    every, steps = 2, 400
    settings = ("seed=7", f"run.checkpoint_every={every}")
    command = [sys.executable, "-m", "sonorant", *arguments(manifest, run, *settings, steps=steps)]
    kills, within_a_write = 0, 0
    while kills < 25:
        seen = 0
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=one_thread()) as process:
            assert process.stderr is not None
            goal = int(rng.integers(1, 8))
            for line in process.stderr:
                seen += line.startswith("step ") and "/" in line.split()[1]
                if seen >= goal:
                    break
            folder = run / "train" / CHECKPOINTS
            if kills % 2:  # in the middle of a checkpoint's writing
                while process.poll() is None and not list(folder.glob("*.part")):
                    pass
            else:
                time.sleep(float(rng.uniform(0, 0.3)))
            process.kill()
        kills += 1
        within_a_write += bool(list(folder.glob("*.part")))
        logged = [row["step"] for row in map(parsed, (run / "train" / LOG).read_text().splitlines()) if row]
        known = checkpoints.steps(folder)
        if known:
            assert last(run).step == known[-1]
            assert max(logged) - known[-1] <= every
        command = [sys.executable, "-m", "sonorant", *resume(run)]
    reached = last(run).step
    assert within_a_write >= 5
    assert main(resume(run, f"run.steps={reached + 1}")) == 0
    assert main(arguments(manifest, whole, *settings, steps=reached + 1)) == 0
    assert_same_weights(run, whole)
    print(
        f"25 kills, {within_a_write} within a checkpoint's writing; step {reached + 1}: equal to the run never killed"
    )


def parsed(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)  # type: ignore[no-any-return]
    except ValueError:
        return None
