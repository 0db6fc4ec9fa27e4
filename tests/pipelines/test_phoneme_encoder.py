"""From texts to a text encoder, and from that to a voice: stopped, resumed, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sonorant.cli.main import main
from sonorant.config import read_yaml
from sonorant.models.recipes import CONFIG, parse_recipe, read_run
from sonorant.text.standard import standard_symbols
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS
from sonorant.training.tracker import LOG, read_log
from tests.corpora import write_corpus
from tests.pipelines.test_training import same

CONFIGS = Path(__file__).parents[2] / "configs"
DEBUG = str(CONFIGS / "phoneme_encoder/debug.yaml")
SENTENCES = tuple(
    f"{subject} {verb} the {thing}{place}."
    for subject in ("The cat", "A dog", "My sister", "Nobody")
    for verb in ("saw", "took", "wanted", "forgot")
    for thing in ("letter", "green bottle", "old hat")
    for place in ("", " in the garden")
)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "texts"
    folder.mkdir()
    (folder / "sentences.txt").write_text("\n".join(SENTENCES) + "\n")
    return folder


def arguments(texts: Path, run: Path, *settings: str, steps: int) -> list[str]:
    own = [f"data.texts={texts}", f"run.steps={steps}", "run.log_every=1", "run.evaluate_every=1000"]
    return ["train", DEBUG, "--run", str(run), "--device", "cpu", *own, *settings]


@pytest.fixture(scope="module")
def twenty(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps, without a stop."""
    run = tmp_path_factory.mktemp("runs") / "twenty"
    assert main(arguments(texts, run, steps=20)) == 0
    return run


def last(run: Path) -> checkpoints.Checkpoint:
    return checkpoints.read(run / "train" / CHECKPOINTS)


def test_the_stages_follow_one_another_and_both_heads_learn(twenty: Path) -> None:
    for stage in ("prepare", "train"):
        assert json.loads((twenty / stage / "stage.json").read_text())["status"] == "complete"
    steps = [row for row in read_log(twenty / "train" / LOG) if row["kind"] == "step"]
    for term in ("phonemes", "sup_phonemes"):
        values = [row[term] for row in steps]
        assert sum(values[-5:]) < sum(values[:5]), term


