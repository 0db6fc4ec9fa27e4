"""One side of `benchmarks/train_small.py`: a recipe's own batches of a prepared corpus, at several of its steps."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
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
    recipe = replace(recipe, loader=LoaderConfig(workers=0))
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
    serve(
        works,
        training.watched,
        imported_mb=imported_mb,
        phases=list(works),
        batches=n_batches,
        items=f"{min(items)} to {max(items)}",
        **training.facts,
    )


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
