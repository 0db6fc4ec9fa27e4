"""The stages of VITS2 as trainings: networks, step, batches and evaluation of each."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.data.batch import Batch
from sonorant.data.dataset import Share, UtteranceBatches
from sonorant.data.prepare import Corpus, Prepared, read_corpus
from sonorant.data.shards.batches import ShardedBatches
from sonorant.errors import TrainingError
from sonorant.models.averages import kept, last_state
from sonorant.models.evaluation import Evaluation
from sonorant.models.given import Given
from sonorant.models.preparing import PREPARE, to_stderr, training_batches
from sonorant.models.starting import check_same_source, report_start, start_judges
from sonorant.models.vits2 import durations
from sonorant.models.vits2.dreams import NEEDED, Dreaming, Recognition
from sonorant.models.vits2.evaluate import Vits2Subject
from sonorant.models.vits2.game import Played, Vits2Game
from sonorant.models.vits2.losses import ADVERSARIAL
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.start import freeze_all_but, start_from
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.decoder import hears_pitch
from sonorant.nn.discriminators import Discriminators
from sonorant.nn.duration_discriminator import DurationDiscriminator
from sonorant.nn.latent import StillNoise
from sonorant.nn.noisy_duration import NoisyDurationPredictor
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.average import moving_average
from sonorant.training.gan import GanStep
from sonorant.training.loop import CHECKPOINTS, RunConfig, Training, train
from sonorant.training.optim import set_up
from sonorant.training.schedule import Schedule
from sonorant.training.stage import fingerprint
from sonorant.training.step import Randomness
from sonorant.training.supervised import SupervisedStep
from sonorant.training.terms import Terms
from sonorant.training.tracker import Exhibits
from sonorant.training.transfer import Source, Transferred

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sonorant.models.vits2.recipe import Vits2Recipe

COMPLETE, TRAIN, DURATIONS = "complete", "train", "durations"
Start = Callable[[Vits2, Discriminators | None, Corpus], Transferred | None]
"""Gives fresh networks what they start from, and says what became of the first."""


def from_nothing(network: Vits2, judges: Discriminators | None, corpus: Corpus) -> None:
    """Leave all as it is: fresh, or a checkpoint brings it."""


def from_source(
    recipe: Vits2Recipe, source: Source, folder: Path, *, completed: Path | None = None, tells: bool = True
) -> Start:
    """Start the stage in a folder from a source's weights, telling and writing down what was taken.

    completed: the folder of the stage `complete`, whose weights are taken over, too. tells: in one process of several.
    """

    def start(network: Vits2, judges: Discriminators | None, corpus: Corpus) -> Transferred:
        outcome = start_from(source, network, corpus.tables)
        if completed is not None:
            check_same_source(source, completed)
            learned = dict(kept(completed, None, best=False).weights)
            unknown = network.load_state_dict(learned, strict=False).unexpected_keys
            assert not unknown, f"{completed} trained weights that the network has not: {unknown}"
            outcome = outcome.taught_later(learned)
        judged = None if judges is None else start_judges(source, judges, recipe.discriminators)
        if tells:
            report_start(source, outcome, folder, judges=judged)
        return outcome

    return start


class Trainings:
    """The stages of a run that train, each as something to do in its folder; done again, it goes on.

    Each returns whether it is complete, or was asked to stop before.
    """

    def __init__(
        self,
        recipe: Vits2Recipe,
        fabric: Fabric,
        run: Path,
        given: Given,
    ) -> None:
        """run: its folder."""
        self._recipe = recipe
        self._fabric = fabric
        self._run = run
        self._source = given.source
        self._should_stop = given.should_stop

    def complete(self, folder: Path) -> bool:
        """What the source lacks."""
        stage = self._recipe.complete
        assert stage is not None, "this run has no such stage"
        assert self._source is not None, "refused where it was set"
        # Going on, too: what is frozen is what the source has.
        source = self._source()
        check_same_source(source, folder)
        start = from_source(self._recipe, source, folder, tells=self._fabric.is_global_zero)
        training = build_completion(self._recipe, self._fabric, self._run / PREPARE, start)
        return self._go_on(training, stage.run, folder)

    def train(self, folder: Path) -> bool:
        """Everything."""
        reached = checkpoints.steps(folder / CHECKPOINTS)
        if self._fabric.is_global_zero and reached and reached[-1] < self._recipe.run.steps:
            self._forget_durations()
        start: Start = from_nothing
        if self._source is not None and not reached:
            completed = None if self._recipe.complete is None else self._run / COMPLETE
            tells = self._fabric.is_global_zero
            start = from_source(self._recipe, self._source(), folder, completed=completed, tells=tells)
        training = build_training(self._recipe, self._fabric, self._run / PREPARE, start)
        return self._go_on(training, self._recipe.run, folder)

    def durations(self, folder: Path) -> bool:
        """The durations, against their adversary."""
        stage = self._recipe.durations
        assert stage is not None, "this run has no such stage"
        training = build_durations(self._recipe, self._fabric, self._run, folder)
        return self._go_on(training, stage.run, folder)

    def _go_on(self, training: Training[Any], run: RunConfig, folder: Path) -> bool:
        return train(self._fabric, training, run, folder, should_stop=self._should_stop)

    def _forget_durations(self) -> None:
        """They were trained on weights that are now to change."""
        if (self._run / DURATIONS).exists():
            shutil.rmtree(self._run / DURATIONS)
            to_stderr(f"{DURATIONS}: begins anew, for {TRAIN} goes on")


def build_training(recipe: Vits2Recipe, fabric: Fabric, prepared: Path, start: Start) -> Training[Any]:
    """The main stage: everything at once, against the discriminators of waveforms."""
    corpus = read_corpus(prepared)
    randomness = Randomness(recipe.seed, fabric.global_rank)
    network = new_network(recipe, corpus, randomness)
    judges = Discriminators(recipe.discriminators)
    start(network, judges, corpus)
    generator = set_up(fabric, "generator", network, recipe.generator)
    discriminator = set_up(fabric, "discriminator", judges, recipe.discriminator)
    game = Vits2Game(fabric, generator, discriminator, settings=recipe.game_settings)
    batches = training_batches(recipe, fabric, prepared, corpus, tracks_pitch=hears_pitch(recipe.model.decoder))
    return Training(
        step=GanStep[Batch, Played](fabric, game, generator, discriminator, recipe.losses, randomness),
        batches=batches,
        average=moving_average(network, decay=recipe.average_decay),
        evaluate=_evaluation(recipe, corpus, batches),
        best_by="mel",
        parts=recipe.data.parts,
    )


def build_completion(recipe: Vits2Recipe, fabric: Fabric, prepared: Path, start: Start) -> Training[Any]:
    """The stage before it: what the source lacked, such as a posterior, against the frozen rest; no discriminators."""
    assert recipe.complete is not None, "this run has no such stage"
    corpus = read_corpus(prepared)
    randomness = Randomness(recipe.seed, fabric.global_rank)
    network = new_network(recipe, corpus, randomness)
    outcome = start(network, None, corpus)
    assert outcome is not None, "a run that completes something starts from it"
    lacking = (*outcome.fresh, *outcome.resized)
    if not lacking:
        raise TrainingError(f"{recipe.init_from}: lacks nothing that 'complete' could train; leave that stage out")
    batches = training_batches(recipe, fabric, prepared, corpus, tracks_pitch=hears_pitch(recipe.model.decoder))
    build = _build_dreaming if recipe.complete.kind == "dreams" else _build_reconstruction
    return build(recipe, fabric, network, lacking, randomness, batches, _evaluation(recipe, corpus, batches))


def _build_dreaming(
    recipe: Vits2Recipe,
    fabric: Fabric,
    network: Vits2,
    lacking: Sequence[str],
    randomness: Randomness,
    batches: UtteranceBatches | ShardedBatches,
    evaluate: Evaluation,
) -> Training[Any]:
    assert recipe.complete is not None, "this run has no such stage"
    needed = [name for name in lacking if NEEDED.match(name)]
    if needed:
        raise TrainingError(
            f"{recipe.init_from}: lacks {needed[0]}{f' and {len(needed) - 1} others' * (len(needed) > 1)}, without "
            "which it says nothing to learn from; set complete.kind=recordings"
        )
    # A copy, for inference: nothing that learns changes what is said.
    voice = network.for_inference().to(fabric.device)
    learner = Recognition(network)
    taught = [name for name, _ in learner.named_parameters() if name in lacking]
    if not taught:
        raise TrainingError(f"{recipe.init_from}: lacks nothing that dreams could teach; leave 'complete' out")
    # Going on, the checkpoint brings the weights, but what is frozen is asked again.
    freeze_all_but(learner, taught)
    player = set_up(fabric, "generator", learner, recipe.complete.generator)
    # A network of its own for looking at what was learned, as part of the whole.
    whole = copy.deepcopy(network)

    def look(average: nn.Module, step: int) -> Exhibits:
        assert isinstance(average, Recognition), type(average)
        whole.posterior = average.posterior
        if average.duration is not None:
            whole.duration = average.duration
        return evaluate(whole, step)

    weights: dict[str, Schedule] = dict.fromkeys(Dreaming.terms, 1.0)
    return Training(
        step=SupervisedStep[Batch](fabric, Dreaming(player, voice), player, weights, randomness),
        batches=batches,
        average=moving_average(learner, decay=recipe.average_decay),
        evaluate=look,
        best_by="mel",
        parts=recipe.data.parts,
    )


def _build_reconstruction(
    recipe: Vits2Recipe,
    fabric: Fabric,
    network: Vits2,
    lacking: Sequence[str],
    randomness: Randomness,
    batches: UtteranceBatches | ShardedBatches,
    evaluate: Evaluation,
) -> Training[Any]:
    assert recipe.complete is not None, "this run has no such stage"
    # Going on, the checkpoint brings the weights, but what is frozen is asked again.
    freeze_all_but(network, lacking)
    generator = set_up(fabric, "generator", network, recipe.complete.generator)
    game = Vits2Game(fabric, generator, None, settings=recipe.game_settings)
    weights = {name: weight for name, weight in recipe.losses.items() if name not in ADVERSARIAL}
    return Training(
        step=SupervisedStep[Batch](fabric, _Objective(game, weights), generator, weights, randomness),
        batches=batches,
        average=moving_average(network, decay=recipe.average_decay),
        evaluate=evaluate,
        best_by="mel",
        parts=recipe.data.parts,
    )


def build_durations(recipe: Vits2Recipe, fabric: Fabric, run: Path, folder: Path) -> Training[Any]:
    """The last stage: durations against their own discriminator, on what the frozen rest says (2.1, figure 1a)."""
    cfg = recipe.durations
    assert cfg is not None, "this run has no such stage"
    prepared = run / PREPARE
    corpus = read_corpus(prepared)
    randomness = Randomness(recipe.seed, fabric.global_rank)
    network = new_network(recipe, corpus, randomness)
    network.load_state_dict(dict(kept(run / TRAIN, None, best=False).weights))
    network.to(fabric.device).eval()
    held_out = corpus.of("validation")
    # Named by the weights that said it.
    of_train, of_held_out = (
        folder / f"{split}_{fingerprint(last_state(run / TRAIN))[:16]}.safetensors" for split in ("train", "validation")
    )
    if fabric.is_global_zero:
        batches = training_batches(recipe, fabric, prepared, corpus, tracks_pitch=hears_pitch(recipe.model.decoder))
        wanted = {of_train: ((utterance, batch.samples) for utterance, batch in batches.every())}
        if held_out:
            wanted[of_held_out] = ((utterance, batches.example(utterance).samples) for utterance in held_out)
        for path, speech in wanted.items():
            if not path.is_file():
                durations.cache(_explained(recipe, network, speech, fabric.device), path)
    fabric.barrier()
    cached = durations.read(of_train)
    measured = durations.read(of_held_out) if held_out else cached
    assert isinstance(network.duration, NoisyDurationPredictor)
    speakers = None if network.speaker is None else network.speaker.weight
    predictor = durations.DurationNetwork(network.duration, speakers)
    d_cond = recipe.model.d_condition(len(corpus.tables.speakers))
    judge = DurationDiscriminator(cfg.network, recipe.model.d_hidden, d_cond)
    generator = set_up(fabric, "generator", predictor, cfg.generator)
    discriminator = set_up(fabric, "discriminator", judge, cfg.discriminator)
    game = durations.DurationGame(fabric, generator, discriminator)

    def evaluate(average: nn.Module, step: int) -> Exhibits:
        return Exhibits(durations.duration_statistics(average, measured), {}, {})

    return Training(
        step=GanStep[durations.DurationPart, durations.Drawn](
            fabric, game, generator, discriminator, cfg.losses, randomness
        ),
        batches=durations.DurationBatches(
            cached,
            items_per_batch=cfg.batch_items,
            seed=recipe.seed,
            share=Share(fabric.global_rank, fabric.world_size),
        ),
        average=moving_average(predictor, decay=recipe.average_decay),
        evaluate=evaluate,
        best_by="crps",
    )


def new_network(recipe: Vits2Recipe, corpus: Corpus, randomness: Randomness) -> Vits2:
    """A fresh network for a corpus, the same for the same seed."""
    tables = corpus.tables
    torch.manual_seed(randomness.of("weights"))
    n_symbols = SymbolTable(tables.symbols).n_rows
    return Vits2(recipe.model, n_symbols, len(tables.speakers), len(tables.frontend.languages))


class _Objective:
    """The game without an opponent."""

    def __init__(self, game: Vits2Game, weights: dict[str, Schedule]) -> None:
        self.terms = tuple(weights)
        self._game = game

    def __call__(self, batch: Batch, step: int, wanted: frozenset[str]) -> Terms:
        return self._game.judged(batch, self._game.generate(batch, step), wanted)


def _evaluation(recipe: Vits2Recipe, corpus: Corpus, batches: UtteranceBatches | ShardedBatches) -> Evaluation:
    return Evaluation(corpus, batches, subject=Vits2Subject, spectrogram=recipe.model.spectrogram, mel=recipe.mel)


@torch.no_grad()
def _explained(
    recipe: Vits2Recipe, network: Vits2, speech: Iterable[tuple[Prepared, Tensor]], device: torch.device
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """What the network says of each token of utterances, and how long the token lasts; no chance in it.

    speech: each utterance with its samples, [1, N].
    """

    def one(*values: int) -> Tensor:
        return torch.tensor(values, device=device)

    for utterance, samples in speech:
        out = network.explain(
            one(*utterance.tokens).unsqueeze(0),
            one(len(utterance.tokens)),
            linear_spectrogram(samples.to(device), recipe.model.spectrogram),
            one(utterance.n_samples // recipe.framing.hop),
            one(utterance.speaker),
            one(utterance.language),
            align=monotonic_alignment,
            noise=StillNoise(1, device),
        )
        yield out.hidden[0].cpu(), out.durations[0].cpu(), utterance.speaker
