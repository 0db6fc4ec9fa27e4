"""The loop: take a batch, step, look after the run. It knows steps, not speech.

Everything a run is made of is in its folder, and a run that is killed at any moment goes on from its last checkpoint as
if nothing had happened: the same weights, bit for bit, on the same machine.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import torch
from torch.optim.swa_utils import AveragedModel

from sonorant.config import config
from sonorant.errors import TrainingError
from sonorant.training import checkpoint as checkpoints
from sonorant.training.checkpoint import Checkpoint
from sonorant.training.optim import NonFiniteError
from sonorant.training.step import Step
from sonorant.training.tracker import Exhibits, Tracker

if TYPE_CHECKING:
    from lightning_fabric import Fabric

MAX_PARTS = 64
MAX_DUMPS = 32
"""Parts of bad batches kept: an utterance that is not finite comes again each epoch, and would fill the disk."""
CHECKPOINTS = "checkpoints"


@config
class RunConfig:
    """How long to train and how often to look. None of it changes what the weights are at a step."""

    steps: int
    log_every: int = 50
    evaluate_every: int = 1000
    checkpoint_every: int = 1000
    keep_last: int = 3
    """Checkpoints kept beside the best one."""
    bad_steps: int = 10
    """So many steps in a row that are not finite stop the run."""

    def __post_init__(self) -> None:
        for name in ("steps", "log_every", "evaluate_every", "checkpoint_every", "keep_last", "bad_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")


class Part(Protocol):
    """A share of a batch that one process computes at once."""

    def to(self, device: torch.device) -> Any: ...

    def tensors(self) -> Mapping[str, torch.Tensor]:
        """What it holds, by name, to be looked at when a step fails."""
        ...

    @property
    def ids(self) -> Sequence[str]:
        """The names of its items."""
        ...


P = TypeVar("P", bound=Part)
P_co = TypeVar("P_co", bound=Part, covariant=True)


class Batches(Protocol[P_co]):
    """An endless supply of batches, each in parts, the same from the same position on."""

    def start(
        self, position: Mapping[str, int] | None, parts: int
    ) -> Iterator[tuple[Sequence[P_co], Mapping[str, int]]]:
        """Batches from a position (None: the beginning), each in about so many parts, with the position after it."""
        ...


@dataclass(frozen=True)
class Training(Generic[P]):
    """What a recipe hands to the loop.

    average: of the first player's weights. evaluate: looks at the average; called in one process, lower is better for
    metrics[best_by].
    """

    step: Step[P]
    batches: Batches[P]
    average: AveragedModel
    evaluate: Callable[[torch.nn.Module, int], Exhibits]
    best_by: str
    parts: int = 1
    """How many parts a batch is computed in, to begin with."""


def train(
    fabric: Fabric,
    training: Training[P],
    run: RunConfig,
    folder: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train until run.steps, going on from the last checkpoint in the folder if there is one.

    should_stop: asked after every step; the run then writes a checkpoint and stops. Returns whether it got to the end.
    Raises TrainingError when a checkpoint or the log cannot be written, the run is past its steps, or too many steps in
    a row are not finite.
    """
    return _Loop(fabric, training, run, folder).run(should_stop)


def check_goal(folder: Path, steps: int) -> None:
    """Raise TrainingError where a folder's checkpoints are past the steps asked for."""
    reached = checkpoints.steps(folder / CHECKPOINTS)
    if reached and reached[-1] > steps:
        raise TrainingError(
            f"{folder}: is at step {reached[-1]:,} already, past the run.steps asked for, {steps:,}: ask for "
            f"{reached[-1]} or more"
        )


