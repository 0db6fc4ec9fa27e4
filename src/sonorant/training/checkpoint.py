"""Checkpoints: all that a run needs to go on as if it had never stopped. Written whole or not at all.

    checkpoints/step_000012000/
      generator.safetensors …   one file for each named part
      optimizers.pt             read back with weights_only=True
      state.json                step, position in the data, metrics, and the SHA-256 of every other file

A folder appears under its name only when every byte of it is on the disk, so whatever has the name is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sonorant.errors import TrainingError

STATE = "state.json"
_OPTIMIZERS = "optimizers.pt"
_PREFIX = "step_"
_PART = ".part"


@dataclass(frozen=True)
class Checkpoint:
    """What is written at a step and read back.

    parts: state dicts by name; optimizers: state dicts by name; state: plain data, with the step under "step".
    """

    parts: Mapping[str, Mapping[str, Tensor]]
    optimizers: Mapping[str, Any]
    state: Mapping[str, Any]

    @property
    def step(self) -> int:
        return int(self.state["step"])


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint below `folder` and return where it lies.

    Raises TrainingError when the disk is full or the folder cannot be written; the earlier checkpoints stay whole.
    """
    target = folder / f"{_PREFIX}{checkpoint.step:09d}"
    part = target.with_name(target.name + _PART)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        hashes: dict[str, str] = {}
        for name, tensors in checkpoint.parts.items():
            _write(part / f"{name}.safetensors", save({k: _storable(v) for k, v in tensors.items()}), hashes)
        _write(part / _OPTIMIZERS, _serialized(dict(checkpoint.optimizers)), hashes)
        state = {**checkpoint.state, "files": hashes, "torch": torch.__version__}
        _write(part / STATE, json.dumps(state, indent=1).encode(), {})
        _sync(part)
        if target.exists():  # the same step written again, after a resume
            shutil.rmtree(target)
        part.rename(target)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        last = steps(folder)
        kept = f"the one of step {last[-1]:,} is whole" if last else "there is none before it"
        raise TrainingError(
            f"{target}: the checkpoint cannot be written ({error.strerror or error}): {kept}; make room and resume"
        ) from None
    return target


def read(folder: Path, step: int | None = None, *, best: bool = False) -> Checkpoint:
    """The checkpoint of a step, or the last one; or, where none is named, the best one.

    Raises TrainingError when there is none or one of its files is not what was written.
    """
    known = steps(folder)
    if not known:
        raise TrainingError(f"{folder}: holds no checkpoint")
    if step is not None and step not in known:
        raise TrainingError(f"{folder}: holds no checkpoint of step {step:,}, but {', '.join(f'{s:,}' for s in known)}")
    place = folder_of(folder, known[-1] if step is None else step)
    try:
        if best and step is None:
            place = folder_of(folder, _best(folder, known))
        state = json.loads((place / STATE).read_text(encoding="utf-8"))
        files = {name: _read(place / name, digest) for name, digest in state["files"].items()}
        optimizers = torch.load(io.BytesIO(files.pop(_OPTIMIZERS)), map_location="cpu", weights_only=True)
        parts = {name.removesuffix(".safetensors"): load(data) for name, data in files.items()}
    except OSError as error:
        raise TrainingError(f"{place}: cannot be read ({error.strerror or error}){_other(known)}") from None
    except (KeyError, ValueError, SafetensorError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{place}: is damaged ({error}){_other(known)}") from None
    return Checkpoint(parts=parts, optimizers=optimizers, state=state)


def steps(folder: Path) -> list[int]:
    """The steps of the whole checkpoints below a folder, in order."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(int(digits) for name in names if (digits := name.removeprefix(_PREFIX)) != name and digits.isdigit())


def folder_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"{_PREFIX}{step:09d}"


def prune(folder: Path, *, keep_last: int, best: int | None) -> None:
    """Remove all checkpoints but the last few and the best, and what a killed run left half-written."""
    for step in steps(folder)[:-keep_last]:
        if step != best:
            # Renamed first: a kill in the middle must not leave a half-empty folder under a whole one's name.
            doomed = folder_of(folder, step)
            part = doomed.with_name(doomed.name + _PART)
            doomed.rename(part)
    for part in folder.glob(f"{_PREFIX}*{_PART}"):
        shutil.rmtree(part, ignore_errors=True)


def _best(folder: Path, known: Sequence[int]) -> int:
    """The step that the last checkpoint calls the best, if it is there."""
    state = json.loads((folder_of(folder, known[-1]) / STATE).read_text(encoding="utf-8"))
    step = state["best"][1] if state["best"] else known[-1]
    return step if step in known else known[-1]


def _other(known: list[int]) -> str:
    if len(known) < 2:
        return ""
    return f"; remove it to go on from step {known[-2]:,}"


def _storable(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def _serialized(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _write(path: Path, data: bytes, hashes: dict[str, str]) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    hashes[path.name] = hashlib.sha256(data).hexdigest()


def _read(path: Path, digest: str) -> bytes:
    data = path.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != digest:
        raise ValueError(f"{path.name} has SHA-256 {found[:12]}…, written was {digest[:12]}…")
    return data


def _sync(folder: Path) -> None:
    """Make names in a folder durable; systems that cannot open a folder need no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
