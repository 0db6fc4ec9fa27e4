"""Every configuration of VITS, VITS2 and CVAE-JETS that is shipped takes its steps on the corpus of tones."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from sonorant.cli.main import main
from sonorant.config import read_yaml
from sonorant.training.tracker import LOG, read_log
from tests.corpora import write_corpus

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = sorted([*CONFIGS.glob("vits*/*.yaml"), *CONFIGS.glob("cvae_jets/*.yaml")])
"""The others are tried with their systems."""
FEW = ("data.batch_items=2", "data.batch_s=4", "loader.workers=0", "run.steps=2", "run.log_every=1")
FEW_DURATIONS = ("durations.batch_items=2", "durations.run.steps=2", "durations.run.log_every=1")
# Without the discriminators in the first step, with them in the second.
IN_TURN = ("losses.adversarial={kind: from, step: 1, value: 1}", "losses.feature={kind: from, step: 1, value: 2}")


def assert_two_steps(path: Path, folder: Path) -> None:
    """Train with few items for two steps; the rest is as the configuration has it."""
    run = folder / "run"
    manifest = write_corpus(folder / "corpus", n=4, validation=1)
    is_vits2 = read_yaml(path)["system"] == "vits2"
    settings = [f"data.manifest={manifest}", *FEW, *IN_TURN, *(FEW_DURATIONS if is_vits2 else ())]
    assert main(["train", str(path), "--run", str(run), "--device", "cpu", *settings]) == 0
    adversarial = {"train": [False, True], "durations": [True, True]}
    for stage in ("train", "durations")[: 1 + is_vits2]:
        steps = [row for row in read_log(run / stage / LOG) if row["kind"] == "step"]
        term = "generator/adversarial" if stage == "train" else "generator/duration_adversarial"
        assert [term in row for row in steps] == adversarial[stage]
        losses = [value for row in steps for name, value in row.items() if "/" in name]
        assert losses
        assert all(math.isfinite(value) for value in losses)
    shutil.rmtree(run)  # of the large ones more than a gigabyte


def test_the_small_configuration_takes_its_steps(tmp_path: Path) -> None:
    assert_two_steps(CONFIGS / "vits2/small.yaml", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_shipped_configuration_takes_its_steps(path: Path, tmp_path: Path) -> None:
    assert_two_steps(path, tmp_path)
