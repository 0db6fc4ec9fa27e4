"""`sonorant finetune`: a voice of each kind becomes another one, and what may not be given to it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from torch import Tensor

from sonorant.cli.main import main
from sonorant.cli.train import _source
from sonorant.config import parse, plain, read_yaml
from sonorant.data.prepare import read_corpus
from sonorant.models import Purpose
from sonorant.models.recipes import CONFIG
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.models.vits2.start import start_from
from sonorant.models.vits2.training import new_network
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS
from sonorant.training.step import Randomness
from sonorant.training.tracker import LOG
from sonorant.voice.write import NewVoice, write_voice
from tests.corpora import write_corpus
from tests.models.vits2.small import SMALL
from tests.nn.random_weights import randomized

FEW = (
    "run.steps=1",
    "complete.run.steps=2",
    "data.batch_items=3",
    "loader.workers=0",
    "discriminators={periods: [2], period_channels: [4, 4], scale: null}",
)
AND_DURATIONS = ("durations.run.steps=2", "durations.batch_items=3", "durations.network.d_filter=8")
ODD = ("#", "~", "-", "null", "0x1f", "{", "&x", "!", '"', "\\", "n: n", "é")
"""Symbols that mean something else in YAML; the colon, the apostrophe and U+0329 are among the standard ones."""


def in_language(manifest: Path, language: str) -> Path:
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    text = "".join(json.dumps({**row, "language": language}) + "\n" for row in rows)
    manifest.write_text(text, encoding="utf-8")
    return manifest


def changed_in_completion(run: Path) -> tuple[set[str], set[str]]:
    """Weights that the first stage changed, of those it trained and of their average; and those it should have."""
    recipe = parse(Vits2Recipe, read_yaml(run / CONFIG), source="config")
    corpus = read_corpus(run / "prepare")
    network = new_network(recipe, corpus, Randomness(recipe.seed, 0))
    assert recipe.init_from is not None
    outcome = start_from(_source(recipe.init_from), network, corpus.tables)
    parts = checkpoints.read(run / "complete" / CHECKPOINTS).parts
    before = network.state_dict()

    def changed(after: Mapping[str, Tensor], prefix: str) -> set[str]:
        kept = {name.removeprefix(prefix): value for name, value in after.items() if name.startswith(prefix)}
        assert kept.keys() <= before.keys()
        return {name for name, value in kept.items() if not torch.equal(before[name], value)}

    assert changed(parts["generator"], "") == changed(parts["average"], "module.")
    return changed(parts["generator"], ""), {*outcome.fresh, *outcome.resized}


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error, and there is nothing beside it."""
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.strip().splitlines()
    assert len(lines) == 1, told.err
    assert lines[0].startswith("sonorant: ")
    return lines[0]


