"""The training of a CVAE-JETS: networks, step, batches and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sonorant.data.batch import Batch
from sonorant.data.prepare import Corpus, read_corpus
from sonorant.models.cvae_jets import statistics
from sonorant.models.cvae_jets.evaluate import CvaeJetsSubject, watched
from sonorant.models.cvae_jets.game import CvaeJetsGame, GameSettings, Played
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.cvae_jets.start import start_from
from sonorant.models.cvae_jets.statistics import CorpusStatistics
from sonorant.models.evaluation import Evaluation
from sonorant.models.given import Given
from sonorant.models.preparing import PREPARE, to_stderr, training_batches
from sonorant.models.starting import check_same_source, report_start, start_judges
from sonorant.nn.discriminators import Discriminators
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.average import moving_average
from sonorant.training.gan import GanStep
from sonorant.training.loop import CHECKPOINTS, Training, train
from sonorant.training.optim import set_up
from sonorant.training.step import Randomness
from sonorant.training.transfer import Source

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sonorant.models.cvae_jets.recipe import CvaeJetsRecipe

STATISTICS, TRAIN = "statistics", "train"
Start = Callable[[CvaeJets, Discriminators, Corpus], None]
"""Gives fresh networks what they start from."""


def from_nothing(network: CvaeJets, judges: Discriminators, corpus: Corpus) -> None:
    """Leave all as it is: fresh, or a checkpoint brings it."""


def from_source(recipe: CvaeJetsRecipe, source: Source, folder: Path, *, tells: bool) -> Start:
    """Start the stage in a folder from a source's weights. tells: in one process of several, what was taken."""

    def start(network: CvaeJets, judges: Discriminators, corpus: Corpus) -> None:
        check_same_source(source, folder)
        outcome = start_from(source, network, corpus.tables)
        told = start_judges(source, judges, recipe.discriminators)
        if tells:
            report_start(source, outcome, folder, judges=told)

    return start


class Trainings:
    """The stages of a run after `prepare`, each as something to do in its folder; done again, it goes on."""

    def __init__(self, recipe: CvaeJetsRecipe, fabric: Fabric, run: Path, given: Given) -> None:
        """run: its folder."""
        self._recipe = recipe
        self._fabric = fabric
        self._run = run
        self._given = given

    def measure(self, folder: Path) -> bool:
        """What curves are counted in. Returns whether it is complete, or was asked to stop before."""
        recipe, prepared, should_stop = self._recipe, self._run / PREPARE, self._given.should_stop
        corpus = read_corpus(prepared)
        every = training_batches(recipe, self._fabric, prepared, corpus, tracks_pitch=True).every()
        shown = self._given.progress(every, n_total=len(corpus.of("train")), doing="Measuring pitch and energy")
        found = statistics.measure(
            takewhile(lambda _: not should_stop(), shown),
            speakers=corpus.tables.speakers,
            spectrogram=recipe.model.spectrogram,
            say=lambda line: to_stderr(f"{STATISTICS}: {line}"),
        )
        if should_stop():
            return False
        statistics.write(found, folder)
        return True

    def train(self, folder: Path) -> bool:
        """Everything. Returns whether it is complete, or was asked to stop before."""
        recipe, fabric, prepared = self._recipe, self._fabric, self._run / PREPARE
        start: Start = from_nothing
        if self._given.source is not None and not checkpoints.steps(folder / CHECKPOINTS):
            start = from_source(recipe, self._given.source(), folder, tells=fabric.is_global_zero)
        training = build_training(recipe, fabric, prepared, statistics.read(self._run / STATISTICS), start)
        return train(fabric, training, recipe.run, folder, should_stop=self._given.should_stop)


def build_training(
    recipe: CvaeJetsRecipe, fabric: Fabric, prepared: Path, measured: CorpusStatistics, start: Start
) -> Training[Any]:
    """The stage that trains. measured: what curves are counted in."""
    corpus = read_corpus(prepared)
    randomness = Randomness(recipe.seed, fabric.global_rank)
    network = new_network(recipe, corpus, randomness)
    judges = Discriminators(recipe.discriminators)
    start(network, judges, corpus)
    statistics.fill(measured, network.statistics)
    generator = set_up(fabric, "generator", network, recipe.generator)
    discriminator = set_up(fabric, "discriminator", judges, recipe.discriminator)
    settings = GameSettings(
        terms=recipe.terms,
        spectrogram=recipe.model.spectrogram,
        mel=recipe.mel,
        spectral=recipe.spectral,
        segment_frames=recipe.segment_frames,
        softness=recipe.softness,
        level=recipe.model.level,
        gain_db=recipe.gain_db,
    )
    game = CvaeJetsGame(fabric, generator, discriminator, settings=settings)
    batches = training_batches(recipe, fabric, prepared, corpus, tracks_pitch=True)
    evaluation = Evaluation(
        corpus, batches, subject=CvaeJetsSubject, spectrogram=recipe.model.spectrogram, mel=recipe.mel
    )
    return Training(
        step=GanStep[Batch, Played](fabric, game, generator, discriminator, recipe.losses, randomness),
        batches=batches,
        average=moving_average(network, decay=recipe.average_decay),
        evaluate=watched(evaluation, recipe.softness),
        best_by="mel",
        parts=recipe.data.parts,
    )


def new_network(recipe: CvaeJetsRecipe, corpus: Corpus, randomness: Randomness) -> CvaeJets:
    """A fresh network for a corpus, the same for the same seed."""
    tables = corpus.tables
    torch.manual_seed(randomness.of("weights"))
    n_symbols = SymbolTable(tables.symbols).n_rows
    return CvaeJets(recipe.model, n_symbols, len(tables.speakers), len(tables.frontend.languages))
