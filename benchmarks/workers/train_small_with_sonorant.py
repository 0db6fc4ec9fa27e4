"""One side of `benchmarks/train_small.py`: a recipe's own batches of a prepared corpus, at several of its steps.

Started by torchrun, its processes share each batch; the first of them answers for all.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.distributed as distributed
from stepping import memory_mb, serve
from train_with_sonorant import SonorantTraining

from sonorant.config import read_yaml
from sonorant.data.dataset import LoaderConfig
from sonorant.models.recipes import parse_recipe
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.training.schedule import value_at


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    imported_mb = memory_mb()
    recipe = parse_recipe(read_yaml(options.recipe), source=str(options.recipe))
    assert isinstance(recipe, Vits2Recipe)
    n_processes = int(os.environ.get("WORLD_SIZE", "1"))
    data = recipe.data  # of one process
    data = replace(data, batch_s=data.batch_s / n_processes, batch_items=max(data.batch_items // n_processes, 1))
    recipe = replace(recipe, loader=LoaderConfig(workers=0), data=data)
    training = SonorantTraining(recipe, options.prepared)
    n_batches = len(training.batches.sampler.epoch(0))
    epoch = [parts for parts, _ in islice(training.batches.start(None, recipe.data.parts), n_batches)]
    items = [sum(len(part.ids) for part in parts) for parts in epoch]

    def turn(at: int) -> Callable[[], None]:
        def all_batches() -> None:
            for parts in epoch:
                training.step(parts, at)

        return all_batches

    works = {name: turn(at) for name, at in phases(recipe).items()}
    cpu_clock: Callable[[], float] = time.process_time
    if n_processes > 1:
        pids: list[Any] = [None] * n_processes
        distributed.all_gather_object(pids, os.getpid())
        if distributed.get_rank() > 0:
            follow(works)
            return
        works = {name: leading(name, work) for name, work in works.items()}
        cpu_clock = partial(cpu_s_of, pids)
    serve(
        works,
        training.watched,
        cpu_clock=cpu_clock,
        processes=n_processes,
        imported_mb=imported_mb,
        phases=list(works),
        batches=n_batches,
        items=f"{min(items)} to {max(items)}",
        **training.facts,
    )


def leading(name: str, work: Callable[[], None]) -> Callable[[], None]:
    """The work, done by all processes together."""

    def lead() -> None:
        distributed.broadcast_object_list([name])
        work()
        distributed.barrier()

    return lead


def follow(works: Mapping[str, Callable[[], None]]) -> None:
    """Do what the first process does, until it is gone."""
    while True:
        asked: list[Any] = [None]
        try:
            distributed.broadcast_object_list(asked)
        except RuntimeError:  # the connection was closed
            return
        works[asked[0]]()
        distributed.barrier()


def cpu_s_of(pids: Iterable[int]) -> float:
    """The CPU seconds that processes have taken so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # in user mode, in the kernel
    return ticks / os.sysconf("SC_CLK_TCK")


def phases(recipe: Vits2Recipe) -> dict[str, int]:
    """Steps between which the work of a step differs: the first, the first with discriminators, the last."""
    adversarial, last = recipe.losses["adversarial"], recipe.run.steps - 1
    joined = next((step for step in range(last + 1) if value_at(adversarial, step) > 0), None)
    found = {}
    for what, step in (("first step", 0), ("first step with discriminators", joined), ("last step", last)):
        if step is not None and step not in found.values():
            found[f"{what} ({step:,}), slices of {value_at(recipe.segment_frames, step):.0f} frames"] = step
    return found


if __name__ == "__main__":
    main()