class _Loop(Generic[P]):
    def __init__(self, fabric: Fabric, training: Training[P], run: RunConfig, folder: Path) -> None:
        self._fabric = fabric
        self._training = training
        self._run = run
        self._folder = folder
        self._checkpoints = folder / CHECKPOINTS
        self._step = 0
        self._position: Mapping[str, int] | None = None
        self._n_parts = training.parts
        self._n_bad = 0
        self._best: tuple[float, int] | None = None
        self._saved = 0

    # ---- a run ----------------------------------------------------------------------------------------------------

    def run(self, should_stop: Callable[[], bool]) -> bool:
        check_goal(self._folder, self._run.steps)
        if checkpoints.steps(self._checkpoints):
            self._restore(checkpoints.read(self._checkpoints))
        if not self._fabric.is_global_zero:
            return self._steps(None, should_stop)
        with Tracker(self._folder, steps=self._run.steps, start=self._step) as tracker:
            if self._step:
                tracker.event(self._step, "resumed")
            return self._steps(tracker, should_stop)

    def _steps(self, tracker: Tracker | None, should_stop: Callable[[], bool]) -> bool:
        for player in self._training.step.players:
            player.module.train()
        source = self._training.batches.start(self._position, self._n_parts)
        n_parts = self._n_parts
        n_timed, waited, passed = 0, 0.0, 0.0
        while self._step < self._run.steps:
            asked = time.monotonic()
            parts, position = next(source)
            waited += time.monotonic() - asked
            values = self._one(parts, tracker)
            passed += time.monotonic() - asked  # evaluations and checkpoints are no part of a step
            n_timed += 1
            self._step += 1
            self._position = position
            if n_parts != self._n_parts:  # memory ran out: smaller parts from here on
                source, n_parts = self._training.batches.start(self._position, self._n_parts), self._n_parts
            is_last = self._step == self._run.steps
            if tracker is not None and values and (self._step % self._run.log_every == 0 or is_last):
                times = {"time/step_s": passed / n_timed, "time/waiting_for_data": waited / passed}
                n_timed, waited, passed = 0, 0.0, 0.0
                tracker.scalars(self._step, {**values, **times})
                tracker.progress(self._step, values)
            if self._step % self._run.evaluate_every == 0 or is_last:
                self._evaluate(tracker)
            stops = self._all_agree(should_stop())
            if self._step % self._run.checkpoint_every == 0 or is_last or stops:
                self._save()
            if stops:
                if tracker is not None:
                    tracker.event(self._step, "stopped as asked, with a checkpoint")
                return self._step == self._run.steps
        return True

    @property
    def _next(self) -> int:
        """The step that is being made, by the number it has when it is done."""
        return self._step + 1

    def _one(self, parts: Sequence[P], tracker: Tracker | None) -> Mapping[str, float]:
        """One step, however often memory runs out; nothing when it was skipped."""
        step = self._training.step
        while True:
            here: list[Any] = [part.to(self._fabric.device) for part in parts]
            try:
                values = step(here, self._step)
            except NonFiniteError as fault:
                self._skip(here, str(fault), tracker)
                return {}
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                parts = self._smaller(parts, tracker, error)
                continue
            self._n_bad = 0
            self._training.average.update_parameters(step.players[0].network)
            return values

    def _smaller(self, parts: Sequence[P], tracker: Tracker | None, error: BaseException) -> Sequence[P]:
        if self._fabric.world_size > 1:
            raise TrainingError(
                f"step {self._next:,}: memory ran out in one of {self._fabric.world_size} processes, which cannot back "
                "off alone; begin another run with a lower data.batch_s, or more data.parts"
            ) from error
        for player in self._training.step.players:
            player.optimizer.zero_grad(set_to_none=True)
        n_items = sum(len(part.ids) for part in parts)
        if self._n_parts >= min(n_items, MAX_PARTS):
            raise TrainingError(
                f"step {self._next:,}: memory ran out with one item at a time; shorten the longest utterances "
                "(data.selection.max_duration_s)"
            ) from error
        self._n_parts *= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if tracker is not None:
            tracker.event(self._next, f"out of memory: batches are computed in {self._n_parts} parts from here on")
        again, _ = next(self._training.batches.start(self._position, self._n_parts))
        return again

    def _skip(self, parts: Sequence[Any], fault: str, tracker: Tracker | None) -> None:
        """Dump what could not be learned from; stop after too many in a row."""
        self._n_bad += 1
        guilty = [name for part in parts for name in _non_finite(part)]
        dump = self._folder / "bad" / f"step_{self._next:09d}_{self._fabric.global_rank}"
        n_kept = len(list(dump.parent.glob("*.json")))
        for index, part in enumerate(parts[: max(MAX_DUMPS - n_kept, 0)]):
            _dump(dump.with_name(f"{dump.name}_{index}"), part, fault)
        where = f"dumped to {dump}_*" if n_kept < MAX_DUMPS else f"not dumped, for {dump.parent} holds {n_kept} already"
        names = [name for part in parts for name in part.ids]
        whose = f"not finite themselves: {', '.join(guilty)}" if guilty else f"items: {', '.join(names)}"
        if tracker is not None:
            tracker.event(self._next, f"skipped, {fault} ({whose}); {where}", items=names, guilty=guilty)
        if self._n_bad >= self._run.bad_steps:
            raise TrainingError(
                f"step {self._next:,}: {self._n_bad} steps in a row were not finite, last because {fault} ({whose}); "
                f"their batches are in {dump.parent}; check the data ('sonorant corpus check'), or lower the learning "
                "rate, and resume from the last checkpoint"
            )

    def _all_agree(self, stops: bool) -> bool:
        if self._fabric.world_size == 1:
            return stops
        flag = self._fabric.all_reduce(torch.tensor(float(stops), device=self._fabric.device), reduce_op="sum")
        return float(flag) > 0  # type: ignore[arg-type]

    def _evaluate(self, tracker: Tracker | None) -> None:
        if tracker is not None:
            average = self._training.average.module
            was_training = average.training
            average.eval()
            exhibits = self._training.evaluate(average, self._step)
            average.train(was_training)
            tracker.exhibit(self._step, exhibits)
            figure = exhibits.metrics[self._training.best_by]
            # One that is no number would never be beaten.
            if math.isfinite(figure) and (self._best is None or figure < self._best[0]):
                self._best = (figure, self._step)
                self._write()
        self._fabric.barrier()

    # ---- checkpoints ----------------------------------------------------------------------------------------------

    def _save(self) -> None:
        self._write()
        self._fabric.barrier()

    def _write(self) -> None:
        """Write a checkpoint, in the first process, if there is none of this step."""
        if self._fabric.is_global_zero and self._saved != self._step:
            step = self._training.step
            precision = self._fabric.strategy.precision.state_dict()
            checkpoints.write(
                self._checkpoints,
                Checkpoint(
                    parts={player.name: player.network.state_dict() for player in step.players}
                    | {"average": self._training.average.state_dict()},
                    optimizers={player.name: player.optimizer_state() for player in step.players}
                    | {"precision": precision},
                    state={
                        "step": self._step,
                        "position": self._position,
                        "parts": self._n_parts,
                        "bad_steps": self._n_bad,
                        "best": self._best,
                        "run": asdict(self._run),
                    },
                ),
            )
            self._saved = self._step
            best = self._best[1] if self._best else None
            checkpoints.prune(self._checkpoints, keep_last=self._run.keep_last, best=best)

    def _restore(self, saved: Checkpoint) -> None:
        try:
            for player in self._training.step.players:
                player.network.load_state_dict(dict(saved.parts[player.name]))
                player.load_optimizer_state(saved.optimizers[player.name])
            self._training.average.load_state_dict(dict(saved.parts["average"]))
        except (KeyError, RuntimeError, ValueError) as error:
            place = checkpoints.folder_of(self._checkpoints, saved.step)
            raise TrainingError(
                f"{place}: holds other networks than this recipe's ({_one_line(error)}): go on with the version of "
                "sonorant that wrote it, or begin another run"
            ) from None
        self._fabric.strategy.precision.load_state_dict(saved.optimizers["precision"])
        state = saved.state
        self._step = self._saved = saved.step
        self._position = state["position"]
        self._n_parts = state["parts"]
        self._n_bad = state["bad_steps"]
        self._best = tuple(state["best"]) if state["best"] else None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "allocate memory" in str(error)  # PyTorch's way of saying MemoryError on a CPU


def _non_finite(part: Part) -> list[str]:
    """The items of a part that hold numbers which are none."""
    guilty = set()
    for tensor in part.tensors().values():
        if tensor.is_floating_point() and tensor.shape[0] == len(part.ids):
            is_bad = ~torch.isfinite(tensor).reshape(len(part.ids), -1).all(dim=1)
            guilty |= {part.ids[index] for index in is_bad.nonzero().flatten().tolist()}
    return sorted(guilty)


def _dump(path: Path, part: Part, fault: str) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in part.tensors().items()}
    facts = {"fault": fault, "items": list(part.ids), "not_finite": _non_finite(part)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path.with_suffix(".safetensors"))
        path.with_suffix(".json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path}: a bad batch cannot be dumped ({error}); make room and resume") from None
