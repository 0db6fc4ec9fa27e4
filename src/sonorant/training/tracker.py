"""What a run says of itself: a JSONL log, TensorBoard, pictures and sounds, a line or a bar of progress."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import AudioWriter, Samples, whole_file
from sonorant.errors import MissingExtraError, TrainingError

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter
    from tqdm import tqdm

LOG = "log.jsonl"


@dataclass(frozen=True)
class Sound:
    samples: Samples  # float32 [N]
    sample_rate_hz: int


@dataclass(frozen=True)
class Picture:
    """A matrix to be looked at: a spectrogram, an alignment. values: [rows, columns], row 0 at the bottom."""

    values: NDArray[np.float32]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class Exhibits:
    """What an evaluation found: numbers, sounds and pictures by name, and what whoever watches must be told."""

    metrics: Mapping[str, float]
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    told: tuple[str, ...] = ()


class Tracker:
    """Writes to a run's folder. Only one process of a run has one."""

    def __init__(self, folder: Path, *, steps: int, start: int) -> None:
        """start: the step the run goes on from; what was logged of later steps is forgotten, for it is done again."""
        self.folder = folder
        self._steps = steps
        self._start = start
        self._began = time.monotonic()
        self._log_path = folder / LOG
        _forget_after(self._log_path, start)
        self._log_file = self._log_path.open("ab", buffering=0)  # nothing is left to be written when it is closed
        self._board = _board(folder / "tensorboard", start)
        self._bar: tqdm[Any] | None = _bar(steps, start)

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()
        self._log_file.close()
        try:
            self._board.close()
        except OSError as error:
            if kind is None:  # else what went wrong first is what is told
                raise TrainingError(f"{self.folder / 'tensorboard'}: cannot be written ({error.strerror})") from None

    def scalars(self, step: int, values: Mapping[str, float], *, kind: str = "step") -> None:
        """Log numbers of a step. Raises TrainingError when they cannot be written."""
        self._row({"kind": kind, "step": step, **values})
        for name, value in values.items():
            self._board.add_scalar(name if "/" in name else f"{kind}/{name}", value, step)

    def event(self, step: int, what: str, **facts: Any) -> None:
        """Log something that happened, and say it. Raises TrainingError when it cannot be written."""
        self._row({"kind": "event", "step": step, "what": what, **facts})
        self.say(f"{self.folder.name}: step {step:,}: {what}")

    def _row(self, row: Mapping[str, Any]) -> None:
        data = (json.dumps(row) + "\n").encode()
        try:
            n_written = self._log_file.write(data)
        except OSError as error:
            raise TrainingError(f"{self._log_path}: cannot be written ({error.strerror})") from None
        if n_written != len(data):
            raise TrainingError(f"{self._log_path}: cannot be written (the disk is full)")

    def progress(self, step: int, values: Mapping[str, float]) -> None:
        """Show where the run is: on a terminal as a bar, else as a line."""
        shown = {name.split("/")[-1]: f"{value:.3g}" for name, value in values.items() if _is_shown(name)}
        if self._bar is not None:
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update(step - self._start - self._bar.n)
            return
        rate = (step - self._start) / max(time.monotonic() - self._began, 1e-9)
        left = (self._steps - step) / rate if rate else 0.0
        terms = " ".join(f"{name} {value}" for name, value in shown.items())
        self.say(f"{self.folder.name}: step {step:,}/{self._steps:,}  {rate:.2f} steps/s  {_clock(left)} left  {terms}")

    def say(self, line: str) -> None:
        """A line for whoever watches."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def exhibit(self, step: int, exhibits: Exhibits) -> None:
        """Keep an evaluation's numbers, sounds and pictures, in the log, for TensorBoard and as files."""
        self.scalars(step, exhibits.metrics, kind="evaluation")
        place = self.folder / "samples" / f"step_{step:09d}"
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{place}: cannot be made ({error.strerror})") from None
        for name, sound in exhibits.sounds.items():
            with AudioWriter(place / f"{name}.wav", sound.sample_rate_hz) as writer:
                writer.write(sound.samples)
            self._board.add_audio(name, np.clip(sound.samples, -1, 1), step, sample_rate=sound.sample_rate_hz)
        for name, picture in exhibits.pictures.items():
            image = drawn(picture, title=f"{name}, step {step:,}")
            with whole_file(place / f"{name}.png") as part:
                _save_png(part, image)
            self._board.add_image(name, image, step, dataformats="HWC")
        for line in exhibits.told:
            self.event(step, line)


def drawn(picture: Picture, *, title: str) -> NDArray[np.uint8]:
    """A picture with its axes, as RGB [H, W, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    image = axes.imshow(picture.values, origin="lower", aspect="auto", interpolation="none")
    axes.set(title=title, xlabel=picture.x_label, ylabel=picture.y_label)
    figure.colorbar(image, ax=axes)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[:, :, :3].copy()  # type: ignore[no-untyped-call]
    return pixels


def _save_png(path: Path, image: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(image).save(path, format="png")


def _is_shown(name: str) -> bool:
    return not name.startswith(("rate/", "norm/", "time/"))


def _clock(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}"


def _bar(steps: int, start: int) -> tqdm[Any] | None:
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=steps - start, unit="step", smoothing=0.05, dynamic_ncols=True)


def _board(folder: Path, start: int) -> SummaryWriter:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # tensorboard's own imports
            from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:
        raise MissingExtraError("training", package="tensorboard", extra="train") from None
    return SummaryWriter(str(folder), purge_step=start + 1)


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of later steps, and a last line that a killed run left torn."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["step"] <= step:
            kept.append(line)
    with whole_file(path) as part:
        part.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows of a run's log, oldest first; each has "kind" and "step"."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
