"""`sonorant train`: from a configuration and a manifest to a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sonorant.cli.align import aligning_voice

if TYPE_CHECKING:
    from sonorant.training.transfer import Source

_USAGE = "sonorant train CONFIG --run DIR [key=value …]"
_VOICE_OF_IT = "'sonorant voices export-run {run} OUT' makes a voice of it"
_NO_VOICE = {"phoneme_encoder": "'sonorant train … --init-from {run}' starts a voice's training from it"}
"""What is next for a system that cannot speak."""


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONFIG] [KEY=VALUE]…", help="A YAML file, and settings that replace its own."),
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="The run's folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    init_from: Annotated[
        str | None, typer.Option("--init-from", help="Start from the weights of a voice, or of another run.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Train a system, stage by stage; skip what is complete. In several processes: torchrun -m sonorant -- train."""
    from sonorant.config import override, read_yaml
    from sonorant.errors import ParameterError, TrainingError
    from sonorant.models.recipes import CONFIG

    if run is None:
        raise ParameterError(f"no --run: name the folder of the run, as in '{_USAGE}'")
    given = list(arguments or [])
    own = run / CONFIG
    source_file = Path(given.pop(0)) if given and "=" not in given[0] else None
    if resume and not own.is_file():
        raise TrainingError(f"{run}: holds no run to resume; leave out --resume to begin one")
    if source_file is None and not resume:
        raise ParameterError(f"no configuration: name one, as in '{_USAGE}'")
    data = override(read_yaml(source_file or own), given)
    if init_from is not None:
        data["init_from"] = init_from
    named = " with ".join([str(source_file or own), *([" ".join(given)] if given else [])])
    carry_out(data, run, source=named, resume=resume, device=device)


def carry_out(data: Mapping[str, Any], run: Path, *, source: str, resume: bool, device: str) -> bool:
    """Train by a configuration's data, in a run's folder; returns whether all is done, or it was asked to stop.

    source: where the data is from, for messages. Raises the errors of configurations, corpora and training.
    """
    from sonorant.cli.progress import progress_bar
    from sonorant.config import plain, read_yaml, yaml_text
    from sonorant.errors import ParameterError, TrainingError
    from sonorant.models.given import Given
    from sonorant.models.recipes import CONFIG, parse_recipe
    from sonorant.training.devices import build_fabric
    from sonorant.training.stage import check_settings, differences, is_begun, run_stages

    if device not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"--device is {device!r}, expected auto, cpu or cuda")
    own = run / CONFIG
    if not resume and is_begun(run):
        raise TrainingError(f"{run}: holds a run already; add --resume to go on with it, or name another folder")
    recipe = parse_recipe(data, source=source)
    settings = plain(recipe)
    start_from = recipe.init_from
    # Read before anything is made, so that a wrong name leaves nothing behind.
    weights = None if start_from is None or resume else _source(start_from)
    fabric = build_fabric(recipe.precision, accelerator=device)

    def say(line: str) -> None:
        if fabric.is_global_zero:
            typer.echo(line, err=True)

    if resume:
        changed = differences(read_yaml(own), settings)
        decisive = [change for change in changed if not change.startswith(recipe.undecided)]
        if decisive:
            raise TrainingError(
                f"{run}: was begun with other settings: {'; '.join(decisive)}; set them back, or begin another run"
            )
        for change in changed:
            say(f"changed: {change}")
    with _in_folder(run, is_first=fabric.is_global_zero), _stop_on_signal() as should_stop:
        starts = None if start_from is None else lambda: weights or _source(start_from)
        given = Given(aligning_voice, source=starts, should_stop=should_stop, progress=progress_bar)
        stages = recipe.stages(fabric, run, given)
        if resume:
            check_settings(stages, run)
        if fabric.is_global_zero:  # not before all of it may be so
            _write(own, yaml_text(settings))
        is_done = run_stages(stages, run, fabric, say=say, goes_on=resume, should_stop=should_stop)
    if is_done:
        following = _NO_VOICE.get(settings["system"], _VOICE_OF_IT)
        say(f"{run}: trained; {following.format(run=run)}")
    else:
        say(f"{run}: stopped; 'sonorant train --resume --run {run}' goes on with it")
    return is_done


def _write(path: Path, text: str) -> None:
    from sonorant.audio.io import whole_file

    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def _in_folder(run: Path, *, is_first: bool) -> Iterator[None]:
    """Within it, the run's folder is there and ours alone.

    A folder that was made for the run goes again when nothing in it took long, for a mistake in what was given.
    """
    import shutil

    from sonorant.errors import SonorantError
    from sonorant.training.stage import is_worth_keeping

    is_new = False
    if is_first:
        run.parent.mkdir(parents=True, exist_ok=True)
        try:
            run.mkdir()
            is_new = True
        except FileExistsError:
            run.mkdir(exist_ok=True)  # complains of a file
    try:
        with _alone(run, is_first=is_first):
            yield
    except SonorantError:
        if is_new and not is_worth_keeping(run):
            shutil.rmtree(run)
        raise


@contextmanager
def _alone(run: Path, *, is_first: bool) -> Iterator[None]:
    """Within it, no other run is in the folder. Raises TrainingError when one is already."""
    from sonorant.errors import TrainingError

    if not is_first or os.name != "posix":
        yield
        return
    import fcntl

    with (run / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(f"{run}: another process is training in it; stop that, or name another") from None
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)  # said, for a loader's worker that is still leaving holds the file as well


@contextmanager
def _stop_on_signal() -> Iterator[Any]:
    """Within it, SIGINT and SIGTERM ask for a stop after the step; a second SIGINT stops at once."""
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _source(name_or_path: str) -> Source:
    """The weights of a voice or of a run."""
    from safetensors.torch import load_file

    from sonorant.errors import VoiceError
    from sonorant.models.recipes import CONFIG, read_run
    from sonorant.models.starting import as_source
    from sonorant.training.transfer import Source
    from sonorant.voice import default
    from sonorant.voice.bundle import WEIGHTS, Bundle

    path = Path(name_or_path)
    if (path / CONFIG).is_file():
        return as_source(read_run(path), name_or_path)
    try:
        bundle = Bundle.read(default.find(name_or_path))
    except VoiceError as error:
        if path.exists():
            raise
        raise VoiceError(f"{error}, nor is it the folder of a run") from None
    return Source(
        name=name_or_path,
        weights=load_file(bundle.component(WEIGHTS)),
        symbols=bundle.manifest.symbols,
        speakers=bundle.manifest.speakers,
        languages=tuple(language.code for language in bundle.manifest.frontend.languages),
        system=bundle.manifest.system,
        model=bundle.manifest.model,
    )
