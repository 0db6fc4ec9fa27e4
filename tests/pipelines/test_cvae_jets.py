"""CVAE-JETS's whole way on a corpus of tones: its stages, stopped and resumed, then a voice of them."""

from __future__ import annotations

import json
import math
import shutil
import signal
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sonorant.audio.spectrogram import energy_db
from sonorant.cli.main import main
from sonorant.models.cvae_jets.statistics import read
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS
from sonorant.training.tracker import LOG, read_log
from tests.corpora import write_corpus
from tests.data.corpora.test_kss import example
from tests.pipelines.test_training import poisoned, said, same
from tests.pipelines.test_training_vits2 import resume, stopping_at

ROOT = Path(__file__).parents[2]
DEBUG = str(ROOT / "configs/cvae_jets/debug.yaml")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"), validation=1)


def arguments(manifest: Path, run: Path, *settings: str, steps: int) -> list[str]:
    own = [f"data.manifest={manifest}", f"run.steps={steps}", "data.batch_items=2", "run.log_every=1"]
    starts = ["losses.adversarial={kind: from, step: 5, value: 1}", "losses.feature={kind: from, step: 5, value: 2}"]
    schedules = [*starts, "softness={kind: steps, changes: [4], values: [1, 0]}", "run.evaluate_every=1000"]
    return ["train", DEBUG, "--run", str(run), "--device", "cpu", *own, *schedules, *settings]


