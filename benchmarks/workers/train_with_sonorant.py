"""Our sides of `benchmarks/train_step.py`: steps of a recipe as `sonorant train` takes them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from itertools import repeat
from pathlib import Path

import torch
from stepping import Watched, judging, memory_mb, serve, sizes

from sonorant.config import plain
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import TABLES, UTTERANCES, Prepared, Tables
from sonorant.models.vits import game as vits_game
from sonorant.models.vits import model as vits_model
from sonorant.models.vits.recipe import VitsRecipe
from sonorant.models.vits.recipe import build as build_vits
from sonorant.models.vits2 import game as vits2_game
from sonorant.models.vits2 import losses as vits2_losses
from sonorant.models.vits2 import model as vits2_model
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.models.vits2.training import build_training as build_vits2
from sonorant.models.vits2.training import from_nothing
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.text.standard import standard_config
from sonorant.training.devices import build_fabric
from sonorant.training.loop import RunConfig

N_SYMBOLS = 178


def main() -> None:
    asked = sizes("vits", "vits2-istft")
    torch.set_num_threads(asked.threads)
    imported_mb = memory_mb()
    data, run = DataConfig(manifest=Path("none")), RunConfig(steps=1000)
    recipe: VitsRecipe | Vits2Recipe = VitsRecipe(data=data, run=run, loader=LoaderConfig(workers=0))
    if asked.system == "vits2-istft":
        model = Vits2Config(decoder=IstftHeadConfig())
        recipe = Vits2Recipe(data=data, run=run, loader=LoaderConfig(workers=0), model=model)
    hop = recipe.model.spectrogram.hop
    with tempfile.TemporaryDirectory() as prepared:
        write_corpus(Path(prepared), asked.tokens, asked.frames * hop)
        training = SonorantTraining(recipe, Path(prepared))

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
    serve(
        {"step": lambda: training.step([batch], next(at))},
        training.watched,
        imported_mb=imported_mb,
        **training.facts,
    )


class SonorantTraining:
    """What a recipe trains, without the loop around its steps."""

    def __init__(self, recipe: VitsRecipe | Vits2Recipe, prepared: Path) -> None:
        self._fabric = build_fabric(recipe.precision, accelerator="cpu")
        if isinstance(recipe, VitsRecipe):
            self._game, self._model = vits_game, vits_model
            self._training = build_vits(recipe, self._fabric, prepared)
        else:
            self._game, self._model = vits2_game, vits2_model
            self._training = build_vits2(recipe, self._fabric, prepared, from_nothing)
        self.batches = self._training.batches
        self._generator, self._discriminator = self._training.step.players
        for player in self._training.step.players:
            player.module.train()
        self.facts = {
            "n_generator": sum(parameter.numel() for parameter in self._generator.network.parameters()),
            "n_discriminator": sum(parameter.numel() for parameter in self._discriminator.network.parameters()),
        }

    def step(self, parts: Sequence[Batch], number: int) -> None:
        self._training.step([part.to(self._fabric.device) for part in parts], number)
        self._training.average.update_parameters(self._generator.network)

    def watched(self) -> list[Watched]:
        """The parts of one step."""
        network, game = self._generator.network, self._game
        align = "monotonic_alignment" if game is vits_game else "noisy_alignment"
        return [
            Watched(network.text_encoder, "forward", repeat("text encoder")),
            Watched(network.posterior, "forward", repeat("posterior")),
            Watched(network.flow, "forward", repeat("flow")),
            Watched(self._model, "log_likelihood", repeat("alignment")),
            Watched(game, align, repeat("alignment")),
            Watched(network.duration, "loss", repeat("duration")),
            Watched(network.decoder, "learn" if hasattr(network.decoder, "learn") else "forward", repeat("decoder")),
            Watched(self._discriminator.network, "forward", judging()),
            Watched(game, "linear_spectrogram", repeat("spectrograms")),
            Watched(game, "mel_spectrogram", repeat("spectrograms")),
            Watched(vits2_losses, "stft_distance", repeat("spectral loss")),
            Watched(self._fabric, "clip_gradients", repeat("norms of gradients")),
            Watched(self._training.average, "update_parameters", repeat("moving average")),
        ]


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
