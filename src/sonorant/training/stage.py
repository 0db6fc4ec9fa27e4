"""Stages: a recipe is a list of them, each a function from folders to a folder.

    RUN/<stage>/stage.json    its settings, the fingerprints of its inputs, what it gave, and its status

Running a recipe again skips what is complete, goes on with what is not, and refuses where an input or a setting of a
stage is no longer what the stage began with.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from sonorant.audio.io import whole_file
from sonorant.errors import TrainingError
from sonorant.training import checkpoint as checkpoints
from sonorant.training.loop import CHECKPOINTS, check_goal
from sonorant.training.tracker import LOG

RECORD = "stage.json"


@dataclass(frozen=True)
class Stage:
    """One step of a recipe.

    settings: plain data that decides the outcome. inputs: files it reads, by the name an error shall give them.
    gives: files of its folder that later stages read; they exist when it is complete.
    run: fills the folder and says whether it finished, or was asked to stop before; called again, it goes on.
    goal: how far it is to go; with another goal a complete stage goes on. is_shared: all processes run it together.
    is_costly: what it gave is worth keeping though nothing has trained yet. is_remade: it begins anew where a stage
    that it began with goes on; without that, such a stage does not go on.
    """

    name: str
    settings: Mapping[str, Any]
    inputs: Callable[[], Mapping[str, Path]]
    gives: tuple[str, ...]
    run: Callable[[Path], bool]
    goal: Mapping[str, Any] = field(default_factory=dict)
    is_shared: bool = False
    is_costly: bool = False
    is_remade: bool = False


class Processes(Protocol):
    """The processes that share a run; Fabric is one."""

    @property
    def is_global_zero(self) -> bool: ...

    def barrier(self) -> None: ...

    def broadcast(self, obj: bool) -> bool:
        """What the first process gives."""
        ...


def run_stages(
    stages: Sequence[Stage],
    run: Path,
    processes: Processes,
    *,
    say: Callable[[str], None],
    goes_on: bool = True,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Run a recipe's stages, in order, below a run's folder. The first process does what is not done together.

    goes_on: whether this is the run that is there; else a stage in the way that began otherwise begins anew, if it is
    not costly.
    should_stop: asked of the first process before each stage, which then does not begin. Returns whether all are
    complete; they are not if one was asked to stop.

    Raises TrainingError, naming it, for an input or a setting that changed since its stage began, and for an output
    that is missing or changed since its stage completed.
    """
    for stage in stages:
        if processes.broadcast(should_stop()):
            return False
        folder = run / stage.name
        if processes.is_global_zero:
            _begin(stage, folder, say, goes_on=goes_on)
        processes.barrier()
        if _is_complete(stage, folder):
            continue
        runs_here = stage.is_shared or processes.is_global_zero
        is_done = stage.run(folder) if runs_here else None
        processes.barrier()
        if is_done and processes.is_global_zero:
            _complete(stage, folder)
        processes.barrier()
        # Who did not run it learns from its record how it ended: all go on, or none.
        if not (_is_complete(stage, folder) if is_done is None else is_done):
            return False
    return True


def check_settings(stages: Sequence[Stage], run: Path) -> None:
    """Raise TrainingError for a setting that changed since its stage began, and for a goal that a stage has passed, or
    can no longer go on to, for a later stage has begun with what it reached."""
    for stage in stages:
        folder = run / stage.name
        record = _made(folder)
        if record is not None:
            _compare_settings(folder, record, stage)
        if (steps := stage.goal.get("steps")) is not None:
            check_goal(folder, steps)
            reached, later = checkpoints.steps(folder / CHECKPOINTS), _begun_with(stages, run, stage)
            if reached and reached[-1] < steps and later:
                folders = ", ".join(str(run / name) for name in later)
                raise TrainingError(
                    f"{run}: {stage.name} was complete at step {reached[-1]:,}, and {later[0]} began with it; set the "
                    f"run.steps of {stage.name} back to {reached[-1]}, or remove {folders}, to make what follows anew"
                )


def is_begun(run: Path) -> bool:
    """Whether a stage of a run has trained; before that, it may begin again with other settings."""
    return any(run.glob(f"*/{LOG}"))


def is_worth_keeping(run: Path) -> bool:
    """Whether a run's folder holds what took long, be it half of it."""
    records = (_made(path.parent) for path in run.glob(f"*/{RECORD}"))
    return is_begun(run) or any(record is not None and record.get("is_costly") for record in records)


