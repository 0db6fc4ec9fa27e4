"""The first stage of every recipe, and the batches of the later ones: a manifest or shards, by a recipe's settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sonorant.config import plain
from sonorant.data.dataset import DataConfig, LoaderConfig, Share, UtteranceBatches
from sonorant.data.manifest import read_manifest
from sonorant.data.prepare import TABLES, UTTERANCES, Corpus, Framing, prepare
from sonorant.data.shards.batches import ShardedBatches
from sonorant.data.shards.fetching import fetch
from sonorant.data.shards.format import LENGTHS, SHARDS, Shards
from sonorant.text.standard import TextConfig, text_of
from sonorant.training.stage import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PREPARE = "prepare"


def prepared_files(data: DataConfig) -> tuple[str, ...]:
    """What the stage gives."""
    return (UTTERANCES, TABLES) if data.shards is None else (UTTERANCES, TABLES, SHARDS, LENGTHS)


def prepare_stage(
    data: DataConfig, text: TextConfig, framing: Framing, *, settings: Mapping[str, Any], say: Callable[[str], None]
) -> Stage:
    """From what data names to what batches are made of. settings: further ones that decide the outcome.

    Shards come with their own texts' symbols: text is then not looked at.
    """
    manifest, shards = data.manifest, data.shards

    def run(folder: Path) -> bool:
        if manifest is None:
            assert shards is not None, "a configuration names one of the two"
            fetch(Shards.open(shards), folder, framing=framing)
            return True
        languages = sorted({utterance.language for utterance in read_manifest(manifest)})
        frontend, symbols = text_of(text, languages)
        dropped = prepare(
            manifest,
            folder,
            selection=data.selection,
            frontend=frontend,
            symbols=symbols,
            framing=framing,
            batch_s=data.batch_s,
        )
        for reason, count in dropped.items():
            say(f"{PREPARE}: left out {count:,}: {reason}")
        return True

    return Stage(
        name=PREPARE,
        settings={"selection": plain(data)["selection"], **settings},
        inputs=lambda: {} if manifest is None else {f"the manifest {manifest}": manifest},
        gives=prepared_files(data),
        run=run,
    )


class Batched(Protocol):
    """What batches are made by: the part of every recipe that is about them."""

    @property
    def data(self) -> DataConfig: ...
    @property
    def framing(self) -> Framing: ...
    @property
    def loader(self) -> LoaderConfig: ...
    @property
    def seed(self) -> int: ...


def training_batches(
    recipe: Batched, fabric: Fabric, prepared: Path, corpus: Corpus, *, tracks_pitch: bool = False
) -> UtteranceBatches | ShardedBatches:
    """This process's batches of a prepared corpus's training split, as a recipe wants them.

    prepared: the folder; tracks_pitch: whether they hold the pitch of frames.
    """
    data, framing, share = recipe.data, recipe.framing, Share(fabric.global_rank, fabric.world_size)
    if data.shards is not None:
        return ShardedBatches(
            Shards.open(data.shards, index=prepared),
            framing=framing,
            batch_s=data.batch_s,
            batch_items=data.batch_items,
            seed=recipe.seed,
            loader=recipe.loader,
            share=share,
            tracks_pitch=tracks_pitch,
        )
    return UtteranceBatches(
        corpus.of("train"),
        sample_rate_hz=framing.sample_rate_hz,
        hop=framing.hop,
        batch_s=data.batch_s,
        batch_items=data.batch_items,
        seed=recipe.seed,
        loader=recipe.loader,
        share=share,
        tracks_pitch=tracks_pitch,
    )


def decisive(recipe: Any) -> dict[str, Any]:
    """A recipe's settings that decide what the weights become.

    The manifest's place is not one, for its contents are an input; how long to run and how to load are none.
    """
    settings = plain(recipe)
    del settings["run"], settings["loader"], settings["data"]["manifest"], settings["data"]["shards"]
    return dict(settings)


def to_stderr(line: str) -> None:
    """Where a recipe's remarks go."""
    print(line, file=sys.stderr)