def test_a_run_that_was_stopped_is_the_run_that_was_not(texts: Path, twenty: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(arguments(texts, run, steps=7)) == 0
    again = ["train", "--resume", "--run", str(run), "--device", "cpu", "run.steps=20", "workers=1"]
    assert main(again) == 0
    one, other = last(twenty), last(run)
    assert one.step == other.step == 20
    assert same(one.parts, other.parts)
    assert same(one.optimizers, other.optimizers)
    assert one.state["position"] == other.state["position"]


def assert_same_encoder(spoken: Mapping[str, Tensor], read: Mapping[str, Tensor]) -> list[str]:
    """All that is said of phonemes; a row without a symbol means nothing. Returns the names."""
    rows = sorted(standard_symbols().values())
    layers = [name for name in read if name.startswith("text_encoder.layers.")]
    assert len(layers) > 10
    assert all(torch.equal(spoken[name], read[name]) for name in layers)
    embedding = "text_encoder.embedding.weight"
    assert torch.equal(spoken[embedding][rows], read[embedding][rows])
    return [embedding, *layers]


def test_a_vits2_starts_from_it_and_trains(twenty: Path, tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus", n=4, validation=1)
    run = tmp_path / "run"
    few = ["data.batch_items=2", "run.steps=1", "run.log_every=1", "durations.run.steps=1", "durations.batch_items=2"]
    command = ["train", str(CONFIGS / "vits2/debug.yaml"), "--run", str(run), "--device", "cpu"]
    given = [f"data.manifest={manifest}", "generator.learning_rate=0.0", "generator.weight_decay=0.0", *few]
    assert main([*command, *given, "--init-from", str(twenty)]) == 0
    # The rate is 0, so what is there after the step is what was there before it.
    names = assert_same_encoder(read_run(run).weights, read_run(twenty).weights)
    report = json.loads((run / "train" / "started_from.json").read_text())
    assert sorted(report["taken"]) == sorted(names)
    shutil.rmtree(run)
    assert main([*command, f"data.manifest={manifest}", *few, "--init-from", str(twenty)]) == 0
    read, spoken = read_run(twenty).weights, read_run(run).weights
    changed = [name for name in names if not torch.equal(spoken[name], read[name])]
    assert len(changed) > len(names) / 2
    assert "text_encoder.embedding.weight" in changed


def test_a_vits_starts_from_it(twenty: Path, tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus", n=4, validation=1)
    run = tmp_path / "run"
    given = [f"data.manifest={manifest}", "data.batch_items=2", "run.steps=1", "generator.learning_rate=0.0"]
    command = ["train", str(CONFIGS / "vits/debug.yaml"), "--run", str(run), "--device", "cpu", *given]
    assert main([*command, "generator.weight_decay=0.0", "--init-from", str(twenty)]) == 0
    assert_same_encoder(read_run(run).weights, read_run(twenty).weights)


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], message: str) -> None:
    assert main(list(arguments)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert message in lines[0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.texts=nowhere", "nowhere: is no folder"),
        ("data.language=tlh", "no voice 'tlh'"),
        ("text.blanks=true", "set text.blanks=false"),
        ("data.batch_tokens=3", "batch_tokens is 3"),
        ("masking.share=0", "share is 0"),
        ("init_from=runs/x", "init_from"),
        ("data.texts={en-us: a}", "leave it out"),
        ("model.text_encoder.speaker_layer=0", "speaker_layer is set"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, message: str
) -> None:
    refused(arguments(texts, tmp_path / "run", setting, steps=1), capsys, message)
    assert list(tmp_path.iterdir()) == []


def test_texts_that_changed_are_refused(
    texts: Path, twenty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, run = tmp_path / "texts", tmp_path / "run"
    shutil.copytree(texts, own)
    assert main(arguments(own, run, steps=1)) == 0
    (own / "sentences.txt").write_text("Other words.\n")
    capsys.readouterr()
    resume = ["train", "--resume", "--run", str(run), "--device", "cpu"]
    refused(resume, capsys, "its input the text sentences.txt (en-us) has changed")


def test_what_is_next_is_said(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(texts, tmp_path / "run", steps=1)) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    run = tmp_path / "run"
    assert said == f"{run}: trained; 'sonorant train … --init-from {run}' starts a voice's training from it"


def test_it_is_no_voice(twenty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["voices", "export-run", str(twenty), str(tmp_path / "voice")], capsys, "is a phoneme encoder")
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_differ_are_refused_before_anything_trains(
    twenty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_corpus(tmp_path / "corpus", n=4, validation=1)
    command = ["train", str(CONFIGS / "vits2/debug.yaml"), "--run", str(tmp_path / "run"), "--device", "cpu"]
    given = [f"data.manifest={manifest}", "model.text_encoder.n_layers=2", "--init-from", str(twenty)]
    refused([*command, *given], capsys, "model.text_encoder.n_layers: 1 -> 2")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("read", "spoken"), [("small", "small"), ("debug", "debug"), ("paper", "paper")])
def test_the_configurations_have_the_sizes_of_their_voices(read: str, spoken: str) -> None:
    data = read_yaml(CONFIGS / f"phoneme_encoder/{read}.yaml")
    recipe = parse_recipe(data, source=read)
    voice = parse_recipe(read_yaml(CONFIGS / f"vits2/{spoken}.yaml"), source=spoken)
    assert recipe.model.d_hidden == voice.model.d_hidden  # type: ignore[attr-defined]
    of_voice, of_reader = voice.model.text_encoder, recipe.model.text_encoder  # type: ignore[attr-defined]
    for name in ("n_layers", "n_heads", "d_filter", "kernel", "window"):
        assert getattr(of_voice, name) == getattr(of_reader, name), name


@pytest.mark.parametrize("name", ["small", "paper"])
def test_a_shipped_configuration_takes_its_steps(name: str, texts: Path, tmp_path: Path) -> None:
    few = ["data.batch_tokens=512", "sup_phonemes=60", "run.steps=2", "workers=0", "data.validation_share=0.2"]
    few.append("precision=fp32")  # others are slow on a CPU
    given = [f"data.texts={texts}", f"data.cache={tmp_path / 'cache'}", "run.log_every=1", *few]
    path = str(CONFIGS / f"phoneme_encoder/{name}.yaml")
    run = tmp_path / "run"
    assert main(["train", path, "--run", str(run), "--device", "cpu", *given]) == 0
    assert last(run).step == 2
    assert (run / CONFIG).is_file()
