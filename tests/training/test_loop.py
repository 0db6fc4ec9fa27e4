"""The loop on a toy: one number to learn, and a memory that runs out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
import torch

from sonorant.errors import TrainingError
from sonorant.training import checkpoint as checkpoints
from sonorant.training import loop
from sonorant.training.average import moving_average
from sonorant.training.devices import build_fabric
from sonorant.training.loop import CHECKPOINTS, RunConfig, Training, train
from sonorant.training.optim import OptimizerConfig, set_up
from sonorant.training.step import Randomness
from sonorant.training.supervised import SupervisedStep
from sonorant.training.tracker import LOG, Exhibits, Picture, Sound, read_log


@dataclass(frozen=True)
class Numbers:
    values: torch.Tensor  # [B]
    n_in_batch: int

    @property
    def ids(self) -> Sequence[str]:
        return [str(float(value)) for value in self.values]

    def to(self, device: torch.device) -> Numbers:
        return self

    def tensors(self) -> Mapping[str, torch.Tensor]:
        return {"values": self.values}


class NumberBatches:
    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[Numbers], Mapping[str, int]]]:
        index = position["batch"] if position else 0
        while True:
            values = torch.arange(8.0) + index % 5
            yield [Numbers(values[start::parts], 8) for start in range(parts)], {"batch": index + 1}
            index += 1


class Distance:
    """The mean squared distance of the numbers to the one that is learned. capacity: items that fit into memory."""

    terms: tuple[str, ...] = ("distance",)

    def __init__(self, capacity: int = 8) -> None:
        self.capacity = capacity
        self.player = None

    def __call__(self, batch: Numbers, step: int, wanted: frozenset[str]) -> Mapping[str, torch.Tensor]:
        if len(batch.values) > self.capacity:
            raise torch.OutOfMemoryError("not enough memory")
        return {"distance": ((batch.values - self.player(batch.values)) ** 2).sum() / batch.n_in_batch}


class Learned(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(()))

    def forward(self, like: torch.Tensor) -> torch.Tensor:
        return self.number.expand_as(like)


def to_the_sixth(step: int) -> float:
    """A figure that is best at step 6."""
    return abs(step - 6.0)


def run(
    folder: Path,
    *,
    capacity: int = 8,
    steps: int = 12,
    keep_last: int = 3,
    log_every: int = 1,
    figure: Callable[[int], float] = to_the_sixth,
    told: Mapping[int, str] = MappingProxyType({}),
    objective: Distance | None = None,
    network: torch.nn.Module | None = None,
) -> float:
    folder.mkdir(exist_ok=True)
    fabric = build_fabric("fp32", accelerator="cpu")
    network, objective = network or Learned(), objective or Distance(capacity)
    player = set_up(fabric, "generator", network, OptimizerConfig(learning_rate=0.1))
    objective.player = player

    def evaluate(average: torch.nn.Module, step: int) -> Exhibits:
        assert not average.training
        matrix = torch.eye(4).numpy()
        sound = Sound(torch.zeros(800).numpy(), 16_000)
        line = Picture(matrix, "x", "y")
        return Exhibits({"mel": figure(step)}, {"beep": sound}, {"line": line}, (told[step],) if step in told else ())

    training = Training(
        step=SupervisedStep(fabric, objective, player, {"distance": 1.0}, Randomness(0)),
        batches=NumberBatches(),
        average=moving_average(network, decay=0.9),
        evaluate=evaluate,
        best_by="mel",
    )
    cfg = RunConfig(steps=steps, log_every=log_every, evaluate_every=3, checkpoint_every=2, keep_last=keep_last)
    assert train(fabric, training, cfg, folder)
    return float(network.number.detach())


def test_memory_that_runs_out_halves_the_parts_and_changes_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_plenty = run(tmp_path / "plenty")
    in_need = run(tmp_path / "need", capacity=2)
    assert in_need == pytest.approx(in_plenty, abs=1e-6)
    told = capsys.readouterr().err
    assert "out of memory: batches are computed in 2 parts from here on" in told
    assert "out of memory: batches are computed in 4 parts from here on" in told
    assert checkpoints.read(tmp_path / "need" / CHECKPOINTS).state["parts"] == 4
    assert [row["step"] for row in read_log(tmp_path / "need" / LOG) if row["kind"] == "step"] == list(range(1, 13))


def test_what_an_evaluation_has_to_tell_is_said_and_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "run", told={6: "nothing is learned"})
    assert capsys.readouterr().err.count("run: step 6: nothing is learned\n") == 1
    rows = [row for row in read_log(tmp_path / "run" / LOG) if row.get("what") == "nothing is learned"]
    assert [row["step"] for row in rows] == [6]


def test_memory_too_small_for_one_item_stops_with_a_word(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="memory ran out with one item at a time"):
        run(tmp_path / "run", capacity=0)


def test_the_best_and_the_last_checkpoints_are_kept(tmp_path: Path) -> None:
    run(tmp_path / "run", keep_last=2)
    folder = tmp_path / "run" / CHECKPOINTS
    assert checkpoints.steps(folder) == [6, 10, 12]
    assert checkpoints.read(folder, best=True).step == 6


def test_a_figure_that_is_no_number_is_never_the_best(tmp_path: Path) -> None:
    run(tmp_path / "run", figure=lambda step: float("nan") if step < 9 else float(step))
    assert checkpoints.read(tmp_path / "run" / CHECKPOINTS, best=True).step == 9


def test_a_run_past_the_steps_asked_for_says_so(tmp_path: Path) -> None:
    run(tmp_path / "run", steps=4)
    with pytest.raises(TrainingError, match=r"is at step 4 already, past the run\.steps asked for, 3: ask for 4 or"):
        run(tmp_path / "run", steps=3)
    run(tmp_path / "run", steps=4)


class AlsoLearned(Learned):
    def __init__(self) -> None:
        super().__init__()
        self.other = torch.nn.Parameter(torch.zeros(()))


def test_a_checkpoint_of_another_network_is_refused_by_its_name(tmp_path: Path) -> None:
    run(tmp_path / "run", steps=4)
    message = r"step_000000004: holds other networks than this recipe's \(.*other.*\): go on with the version"
    with pytest.raises(TrainingError, match=message):
        run(tmp_path / "run", steps=6, network=AlsoLearned())


class Poisoned(Distance):
    """Not finite at every third step, the first included."""

    def __call__(self, batch: Numbers, step: int, wanted: frozenset[str]) -> Mapping[str, torch.Tensor]:
        terms = super().__call__(batch, step, wanted)
        return {name: term * (torch.nan if step % 3 == 0 else 1.0) for name, term in terms.items()}


def test_what_was_logged_of_steps_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    run(tmp_path / "run", steps=8, objective=Poisoned())
    shutil.rmtree(tmp_path / "run" / CHECKPOINTS / "step_000000008")
    run(tmp_path / "run", steps=8, objective=Poisoned())
    events = [row for row in read_log(tmp_path / "run" / LOG) if row["kind"] == "event"]
    assert [(row["step"], row["what"][:7]) for row in events] == [
        (1, "skipped"),
        (4, "skipped"),
        (6, "resumed"),
        (7, "skipped"),
    ]


def test_only_so_many_bad_batches_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MAX_DUMPS", 2)
    run(tmp_path / "run", objective=Poisoned())
    kept = sorted(path.name for path in (tmp_path / "run" / "bad").iterdir())
    assert kept == [f"step_00000000{step}_0_0.{suffix}" for step in (1, 4) for suffix in ("json", "safetensors")]
    events = [row["what"] for row in read_log(tmp_path / "run" / LOG) if row["kind"] == "event"]
    assert len(events) == 4
    assert "holds 2 already" in events[-1]


def test_the_time_of_a_step_is_that_of_steps_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slow(Distance):
        def __call__(self, batch: Numbers, step: int, wanted: frozenset[str]) -> Mapping[str, torch.Tensor]:
            now[0] += 2.0
            return super().__call__(batch, step, wanted)

    def long_look(step: int) -> float:
        now[0] += 100.0
        return 0.0

    run(tmp_path / "run", steps=10, log_every=4, figure=long_look, objective=Slow())
    rows = [row for row in read_log(tmp_path / "run" / LOG) if row["kind"] == "step"]
    assert [(row["step"], row["time/step_s"]) for row in rows] == [(4, 2.0), (8, 2.0), (10, 2.0)]


def test_an_evaluation_leaves_numbers_sounds_and_pictures(tmp_path: Path) -> None:
    run(tmp_path / "run")
    place = tmp_path / "run" / "samples" / "step_000000006"
    assert sorted(path.name for path in place.iterdir()) == ["beep.wav", "line.png"]
    rows = [row for row in read_log(tmp_path / "run" / LOG) if row["kind"] == "evaluation"]
    assert [(row["step"], row["mel"]) for row in rows] == [(3, 3.0), (6, 0.0), (9, 3.0), (12, 6.0)]
    events = list((tmp_path / "run" / "tensorboard").iterdir())
    assert events
    assert events[0].stat().st_size > 1000


def test_the_average_follows_its_network() -> None:
    network = Learned()
    average = moving_average(network, decay=0.5)
    average.update_parameters(network)  # the first is a copy
    for number in (1.0, 2.0, 3.0):
        network.number.data.fill_(number)
        average.update_parameters(network)
    # Decays 2/11, 3/12, 4/13 while young: (1 + n) / (10 + n).
    expected = 0.0
    for n, number in enumerate((1.0, 2.0, 3.0), 1):
        decay = (1 + n) / (10 + n)
        expected = decay * expected + (1 - decay) * number
    assert float(average.module.number) == pytest.approx(expected)


def test_a_full_disk_under_the_log_is_said(tmp_path: Path) -> None:
    from sonorant.training.tracker import Tracker

    with Tracker(tmp_path, steps=5, start=0) as tracker:
        tracker.scalars(1, {"a": 1.0})
        tracker._log_file.close()
        tracker._log_file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115 - the tracker closes it
        for log in (lambda: tracker.scalars(2, {"a": 2.0}), lambda: tracker.event(2, "something")):
            with pytest.raises(TrainingError, match=r"log\.jsonl: cannot be written \(No space left on device\)"):
                log()
    assert [row["step"] for row in read_log(tmp_path / LOG)] == [1]
