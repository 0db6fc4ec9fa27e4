"""One side of `benchmarks/train_step.py`: steps of a recipe as `sonorant train` takes them, in a process of its own."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from itertools import repeat
from pathlib import Path

import torch
from stepping import Watched, judging, memory_mb, serve, sizes

from sonorant.config import plain
from sonorant.data.batch import Example, Totals, collate
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import TABLES, UTTERANCES, Prepared, Tables
from sonorant.models.vits import game, model
from sonorant.models.vits.recipe import VitsRecipe, build
from sonorant.text.standard import standard_config
from sonorant.training.devices import build_fabric
from sonorant.training.loop import RunConfig

N_SYMBOLS = 178


def main() -> None:
    asked = sizes()
    torch.set_num_threads(asked.threads)
    imported_mb = memory_mb()
    recipe = VitsRecipe(
        data=DataConfig(manifest=Path("none")), run=RunConfig(steps=1000), loader=LoaderConfig(workers=0)
    )
    hop = recipe.model.spectrogram.hop
    fabric = build_fabric(recipe.precision, accelerator="cpu")
    with tempfile.TemporaryDirectory() as prepared:
        write_corpus(Path(prepared), asked.tokens, asked.frames * hop)
        training = build(recipe, fabric, Path(prepared))
    generator, discriminator = training.step.players
    for player in training.step.players:
        player.module.train()

    numbers = torch.Generator().manual_seed(0)
    examples = [
        Example(
            id=str(item),
            tokens=torch.randint(0, N_SYMBOLS, (asked.tokens,), generator=numbers),
            samples=torch.randn(asked.frames * hop, generator=numbers) * 0.1,
            speaker=0,
            language=0,
            seed=item,
        )
        for item in range(asked.items)
    ]
    totals = Totals(items=asked.items, tokens=asked.items * asked.tokens, frames=asked.items * asked.frames)
    batch = collate(examples, hop=hop, totals=totals)
    at = iter(range(recipe.run.steps))

    def step() -> None:
        training.step([batch.to(fabric.device)], next(at))
        training.average.update_parameters(generator.network)

    def watched() -> list[Watched]:
        network = generator.network
        return [
            Watched(network.text_encoder, "forward", repeat("text encoder")),
            Watched(network.posterior, "forward", repeat("posterior")),
            Watched(network.flow, "forward", repeat("flow")),
            Watched(model, "log_likelihood", repeat("alignment")),
            Watched(game, "monotonic_alignment", repeat("alignment")),
            Watched(network.duration, "loss", repeat("duration")),
            Watched(network.decoder, "forward", repeat("decoder")),
            Watched(discriminator.network, "forward", judging()),
            Watched(game, "linear_spectrogram", repeat("spectrograms")),
            Watched(game, "mel_spectrogram", repeat("spectrograms")),
            Watched(fabric, "clip_gradients", repeat("norms of gradients")),
            Watched(training.average, "update_parameters", repeat("moving average")),
        ]

    serve(
        step,
        watched,
        imported_mb=imported_mb,
        n_generator=sum(parameter.numel() for parameter in generator.network.parameters()),
        n_discriminator=sum(parameter.numel() for parameter in discriminator.network.parameters()),
    )


def write_corpus(folder: Path, n_tokens: int, n_samples: int) -> None:
    """One utterance that is never loaded, and tables of as many symbols as the paper's."""
    tables = Tables(
        symbols={chr(0x4E00 + row): row for row in range(N_SYMBOLS)},
        speakers=("one",),
        frontend=standard_config(["en-us"]),
        language_of_speaker=(0,),
        corpora=(),
        licences=(),
        seconds=0.0,
    )
    utterance = Prepared(
        id="one",
        audio="none.wav",
        start_s=0.0,
        end_s=None,
        n_samples=n_samples,
        speaker=0,
        language=0,
        split="train",
        weight=1.0,
        text="",
        phonemes="",
        tokens=(0,) * n_tokens,
    )
    (folder / TABLES).write_text(json.dumps(plain(tables)), encoding="utf-8")
    (folder / UTTERANCES).write_text(json.dumps(asdict(utterance)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
