from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from sonorant.errors import TrainingError
from sonorant.training import checkpoint as checkpoints
from sonorant.training.checkpoint import Checkpoint


def made(step: int, *, best: tuple[float, int] | None = None) -> Checkpoint:
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return Checkpoint(
        parts={"generator": network.state_dict()},
        optimizers={"generator": optimizer.state_dict()},
        state={"step": step, "position": {"epoch": 1, "batch": 2}, "best": best},
    )


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    before = made(7)
    checkpoints.write(tmp_path, before)
    after = checkpoints.read(tmp_path)
    assert after.step == 7
    assert after.state["position"] == {"epoch": 1, "batch": 2}
    for name, tensor in before.parts["generator"].items():
        assert torch.equal(after.parts["generator"][name], tensor)
    old, new = before.optimizers["generator"], after.optimizers["generator"]
    assert torch.equal(new["state"][0]["exp_avg"], old["state"][0]["exp_avg"])
    assert new["param_groups"] == old["param_groups"]


def test_the_last_the_named_and_the_best_are_found(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        checkpoints.write(tmp_path, made(step, best=(0.5, 20)))
    assert checkpoints.steps(tmp_path) == [10, 20, 30]
    assert checkpoints.read(tmp_path).step == 30
    assert checkpoints.read(tmp_path, 10).step == 10
    assert checkpoints.read(tmp_path, best=True).step == 20
    with pytest.raises(TrainingError, match="no checkpoint of step 15, but 10, 20, 30"):
        checkpoints.read(tmp_path, 15)


def test_pruning_keeps_the_last_and_the_best(tmp_path: Path) -> None:
    for step in range(1, 8):
        checkpoints.write(tmp_path, made(step))
    checkpoints.prune(tmp_path, keep_last=2, best=3)
    assert checkpoints.steps(tmp_path) == [3, 6, 7]
    assert sorted(os.listdir(tmp_path)) == [f"step_{step:09d}" for step in (3, 6, 7)]


def test_what_a_kill_left_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, made(5))
    half = tmp_path / "step_000000010.part"
    half.mkdir()
    (half / "generator.safetensors").write_bytes(b"half")
    assert checkpoints.read(tmp_path).step == 5
    checkpoints.write(tmp_path, made(10))
    checkpoints.prune(tmp_path, keep_last=3, best=None)
    assert checkpoints.steps(tmp_path) == [5, 10]
    assert not half.exists()


@pytest.mark.parametrize("name", ["generator.safetensors", "optimizers.pt", "state.json"])
def test_a_damaged_file_is_named_and_nothing_is_run(tmp_path: Path, name: str) -> None:
    checkpoints.write(tmp_path, made(5))
    place = checkpoints.write(tmp_path, made(10)) / name
    place.write_bytes(place.read_bytes()[:-3] + b"xxx")
    with pytest.raises(TrainingError, match=r"step_000000010: is damaged.*remove it to go on from step 5"):
        checkpoints.read(tmp_path)
    with pytest.raises(TrainingError, match=r"step_000000010: is damaged.*remove it to go on from step 5"):
        checkpoints.read(tmp_path, best=True)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import hashlib
    import json
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    place = checkpoints.write(tmp_path, made(5))
    data = pickle.dumps(Evil(), protocol=2)
    (place / "optimizers.pt").write_bytes(data)
    state = json.loads((place / "state.json").read_text())
    state["files"]["optimizers.pt"] = hashlib.sha256(data).hexdigest()
    (place / "state.json").write_text(json.dumps(state))
    with pytest.raises(TrainingError, match="is damaged"):
        checkpoints.read(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.write(tmp_path, made(5))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"No space left on device\): the one of step 5 is whole; make room"):
        checkpoints.write(tmp_path, made(10))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["step_000000005"]
    assert checkpoints.read(tmp_path).step == 5
