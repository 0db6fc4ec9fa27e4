"""How a VITS is trained: from a manifest to a run's checkpoints (Kim et al. 2021, section 3 and appendix B)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from sonorant.audio.spectrogram import MelConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_share
from sonorant.config import config
from sonorant.data.batch import Batch
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import Framing, Tables, read_corpus
from sonorant.models.encoder_start import PHONEME_ENCODER, start_from_encoder
from sonorant.models.evaluation import Evaluation
from sonorant.models.given import Given
from sonorant.models.preparing import (
    PREPARE,
    decisive,
    prepare_stage,
    prepared_files,
    to_stderr,
    training_batches,
)
from sonorant.models.slices import check_slices
from sonorant.models.starting import report_start, start_judges
from sonorant.models.trained import Trained
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.evaluate import VitsSubject
from sonorant.models.vits.game import Played, VitsGame
from sonorant.models.vits.losses import TERMS
from sonorant.models.vits.model import Vits
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.text.standard import StandardText
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.average import moving_average
from sonorant.training.devices import Precision
from sonorant.training.gan import GanStep
from sonorant.training.loop import CHECKPOINTS, RunConfig, Training, train
from sonorant.training.optim import OptimizerConfig, set_up
from sonorant.training.schedule import Schedule
from sonorant.training.stage import Stage
from sonorant.training.step import Randomness
from sonorant.training.terms import check_weights
from sonorant.training.transfer import RowTable, Source, Transferred, transfer

if TYPE_CHECKING:
    from lightning_fabric import Fabric

TRAIN = "train"


def _published_weights() -> dict[str, Schedule]:
    return {"mel": 45.0, "kl": 1.0, "duration": 1.0, "adversarial": 1.0, "feature": 2.0}


@config
class VitsRecipe:
    """All that decides a run. The defaults are the paper's, and the official code's where the paper is silent."""

    system: Literal["vits"] = "vits"
    init_from: str | None = None
    """A voice, by its name or folder, or a run's folder, whose weights training starts from."""
    data: DataConfig
    run: RunConfig
    loader: LoaderConfig = LoaderConfig()
    model: VitsConfig = VitsConfig()
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    mel: MelConfig = MelConfig()
    segment_frames: int = 32
    losses: Mapping[str, Schedule] = field(default_factory=_published_weights)
    """Weights of terms; those left out are as published."""
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    average_decay: float = 0.999
    precision: Precision = "fp32"
    seed: int = 1234

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", {**_published_weights(), **self.losses})
        check_weights(self.losses, TERMS, source="losses")
        check_share(self, "average_decay")
        check_at_least(0, self, "seed")
        mel_filterbank(self.model.spectrogram, self.mel)  # refuses bands that hold nothing
        check_slices(self.segment_frames, self.model.spectrogram, self.discriminators, None)

    @property
    def framing(self) -> Framing:
        """What its corpus must be like."""
        spectrogram = self.model.spectrogram
        return Framing(sample_rate_hz=spectrogram.sample_rate_hz, hop=spectrogram.hop, min_frames=self.segment_frames)

    @property
    def undecided(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`."""
        return ("run.", "loader.")

    def stages(self, fabric: Fabric, run: Path, given: Given) -> Sequence[Stage]:
        """Prepare, then train."""
        settings = decisive(self)
        gives = prepared_files(self.data)

        def run_train(folder: Path) -> bool:
            is_new = not checkpoints.steps(folder / CHECKPOINTS)
            start = given.source() if is_new and given.source is not None else None
            training = build(self, fabric, run / PREPARE, source=start)
            return train(fabric, training, self.run, folder, should_stop=given.should_stop)

        return (
            prepare_stage(
                self.data,
                StandardText(),
                self.framing,
                settings={"spectrogram": settings["model"]["spectrogram"], "segment_frames": self.segment_frames},
                say=to_stderr,
            ),
            Stage(
                name=TRAIN,
                settings=settings,
                inputs=lambda: {f"{PREPARE}/{name}": run / PREPARE / name for name in gives},
                gives=(),
                run=run_train,
                goal={"steps": self.run.steps},
                is_shared=True,
            ),
        )

    @property
    def speaking(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`."""
        return (TRAIN,)

    def read(self, run: Path, stage: str | None, step: int | None) -> Trained:
        """What a run has made; see `models.recipes.Recipe`."""
        from sonorant.models.vits.export import read

        return read(self.model, self.discriminators, run / PREPARE, run / TRAIN, step)


def build(recipe: VitsRecipe, fabric: Fabric, prepared: Path, *, source: Source | None = None) -> Training[Any]:
    """The networks, their step, the batches and the evaluation of a run."""
    corpus = read_corpus(prepared)
    tables, cfg = corpus.tables, recipe.model
    randomness = Randomness(recipe.seed, fabric.global_rank)
    torch.manual_seed(randomness.of("weights"))
    network = Vits(cfg, SymbolTable(tables.symbols).n_rows, len(tables.speakers))
    judges = Discriminators(recipe.discriminators)
    if source is not None:
        outcome = _start_from(source, network, tables)
        judged = start_judges(source, judges, recipe.discriminators)
        if fabric.is_global_zero:
            report_start(source, outcome, prepared.parent / TRAIN, judges=judged)
    generator = set_up(fabric, "generator", network, recipe.generator)
    discriminator = set_up(fabric, "discriminator", judges, recipe.discriminator)
    game = VitsGame(
        fabric,
        generator,
        discriminator,
        spectrogram=cfg.spectrogram,
        mel=recipe.mel,
        segment_frames=recipe.segment_frames,
    )
    batches = training_batches(recipe, fabric, prepared, corpus)
    return Training(
        step=GanStep[Batch, Played](fabric, game, generator, discriminator, recipe.losses, randomness),
        batches=batches,
        average=moving_average(network, decay=recipe.average_decay),
        evaluate=Evaluation(corpus, batches, subject=VitsSubject, spectrogram=cfg.spectrogram, mel=recipe.mel),
        best_by="mel",
        parts=recipe.data.parts,
    )


def _start_from(source: Source, network: Vits, tables: Tables) -> Transferred:
    """Fill a network in training with a source's weights. Raises TrainingError where they do not fit."""
    if source.system == PHONEME_ENCODER:
        return start_from_encoder(
            source,
            network,
            d_hidden=network.cfg.d_hidden,
            text_encoder=network.cfg.text_encoder,
            symbols=tables.symbols,
            languages=(),
        )
    return transfer(
        source,
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, tables.symbols),
            RowTable.of_lists("speaker.weight", source.speakers, tables.speakers),
        ),
        # A voice has left behind what only training needs.
        may_be_fresh=("posterior.*", "duration.posterior.*", "duration.flow.first.*"),
    )
