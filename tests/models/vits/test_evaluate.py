from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sonorant.config import override, parse, read_yaml
from sonorant.data.prepare import Framing, prepare
from sonorant.models.vits.recipe import VitsRecipe, build
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.training.devices import build_fabric
from sonorant.training.loop import Training
from tests.corpora import write_corpus

DEBUG = Path(__file__).parents[3] / "configs/vits/debug.yaml"


@pytest.fixture
def training(tmp_path: Path) -> Training:
    manifest = write_corpus(tmp_path / "corpus", n=4)
    settings = [f"data.manifest={manifest}", "model.duration={kind: deterministic}"]
    recipe = parse(VitsRecipe, override(read_yaml(DEBUG), settings), source="debug")
    prepare(
        manifest,
        tmp_path,
        selection=recipe.data.selection,
        frontend=standard_config(["en-us"]),
        symbols=standard_symbols(),
        framing=Framing(sample_rate_hz=16_000, hop=256, min_frames=16),
    )
    return build(recipe, build_fabric("fp32", accelerator="cpu"), tmp_path)


def test_a_network_that_asks_for_endless_speech_is_evaluated_all_the_same(training: Training) -> None:
    network = training.average.module
    usual = training.evaluate(network, 1)
    assert usual.metrics["unsaid"] == 0
    with torch.no_grad():
        for parameter in network.duration.parameters():
            parameter.fill_(9.0)
    endless = training.evaluate(network, 1)
    assert endless.metrics["unsaid"] == 1
    assert "length" not in endless.metrics
    assert endless.metrics["mel"] == usual.metrics["mel"]
    assert not [name for name in {**endless.sounds, **endless.pictures} if name.endswith("_said")]


def test_a_recording_that_is_not_finite_is_left_out_and_told(training: Training, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "corpus" / "3.wav", np.full(20_800, np.nan), 16_000, subtype="FLOAT")
    found = training.evaluate(training.average.module, 1)
    assert [line.split(":")[0] for line in found.told] == ["evaluation"]
    assert math.isfinite(found.metrics["mel"])