@pytest.fixture(scope="module")
def odd_voice(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny VITS with some of its symbols renamed."""
    voice = tmp_path_factory.mktemp("voices") / "odd"
    shutil.copytree(tiny_folder, voice)
    about = json.loads((voice / "voice.json").read_text(encoding="utf-8"))
    names = dict(zip("ʙɓʄʛʘɺɻʢʡʕǀǁ", ODD, strict=True))
    about["symbols"] = {names.get(symbol, symbol): row for symbol, row in about["symbols"].items()}
    (voice / "voice.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    return voice


def write_small_voice(folder: Path, *, speakers: tuple[str, ...], purpose: Purpose) -> Path:
    """A small VITS2 with random weights that speaks English; its durations are drawn from an adversary's pupil."""
    symbols = standard_symbols()
    torch.manual_seed(0)
    network = randomized(Vits2(SMALL, max(symbols.values()) + 1, len(speakers))).for_inference(purpose)
    voice = NewVoice(
        name="small",
        system="vits2",
        model=plain(SMALL),
        weights=network.state_dict(),
        n_symbols=network.n_symbols,
        sample_rate_hz=SMALL.spectrogram.sample_rate_hz,
        symbols=symbols,
        frontend=standard_config(["en-us"], blanks=False),
        speakers=speakers,
    )
    write_voice(voice, folder)
    return folder


@pytest.fixture(scope="module")
def vits2_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one speaker."""
    return write_small_voice(tmp_path_factory.mktemp("voices") / "small", speakers=("ann",), purpose=Purpose.SPEAKING)


def speaks(run: Path, *arguments: str) -> dict[str, Any]:
    """Export the run and let it say something; returns its manifest."""
    voice, wav = run.with_name("voice"), run.with_name("out.wav")
    assert main(["voices", "export-run", str(run), str(voice)]) == 0
    assert main(["say", "One two.", "--voice", str(voice), *arguments, "-o", str(wav)]) == 0
    samples, rate = soundfile.read(wav)
    assert rate == 16_000
    assert np.abs(samples).max() > 1e-4
    about: dict[str, Any] = json.loads((voice / "voice.json").read_text(encoding="utf-8"))
    return about


def test_a_vits_of_two_speakers_learns_a_third(
    odd_voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, run = write_corpus(tmp_path / "corpus", speakers=("cid",), validation=1), tmp_path / "run"
    assert main(["finetune", str(odd_voice), str(manifest), *FEW, "--run", str(run), "--device", "cpu"]) == 0
    told = capsys.readouterr().err
    assert f"complete: from {odd_voice}: " in told
    for stage in ("prepare", "complete", "train"):
        assert json.loads((run / stage / "stage.json").read_text())["status"] == "complete"
    assert not (run / "durations").exists(), "its durations are drawn by a flow"

    changed, expected = changed_in_completion(run)
    assert changed <= expected
    for part in ("posterior.", "duration.posterior.", "duration.flow.first."):
        assert any(name.startswith(part) for name in changed)
    report = json.loads((run / "complete" / "started_from.json").read_text())
    assert set(report["fresh"]) == expected
    assert "speaker.weight" in report["in_part"]
    later = json.loads((run / "train" / "started_from.json").read_text())
    assert set(later["taught"]) | set(later["fresh"]) == expected
    assert later["fresh"] == ["text_encoder.language.weight"], "dreams say nothing of it"
    assert later["fingerprint"] == report["fingerprint"]

    about = json.loads((odd_voice / "voice.json").read_text(encoding="utf-8"))
    settings = read_yaml(run / CONFIG)
    assert settings["text"]["symbols"] == about["symbols"]
    assert {":", "'", "\u0329", "n", *ODD} <= settings["text"]["symbols"].keys()
    assert main(["train", "--resume", "--run", str(run), "--device", "cpu", "run.steps=2"]) == 0
    spoken = speaks(run)
    assert spoken["system"] == "vits2"
    assert spoken["speakers"] == ["cid"]
    assert spoken["symbols"] == about["symbols"]
    assert spoken["model"]["keeps_single_speaker"] is True


def test_a_vits2_of_one_speaker_learns_others_and_their_language(vits2_voice: Path, tmp_path: Path) -> None:
    manifest = in_language(write_corpus(tmp_path / "corpus", validation=1), "fr-fr")
    run = tmp_path / "run"
    settings = (*FEW, *AND_DURATIONS, "complete.kind=recordings")
    assert main(["finetune", str(vits2_voice), str(manifest), *settings, "--run", str(run), "--device", "cpu"]) == 0
    for stage in ("prepare", "complete", "train", "durations"):
        assert json.loads((run / stage / "stage.json").read_text())["status"] == "complete"
    changed, expected = changed_in_completion(run)
    assert changed <= expected
    for part in ("posterior.", "text_encoder.language.", "text_encoder.speaker.", "decoder.condition."):
        assert any(name.startswith(part) for name in changed), part
    about = speaks(run, "--language", "fr-fr", "--speaker", "bob")
    assert about["speakers"] == ["ann", "bob"]
    assert [language["code"] for language in about["frontend"]["languages"]] == ["en-us", "fr-fr"]
    assert parse(Vits2Config, about["model"], source="voice") == SMALL

    before = tmp_path / "before"
    assert main(["voices", "export-run", str(run), str(before), "--step", "1"]) == 0
    one, other = (load_file(voice / "model.safetensors") for voice in (tmp_path / "voice", before))
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert changed
    assert all(name.startswith("duration.") for name in changed)


def test_a_voice_without_a_decoder_has_no_dreams(
    vits2_voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, run = write_corpus(tmp_path / "corpus", validation=1), tmp_path / "run"
    settings = (*FEW, *AND_DURATIONS, "model.decoder.n_layers=3")
    assert main(["finetune", str(vits2_voice), str(manifest), *settings, "--run", str(run), "--device", "cpu"]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"sonorant: {vits2_voice}: lacks decoder.")
    assert last.endswith("without which it says nothing to learn from; set complete.kind=recordings")
    assert not run.exists(), "a refused start leaves nothing behind"


def test_a_voice_that_lacks_nothing_is_not_completed(tmp_path: Path) -> None:
    """It has a posterior, and durations that need none."""
    voice = write_small_voice(tmp_path / "whole", speakers=("ann", "bob"), purpose=Purpose.CONVERSION)
    run = tmp_path / "run"
    manifest = write_corpus(tmp_path / "corpus", n=4, validation=1)
    settings = [setting for setting in (*FEW, *AND_DURATIONS) if not setting.startswith("complete")]
    assert main(["finetune", str(voice), str(manifest), *settings, "--run", str(run), "--device", "cpu"]) == 0
    assert not (run / "complete").exists()
    report = json.loads((run / "train" / "started_from.json").read_text())
    assert report["fresh"] == report["resized"] == report["left_over"] == []


def edited(voice: Path, target: Path, **changes: object) -> Path:
    """A copy of a voice whose manifest says something else."""
    shutil.copytree(voice, target)
    about = json.loads((target / "voice.json").read_text(encoding="utf-8"))
    (target / "voice.json").write_text(json.dumps({**about, **changes}), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny", "m.jsonl"], "no --run: name the folder of the run, as in 'sonorant finetune"),
        (["nobody", "m.jsonl", "--run", "run"], "there is no voice 'nobody'"),
        (["./nobody", "m.jsonl", "--run", "run"], "no such voice folder"),
        (["tiny", "missing.jsonl", "--run", "run"], "missing.jsonl: cannot be read"),
        (["tiny", "empty.jsonl", "--run", "run"], "empty.jsonl"),
        (["tiny", "broken.jsonl", "--run", "run"], "broken.wav (id u1): cannot be read as audio"),
        (["tiny", "m.jsonl", "nonsense", "--run", "run"], "found 'nonsense', expected key=value"),
        (["tiny", "m.jsonl", "nonsense=1", "--run", "run"], "finetune: nonsense"),
        (["tiny", "m.jsonl", "run.steps=few", "--run", "run"], "finetune: run.steps"),
        (["tiny", "m.jsonl", "run.steps={", "--run", "run"], "the value is not valid YAML"),
        (["tiny", "m.jsonl", "init_from=nobody", "--run", "run"], "there is no voice 'nobody'"),
        (["tiny", "m.jsonl", "--run", "run", "--device", "tpu"], "--device is 'tpu', expected auto, cpu or cuda"),
        (["./unknown", "m.jsonl", "--run", "run"], "is a 'wavenet' model, but a VITS2 starts from vits or vits2"),
        (["./misfit", "m.jsonl", "--run", "run"], "./misfit: model: d_hiden"),
        (["tiny", "klingon.jsonl", "--run", "run"], "'tlh'"),
        (["tiny", "m.jsonl", "--run", "m.jsonl"], "m.jsonl"),
        (["tiny", "--run", "run"], "Missing argument"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = write_corpus(tmp_path, n=3, validation=0)
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    Path("m.jsonl").write_text("".join(lines), encoding="utf-8")
    Path("empty.jsonl").write_text("", encoding="utf-8")
    Path("broken.wav").write_text("no audio")
    Path("broken.jsonl").write_text("".join(lines).replace('"1.wav"', '"broken.wav"'), encoding="utf-8")
    Path("klingon.jsonl").write_text("".join(lines).replace('"en-us"', '"tlh"'), encoding="utf-8")
    edited(tiny_folder, tmp_path / "unknown", system="wavenet")
    about = json.loads((tiny_folder / "voice.json").read_text(encoding="utf-8"))
    edited(tiny_folder, tmp_path / "misfit", model={**about["model"], "d_hiden": 3})
    before = sorted(tmp_path.rglob("*"))
    assert main(["finetune", *arguments]) == 2
    assert message in said(capsys)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_in_use_is_left_as_it_is(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, run = write_corpus(tmp_path / "corpus", n=3, validation=0), tmp_path / "run"
    run.mkdir()
    with (run / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["finetune", "tiny", str(manifest), "--run", str(run)]) == 2
    assert "another process is training in it" in said(capsys)
    assert [path.name for path in run.iterdir()] == ["lock"]
    (run / "lock").unlink()
    (run / "train").mkdir()
    (run / "train" / LOG).write_text("")
    assert main(["finetune", "tiny", str(manifest), "--run", str(run)]) == 2
    assert "holds a run already" in said(capsys)
    assert [path.name for path in run.iterdir()] == ["train"]
