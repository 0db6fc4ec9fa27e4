"""Our sides of `benchmarks/train_step.py`: steps of a recipe as `sonorant train` takes them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import repeat
from pathlib import Path

import torch
from stepping import Watched, judging, memory_mb, serve, sizes

from sonorant.config import plain, read_yaml
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import TABLES, UTTERANCES, Prepared, Tables, read_corpus
from sonorant.models.cvae_jets import game as cvae_jets_game
from sonorant.models.cvae_jets import losses as cvae_jets_losses
from sonorant.models.cvae_jets import model as cvae_jets_model
from sonorant.models.cvae_jets import training as cvae_jets_training
from sonorant.models.cvae_jets.recipe import CvaeJetsRecipe
from sonorant.models.cvae_jets.statistics import CorpusStatistics, SpeakerStatistics
from sonorant.models.recipes import parse_recipe
from sonorant.models.vits import game as vits_game
from sonorant.models.vits import model as vits_model
from sonorant.models.vits.recipe import VitsRecipe
from sonorant.models.vits.recipe import build as build_vits
from sonorant.models.vits2 import game as vits2_game
from sonorant.models.vits2 import losses as vits2_losses
from sonorant.models.vits2 import model as vits2_model
from sonorant.models.vits2 import training as vits2_training
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.text.standard import standard_config
from sonorant.training.devices import build_fabric
from sonorant.training.loop import RunConfig

CONFIGS = Path(__file__).parents[2] / "configs"
N_SYMBOLS = 178
Recipe = VitsRecipe | Vits2Recipe | CvaeJetsRecipe


def main() -> None:
    asked = sizes("vits", "vits2-istft", "vits2-small", "cvae_jets-small")
    torch.set_num_threads(asked.threads)
    imported_mb = memory_mb()
    recipe = recipe_of(asked.system)
    hop = recipe.model.spectrogram.hop
    is_small = asked.system.endswith("-small")
    with tempfile.TemporaryDirectory() as prepared:
        write_corpus(Path(prepared), asked.tokens, asked.frames * hop, n_speakers=5 if is_small else 1)
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
            pitch=torch.full((asked.frames,), 150.0) if is_small else None,
        )
        for item in range(asked.items)
    ]
    totals = Totals(items=asked.items, tokens=asked.items * asked.tokens, frames=asked.items * asked.frames)
    batch = collate(examples, hop=hop, totals=totals)
    # Of small ones a late step: all their terms have weights then, and none is soft any more.
    at = repeat(recipe.run.steps - 1) if is_small else iter(range(recipe.run.steps))
    serve(
        {"step": lambda: training.step([batch], next(at))},
        training.watched,
        imported_mb=imported_mb,
        **training.facts,
    )


def recipe_of(system: str) -> Recipe:
    """The published sizes, VITS2 with an inverse STFT for its decoder; or a preset of ours, as it stands."""
    data, loader = DataConfig(manifest=Path("none")), LoaderConfig(workers=0)
    match system:
        case "vits":
            return VitsRecipe(data=data, run=RunConfig(steps=1000), loader=loader)
        case "vits2-istft":
            model = Vits2Config(decoder=IstftHeadConfig())
            return Vits2Recipe(data=data, run=RunConfig(steps=1000), loader=loader, model=model)
        case _:
            path = CONFIGS / system.removesuffix("-small") / "small.yaml"
            recipe = parse_recipe(read_yaml(path), source=str(path))
            assert isinstance(recipe, Vits2Recipe | CvaeJetsRecipe)
            return replace(recipe, data=data, loader=loader)


class SonorantTraining:
    """What a recipe trains, without the loop around its steps."""

    def __init__(self, recipe: Recipe, prepared: Path) -> None:
        self._fabric = build_fabric(recipe.precision, accelerator="cpu")
        match recipe:
            case VitsRecipe():
                self._game, self._model = vits_game, vits_model
                self._training = build_vits(recipe, self._fabric, prepared)
            case Vits2Recipe():
                self._game, self._model = vits2_game, vits2_model
                self._training = vits2_training.build_training(
                    recipe, self._fabric, prepared, vits2_training.from_nothing
                )
            case CvaeJetsRecipe():
                self._game, self._model = cvae_jets_game, cvae_jets_model
                self._training = cvae_jets_training.build_training(
                    recipe, self._fabric, prepared, usual_curves(prepared), cvae_jets_training.from_nothing
                )
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
        if game is cvae_jets_game:
            own = [
                Watched(network.text_encoder, "encode", repeat("text encoder")),
                Watched(network.aligner, "forward", repeat("alignment")),
                Watched(cvae_jets_model, "monotonic_alignment", repeat("alignment")),
                Watched(cvae_jets_losses, "forward_sum", repeat("alignment")),
                Watched(cvae_jets_losses, "binarization", repeat("alignment")),
                Watched(network.duration, "forward", repeat("duration")),
                Watched(network.pitch, "loss", repeat("pitch and energy")),
                Watched(network.energy, "loss", repeat("pitch and energy")),
                Watched(network.frames, "forward", repeat("frames heard")),
                Watched(cvae_jets_losses, "stft_distance", repeat("spectral loss")),
            ]
        else:
            own = [
                Watched(network.text_encoder, "forward", repeat("text encoder")),
                Watched(self._model, "log_likelihood", repeat("alignment")),
                Watched(game, "monotonic_alignment" if game is vits_game else "noisy_alignment", repeat("alignment")),
                Watched(network.duration, "loss", repeat("duration")),
                Watched(vits2_losses, "stft_distance", repeat("spectral loss")),
            ]
        return [
            *own,
            Watched(network.posterior, "forward", repeat("posterior")),
            Watched(network.flow, "forward", repeat("flow")),
            Watched(network.decoder, "learn" if hasattr(network.decoder, "learn") else "forward", repeat("decoder")),
            Watched(self._discriminator.network, "forward", judging()),
            Watched(game, "linear_spectrogram", repeat("spectrograms")),
            Watched(game, "mel_spectrogram", repeat("spectrograms")),
            Watched(self._fabric, "clip_gradients", repeat("norms of gradients")),
            Watched(self._training.average, "update_parameters", repeat("moving average")),
        ]


def usual_curves(prepared: Path) -> CorpusStatistics:
    """Pitch and energy as any voice might have them, for each speaker."""
    return CorpusStatistics(
        speakers=tuple(
            SpeakerStatistics(name=name, pitch_mean=6.0, pitch_std=3.0, energy_mean=-20.0, energy_std=10.0)
            for name in read_corpus(prepared).tables.speakers
        )
    )


def write_corpus(folder: Path, n_tokens: int, n_samples: int, *, n_speakers: int = 1) -> None:
    """One utterance that is never loaded, and tables of as many symbols as the paper's."""
    tables = Tables(
        symbols={chr(0x4E00 + row): row for row in range(N_SYMBOLS)},
        speakers=tuple(f"speaker {number}" for number in range(n_speakers)),
        frontend=standard_config(["en-us"]),
        language_of_speaker=(0,) * n_speakers,
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