def _begin(stage: Stage, folder: Path, say: Callable[[str], None], *, goes_on: bool) -> None:
    record = _made(folder)
    inputs = {name: fingerprint(path) for name, path in stage.inputs().items()}
    if record is not None and not goes_on:
        try:
            _compare(folder, record, stage, inputs)
        except TrainingError:
            if stage.is_costly:
                raise
            say(f"{stage.name}: was made otherwise, and is made anew")
            record = None
            shutil.rmtree(folder)
    if record is None:
        folder.mkdir(parents=True, exist_ok=True)
        fresh: dict[str, Any] = {"name": stage.name, "settings": dict(stage.settings), "inputs": inputs}
        fresh |= {"started": _now(), "is_costly": stage.is_costly}
        _write(folder / RECORD, {**fresh, "status": "started"})
        return
    _compare(folder, record, stage, inputs)
    if _is_complete(stage, folder):
        say(f"{stage.name}: complete since {record['completed']}, skipped")
    else:
        say(f"{stage.name}: goes on")


def _complete(stage: Stage, folder: Path) -> None:
    record = _read(folder / RECORD)
    assert record is not None, "every stage that ran has a record"
    done = {
        "outputs": {name: fingerprint(folder / name) for name in stage.gives},
        "goal": dict(stage.goal),
        "status": "complete",
        "completed": _now(),
    }
    _write(folder / RECORD, {**record, **done})


def _is_complete(stage: Stage, folder: Path) -> bool:
    record = _read(folder / RECORD)
    if record is None or record["status"] != "complete" or record["goal"] != dict(stage.goal):
        return False
    # Whoever removes a damaged last checkpoint wants to go on from the one before it.
    reached = checkpoints.steps(folder / CHECKPOINTS)
    return not reached or reached[-1] >= stage.goal.get("steps", 0)


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file. Raises TrainingError when it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from None


def differences(before: Mapping[str, Any], now: Mapping[str, Any], *, at: str = "") -> list[str]:
    """Where two nested mappings differ, as 'a.b: 1 -> 2'."""
    found: list[str] = []
    for key in sorted({*before, *now}):
        name = f"{at}.{key}" if at else str(key)
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, at=name)
        elif key not in before:
            found.append(f"{name}: unset -> {json.dumps(new)}")
        elif key not in now:
            found.append(f"{name}: {json.dumps(old)} -> unset")
        elif json.loads(json.dumps(old)) != json.loads(json.dumps(new)):
            found.append(f"{name}: {json.dumps(old)} -> {json.dumps(new)}")
    return found


def _begun_with(stages: Sequence[Stage], run: Path, stage: Stage) -> list[str]:
    """The stages that have made something of what this one reached, themselves or by another, and stay."""
    sources, found = {stage.name}, []
    for other in stages:
        record = None if other.is_remade else _made(run / other.name)
        if record is not None and any(name.split("/")[0] in sources for name in record["inputs"]):
            sources.add(other.name)
            found.append(other.name)
    return found


def _made(folder: Path) -> dict[str, Any] | None:
    """The record of a stage that has made something; None where it failed before it did, or never began."""
    record = _read(folder / RECORD)
    has_begun = record is not None and record["status"] == "started"
    return None if has_begun and {path.name for path in folder.iterdir()} == {RECORD} else record


def _compare_settings(folder: Path, record: Mapping[str, Any], stage: Stage) -> None:
    if changed := differences(record["settings"], stage.settings):
        raise TrainingError(
            f"{folder}: began with other settings: {'; '.join(changed)}; set them back, or train into another folder"
        )


def _compare(folder: Path, record: Mapping[str, Any], stage: Stage, inputs: Mapping[str, str]) -> None:
    _compare_settings(folder, record, stage)
    for name in sorted({*record["inputs"], *inputs}):
        if record["inputs"].get(name) != inputs.get(name):
            raise TrainingError(
                f"{folder}: its input {name} has changed since {record['started']}; put the old one back, or train "
                "into another folder"
            )
    for name, digest in record.get("outputs", {}).items():
        if not (folder / name).is_file() or fingerprint(folder / name) != digest:
            raise TrainingError(
                f"{folder / name}: is missing or not what the stage {stage.name} gave; put it back, or train into "
                "another folder"
            )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not {"settings", "inputs", "started", "status"} <= record.keys():
            raise ValueError("fields are missing")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: is no record of a stage ({error}); train into another folder") from None
    return record  # type: ignore[no-any-return]


def _write(path: Path, record: Mapping[str, Any]) -> None:
    with whole_file(path) as part:
        part.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