@pytest.fixture(scope="module")
def twelve(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 12 steps without a stop."""
    run = tmp_path_factory.mktemp("runs") / "twelve"
    assert main(arguments(manifest, run, "seed=7", steps=12)) == 0
    return run


def test_the_stages_follow_one_another(twelve: Path) -> None:
    for stage in ("prepare", "statistics", "train"):
        assert json.loads((twelve / stage / "stage.json").read_text())["status"] == "complete"
    speakers = read(twelve / "statistics").speakers
    assert [speaker.name for speaker in speakers] == ["ann", "bob"]
    assert all(speaker.energy_std > 0.1 for speaker in speakers)
    steps = [row for row in read_log(twelve / "train" / LOG) if row["kind"] == "step"]
    assert ["generator/adversarial" in row for row in steps] == [False] * 5 + [True] * 7


def test_a_jets_of_several_speakers_becomes_a_voice_and_aligns(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has no posterior, but an aligner."""
    run, voice, wav = tmp_path / "run", tmp_path / "voice", tmp_path / "said.wav"
    jets = ("model.latent=null", "model.level=token", "model.upsampling=gaussian", "model.pitch={kind: direct}")
    assert main(arguments(manifest, run, *jets, steps=2)) == 2
    assert "losses.kl is set, but there is no model.latent" in capsys.readouterr().err
    assert main(arguments(manifest, run, *jets, "losses.kl=0", "losses.pitch_statistics=1", steps=2)) == 2
    assert "losses.pitch_statistics is set, but model.pitch.kind is direct" in capsys.readouterr().err
    assert main(arguments(manifest, run, *jets, "losses.kl=0", steps=2)) == 0
    assert main(["voices", "export-run", str(run), str(voice)]) == 0
    assert main(["voices", "check", str(voice)]) == 0
    assert main(["say", "One two 3.", "--voice", str(voice), "--speaker", "bob", "-o", str(wav)]) == 0
    capsys.readouterr()
    assert main(["say", "One.", "--voice", str(voice), "--noise-scale", "0.3", "-o", str(wav)]) == 2
    assert "is a cvae_jets that leaves nothing in its sound to chance: leave noise_scale out" in said(capsys)
    for number, aligner in enumerate((run, voice)):
        aligned = tmp_path / f"aligned{number}"
        assert main(["align", str(manifest), "--with", str(aligner), "--out", str(aligned)]) == 0
        assert (aligned / "alignments.jsonl").stat().st_size > 0
    capsys.readouterr()
    told = ["--source", "ann", "--speaker", "bob", "-o", str(tmp_path / "converted.wav")]
    assert main(["convert", str(wav), "--voice", str(voice), *told]) == 2
    assert "posterior" in said(capsys)


def test_korean_goes_from_sentences_to_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    korean = example()
    monkeypatch.setattr(korean, "N_SENTENCES", 8)
    monkeypatch.setattr(sys, "argv", ["korean_corpus.py", str(tmp_path / "data")])
    korean.main()
    manifest, run, voice = tmp_path / "kss" / "manifest.jsonl", tmp_path / "run", tmp_path / "voice"
    assert main(["corpus", "import", "kss", str(manifest.parent), "--from", str(tmp_path / "data")]) == 0
    assert main(["corpus", "split", str(manifest), "--validation", "1"]) == 0
    assert main(arguments(manifest, run, steps=2)) == 0
    assert main(["voices", "export-run", str(run), str(voice)]) == 0
    assert main(["voices", "check", str(voice)]) == 0
    times, wav = tmp_path / "times.json", tmp_path / "said.wav"
    said_ = ["say", "사과 3개를 샀습니다.", "--voice", str(voice), "-o", str(wav), "--subtitles", str(times)]
    assert main(said_) == 0
    words = json.loads(times.read_text(encoding="utf-8"))["words"]
    assert [unicodedata.normalize("NFC", word["phonemes"]) for word in words] == ["사과", "세 개를", "삳씀니다"]
    assert np.isfinite(soundfile.read(wav)[0]).all()


def test_a_poisoned_utterance_is_left_out_skipped_and_named(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(poisoned(manifest, tmp_path / "corpus"), tmp_path / "run", steps=3)) == 0
    told = capsys.readouterr().err
    assert "statistics: left out u1: a sample is no finite number" in told
    assert "loss is not finite (not finite themselves: u1); dumped to" in told
    assert all(math.isfinite(speaker.energy_mean) for speaker in read(tmp_path / "run/statistics").speakers)


def test_a_run_that_was_stopped_is_the_run_that_was_not(
    manifest: Path, twelve: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as stopped:
        stopped.setattr("sonorant.models.cvae_jets.training.train", stopping_at(7, of=12))
        assert main(arguments(manifest, run, "seed=7", steps=12)) == 0
    assert checkpoints.steps(run / "train" / CHECKPOINTS) == [7]
    assert main(resume(run)) == 0
    one, other = (checkpoints.read(folder / "train" / CHECKPOINTS) for folder in (run, twelve))
    assert one.step == other.step == 12
    assert same(one.parts, other.parts)
    assert same(one.optimizers, other.optimizers)


def test_measuring_hears_a_stop_and_begins_again(
    manifest: Path, twelve: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, n_measured = tmp_path / "run", 0

    def interrupted(spectrogram: torch.Tensor) -> torch.Tensor:
        nonlocal n_measured
        n_measured += 1
        if n_measured == 2:
            signal.raise_signal(signal.SIGTERM)
        return energy_db(spectrogram)

    with monkeypatch.context() as stopped:
        stopped.setattr("sonorant.models.cvae_jets.statistics.energy_db", interrupted)
        assert main(arguments(manifest, run, "seed=7", steps=1)) == 0
    assert n_measured == 2
    assert not (run / "statistics" / "statistics.json").exists()
    assert not (run / "train").exists()
    assert main(resume(run)) == 0
    assert read(run / "statistics") == read(twelve / "statistics")


def test_the_voice_speaks_converts_and_aligns(
    twelve: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice, wav, other = tmp_path / "voice", tmp_path / "out.wav", tmp_path / "other.wav"
    assert main(["voices", "export-run", str(twelve), str(voice), "--convert"]) == 0
    assert len({path.stat().st_mode for path in voice.iterdir()}) == 1  # whoever may read one file may read all
    assert main(["voices", "check", str(voice)]) == 0
    assert main(["say", "One two three.", "--voice", str(voice), "--speaker", "bob", "-o", str(wav)]) == 0
    samples, rate = soundfile.read(wav)
    assert rate == 16_000
    assert np.abs(samples).max() > 1e-3
    assert main(["say", "One.", "--voice", str(voice), "--noise-scale", "0.3", "-o", str(wav)]) == 0
    capsys.readouterr()
    assert main(["say", "One.", "--voice", str(voice), "--noise-scale-duration", "0.3", "-o", str(wav)]) == 2
    assert "leaves nothing in its rhythm to chance: leave noise_scale_duration out" in said(capsys)
    curves, again = tmp_path / "curves.json", tmp_path / "again.wav"
    speak = ["say", "One two three.", "--voice", str(voice), "--seed", "1"]
    assert main([*speak, "--pitch-shift", "4", "--energy-gain", "3", "--curves", str(curves), "-o", str(wav)]) == 0
    drawn = json.loads(curves.read_text())["curves"]
    assert len(drawn) == 1
    assert main([*speak, "--prosody", str(curves), "-o", str(again)]) == 0
    assert len(soundfile.read(again)[0]) == len(soundfile.read(wav)[0])
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"pitch_shift": 99}')
    capsys.readouterr()
    assert main([*speak, "--prosody", str(wrong), "-o", str(again)]) == 2
    assert f"{wrong}: pitch_shift" in said(capsys)
    samples, rate = soundfile.read(wav)
    assert main(["convert", str(wav), "--voice", str(voice), "--speaker", "ann", "-o", str(other)]) == 0
    assert len(soundfile.read(other)[0]) == pytest.approx(len(samples), abs=256)
    assert main(["align", str(manifest), "--with", str(twelve), "--out", str(tmp_path / "aligned")]) == 0
    assert (tmp_path / "aligned" / "alignments.jsonl").stat().st_size > 100
    told = ["align", str(manifest), "--out", str(tmp_path / "none"), "--with"]
    assert main(["voices", "export-run", str(twelve), str(tmp_path / "speaks"), "--no-convert"]) == 0
    capsys.readouterr()
    assert main([*told, str(tmp_path / "speaks")]) == 2
    assert "takes an aligner, which it has left behind: name the run" in capsys.readouterr().err
    assert main([*told, str(voice)]) == 0


def test_it_starts_from_another_of_its_kind(twelve: Path, manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "--init-from", str(twelve), steps=1)) == 0
    report = json.loads((run / "train" / "started_from.json").read_text())
    assert report["fresh"] == report["left_over"] == []


def test_a_source_that_changed_before_the_first_checkpoint_is_refused(
    twelve: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(arguments(manifest, run, "--init-from", str(twelve), steps=1)) == 0
    shutil.rmtree(run / "train" / "checkpoints")
    told = run / "train" / "started_from.json"
    told.write_text(json.dumps({**json.loads(told.read_text()), "fingerprint": "another"}))
    capsys.readouterr()
    assert main(resume(run, "run.steps=2")) == 2
    assert f"began with other weights than {twelve} has now" in said(capsys)


def test_what_decides_the_weights_may_not_change(twelve: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(resume(twelve, "softness=1", "run.steps=13")) == 2
    assert "softness" in said(capsys)
