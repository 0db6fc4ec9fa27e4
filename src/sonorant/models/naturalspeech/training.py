"""The stages of NaturalSpeech as trainings: networks, step, batches and evaluation of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sonorant.audio.io import whole_file
from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.data.alignments import (
    Alignments,
    Halfway,
    check_reading,
    frames_of_tokens,
    read_alignments,
    write_alignments,
)
from sonorant.data.batch import Batch
from sonorant.data.dataset import UtteranceBatches
from sonorant.data.manifest import read_manifest
from sonorant.data.prepare import Corpus, Prepared, read_corpus
from sonorant.data.shards.batches import ShardedBatches
from sonorant.errors import ConfigError, CorpusError, SonorantError, TrainingError
from sonorant.models.averages import kept, last_state
from sonorant.models.corpus_aligning import AligningVoice, Part, Plan, align, check_alignable, plan_alignment
from sonorant.models.evaluation import Evaluation
from sonorant.models.given import Given
from sonorant.models.naturalspeech.evaluate import NaturalSpeechSubject
from sonorant.models.naturalspeech.game import GameSettings, NaturalSpeechGame, Played
from sonorant.models.naturalspeech.labels import Labels
from sonorant.models.naturalspeech.memory import Clusters, k_means, sampled_frames
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.naturalspeech.start import check_source, start_from
from sonorant.models.preparing import PREPARE, to_stderr, training_batches
from sonorant.models.starting import (
    ENCODER_FROM,
    STARTED_FROM,
    as_source,
    check_same_source,
    report_start,
    start_judges,
)
from sonorant.nn.decoder import hears_pitch
from sonorant.nn.discriminators import Discriminators
from sonorant.nn.mask import length_mask
from sonorant.text.symbols import SymbolTable
from sonorant.training import checkpoint as checkpoints
from sonorant.training.average import moving_average
from sonorant.training.checkpoint import STATE
from sonorant.training.gan import GanStep
from sonorant.training.loop import CHECKPOINTS, Training, train
from sonorant.training.optim import set_up
from sonorant.training.schedule import value_at
from sonorant.training.step import Randomness
from sonorant.training.transfer import Source

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sonorant.models.naturalspeech.recipe import NaturalSpeechRecipe, TrainingStage

TEXTS, PRETRAIN = "texts", "pretrain"
LABELS, WARM, BANK, MAIN, TUNE = "labels", "warm", "bank", "main", "tune"
MEMORY = "memory.safetensors"
HALFWAY = "halfway.jsonl"
"""Of the labels, while there are not all."""
_AFTER = {MAIN: WARM, TUNE: MAIN}
"""Where a stage's weights come from, unless from nothing or a source."""


class Trainings:
    """The stages of a run that train, each as something to do in its folder; done again, it goes on.

    Each returns whether it is complete, or was asked to stop before.
    """

    def __init__(
        self,
        recipe: NaturalSpeechRecipe,
        fabric: Fabric,
        run: Path,
        given: Given,
    ) -> None:
        """run: its folder."""
        self._recipe = recipe
        self._fabric = fabric
        self._run = run
        self._given = given
        self._hears_pitch = hears_pitch(recipe.model.decoder)

    def reached(self, name: str) -> Mapping[str, Path]:
        """The file that names all that a training stage has reached, as an input of a later one."""
        return {f"{name}/{STATE}": last_state(self._run / name)}

    def train(self, name: str, stage: TrainingStage, folder: Path) -> bool:
        """One of the stages that train."""
        training = self._build(name, stage, folder)
        return train(self._fabric, training, stage.run, folder, should_stop=self._given.should_stop)

    def labels(self, folder: Path) -> bool:
        """When each phoneme of the manifest's utterances ends, as an aligner hears it, or has heard it already."""
        cfg = self._recipe.labels
        if cfg.folder is not None:
            found = self._made(cfg.folder)
            labelled(self._recipe, found, read_corpus(self._run / PREPARE), source=cfg.folder)  # refused, or kept
            write_alignments(folder, found.about, tuple(found.of.values()), (), textgrids=False)
            to_stderr(f"{LABELS}: {len(found.of):,} utterances were aligned by {found.about.aligner}")
            return True
        voice = self._aligner()
        plan = plan_alignment(self._manifest, voice, Part(speaker=cfg.speaker, language=cfg.language))
        self._check_readings(plan)
        halfway = Halfway(folder / HALFWAY, plan.about, plan.identities)
        outcome = align(
            plan,
            self._manifest,
            halfway,
            device=self._fabric.device,
            progress=self._given.progress,
            doing=f"{LABELS}: aligning",
            should_stop=self._given.should_stop,
        )
        if outcome is None:
            return False
        rows, skipped = outcome.rows, outcome.skipped
        write_alignments(folder, plan.about, rows, skipped, textgrids=False)
        halfway.forget()
        to_stderr(f"{LABELS}: {len(rows):,} utterances aligned by {plan.about.aligner}, {len(skipped):,} skipped")
        return True

    def _check_readings(self, plan: Plan) -> None:
        """Raise CorpusError where the aligner reads otherwise than this run, before it aligns anything."""
        corpus = read_corpus(self._run / PREPARE)
        table, layout = SymbolTable(corpus.tables.symbols), corpus.tables.frontend.layout
        symbols = {wanted.row.id: wanted.reading.symbols for wanted in plan.wanted}
        for utterance in corpus.utterances:
            if utterance.id in symbols:
                try:
                    check_reading(utterance.id, symbols[utterance.id], utterance.tokens, table=table, layout=layout)
                except CorpusError as error:
                    raise CorpusError(f"labels.by is {self._recipe.labels.by}: {error}") from None

    def check_labels(self) -> None:
        """Raise, as `labels` would, where nothing can be labelled so."""
        cfg = self._recipe.labels
        if cfg.folder is not None:
            self._made(cfg.folder)
        else:
            part = Part(speaker=cfg.speaker, language=cfg.language)
            check_alignable(self._manifest, self._aligner(), part)

    def check_source(self) -> None:
        """Raise, as the first stage that trains would, where it cannot start from the run's source."""
        if self._given.source is not None and not checkpoints.steps(self._run / WARM / CHECKPOINTS):
            check_source(self._given.source(), self._recipe.model)

    def _aligner(self) -> AligningVoice:
        by = self._recipe.labels.by
        try:
            return self._given.aligning_voice(by)
        except SonorantError as error:
            raise ConfigError(
                f"labels.by: {error}; name a voice that aligns, such as asterisk, a run's folder, or a folder that "
                "'sonorant align' has written"
            ) from None

    def _made(self, folder: Path) -> Alignments:
        """Alignments of the manifest that are there."""
        cfg = self._recipe.labels
        if cfg.speaker is not None or cfg.language is not None:
            raise ConfigError(
                f"labels.by is {cfg.by}, which is aligned already: leave labels.speaker and labels.language out"
            )
        return alignments_of(self._recipe, folder)

    @property
    def _manifest(self) -> Path:
        manifest = self._recipe.data.manifest
        assert manifest is not None, "refused where it was set"
        return manifest

    def bank(self, folder: Path) -> bool:
        """Centres of what the posterior says of the training split, which the memory is to begin as (3.5)."""
        recipe, device = self._recipe, self._fabric.device
        corpus, _ = self._labelled(read_corpus(self._run / PREPARE))
        randomness = Randomness(recipe.seed)
        network = new_network(recipe, corpus, randomness)
        network.load_state_dict(dict(kept(self._run / WARM, None, best=False).weights))
        network.to(device).eval()
        utterances, hop = corpus.of("train"), recipe.framing.hop
        n_total = sum(utterance.n_samples // hop for utterance in utterances)
        frames = sampled_frames(
            posterior_means(recipe, network, utterances, self._batches(corpus, tracks_pitch=False), device),
            n_total=n_total,
            n_wanted=recipe.bank.n_frames,
            generator=np.random.default_rng(randomness.of("frames of the bank")),
        )
        assert recipe.model.memory is not None, "this run has no such stage"
        n_slots = recipe.model.memory.n_slots
        generator = torch.Generator().manual_seed(randomness.of("centres of the bank"))
        found = k_means(frames.to(device), n_slots, n_rounds=recipe.bank.n_rounds, generator=generator)
        to_stderr(
            f"{BANK}: {n_slots:,} centres of {len(frames):,} frames; the variance around them is "
            f"{float(found.variance.mean() / frames.var(dim=0).mean()):.0%} of the whole"
        )
        with whole_file(folder / MEMORY) as part:
            save_file({"centres": found.centres.cpu(), "variance": found.variance.cpu()}, part)
        return True

    def _build(self, name: str, stage: TrainingStage, folder: Path) -> Training[Any]:
        recipe, fabric = self._recipe, self._fabric
        whole = read_corpus(self._run / PREPARE)
        corpus, labels = self._labelled(whole)
        randomness = Randomness(recipe.seed, fabric.global_rank)
        network = new_network(recipe, corpus, randomness)
        if name == WARM:
            self._check_labelled(whole, corpus)
            for other, its in ((WARM, recipe.warm), (MAIN, recipe.main), (TUNE, recipe.tune)):
                if its is not None:
                    check_learners(network, its.trains, source=f"{other}.trains")
        judges = Discriminators(recipe.discriminators)
        if not checkpoints.steps(folder / CHECKPOINTS):
            self._start(name, network, judges, corpus, folder)
        for part, module in network.named_children():
            if part not in stage.trains:
                module.requires_grad_(False)
        generator = set_up(fabric, "generator", network, stage.generator)
        discriminator = set_up(fabric, "discriminator", judges, stage.discriminator)
        settings = GameSettings(
            spectrogram=recipe.model.spectrogram,
            mel=recipe.mel,
            spectral=recipe.spectral,
            divergence=stage.divergence,
            segment_frames=stage.segment_frames,
            predicted=stage.predicted,
            memory_share=stage.memory_share,
            losses=stage.losses,
        )
        game = NaturalSpeechGame(fabric, generator, discriminator, settings=settings, labels=labels)
        batches = self._batches(corpus, tracks_pitch=self._hears_pitch)
        return Training(
            step=GanStep[Batch, Played](fabric, game, generator, discriminator, stage.losses, randomness),
            batches=batches,
            average=moving_average(network, decay=recipe.average_decay),
            evaluate=Evaluation(
                corpus,
                batches,
                subject=lambda average: NaturalSpeechSubject(average, labels),
                spectrogram=recipe.model.spectrogram,
                mel=recipe.mel,
            ),
            best_by="mel",
            parts=recipe.data.parts,
        )

    def _labelled(self, corpus: Corpus) -> tuple[Corpus, Labels]:
        """By what the stage of labels has left."""
        folder = self._run / LABELS
        return labelled(self._recipe, alignments_of(self._recipe, folder), corpus, source=folder)

    def _check_labelled(self, whole: Corpus, labelled: Corpus) -> None:
        """Say what has no labels. Raises TrainingError for fewer frames than the memory is to have slots."""
        missing = Counter(u.split for u in whole.utterances) - Counter(u.split for u in labelled.utterances)
        if missing and self._fabric.is_global_zero:
            counts = ", ".join(f"{count:,} of {split}" for split, count in missing.items())
            to_stderr(f"{WARM}: left out for want of labels: {counts}")
        n_frames = sum(utterance.n_samples // self._recipe.framing.hop for utterance in labelled.of("train"))
        memory = self._recipe.model.memory
        if memory is not None and n_frames < memory.n_slots:
            raise TrainingError(
                f"the training split has {n_frames:,} frames, which cannot fill a memory of {memory.n_slots:,} slots; "
                "set model.memory.n_slots lower"
            )

    def _start(self, name: str, network: NaturalSpeech, judges: Discriminators, corpus: Corpus, folder: Path) -> None:
        """Give fresh networks what the stage before it, or the run's source, has learned.

        A text encoder that has read texts replaces the source's.
        """
        if name in _AFTER:
            if name == TUNE:
                self._report_jumps()
            before = kept(self._run / _AFTER[name], None, best=False)
            network.load_state_dict(dict(before.weights))
            judges.load_state_dict(dict(before.judges))
            if name == MAIN and network.memory is not None:
                found = load_file(self._run / BANK / MEMORY)
                network.memory.fill(Clusters(found["centres"], found["variance"]))
            return
        if self._given.source is not None:
            source = self._given.source()
            check_same_source(source, folder)
            told = start_judges(source, judges, self._recipe.discriminators)
            self._take(source, network, corpus, folder, judges=told)
        encoder = self._recipe.encoder
        if encoder is not None:
            read = encoder.read(self._run, None, None, prepare_in=TEXTS, train_in=PRETRAIN)
            self._take(as_source(read, str(self._run / PRETRAIN)), network, corpus, folder, into=ENCODER_FROM)

    def _report_jumps(self) -> None:
        """Say where tuning begins otherwise than main ended, for its ramps were longer than its steps."""
        main, tune = self._recipe.main, self._recipe.tune
        for setting in ("predicted", "memory_share"):
            ended, begins = value_at(getattr(main, setting), main.run.steps), value_at(getattr(tune, setting), 0)
            if ended != begins and self._fabric.is_global_zero:
                to_stderr(f"{TUNE}: begins with {setting} {begins:g}, but {MAIN} ended with {ended:g}")

    def _take(
        self,
        source: Source,
        network: NaturalSpeech,
        corpus: Corpus,
        folder: Path,
        *,
        judges: str | None = None,
        into: str = STARTED_FROM,
    ) -> None:
        outcome = start_from(source, network, corpus.tables)
        if self._fabric.is_global_zero:
            report_start(source, outcome, folder, judges=judges, into=into)

    def _batches(self, corpus: Corpus, *, tracks_pitch: bool) -> UtteranceBatches | ShardedBatches:
        prepared = self._run / PREPARE
        return training_batches(self._recipe, self._fabric, prepared, corpus, tracks_pitch=tracks_pitch)


def new_network(recipe: NaturalSpeechRecipe, corpus: Corpus, randomness: Randomness) -> NaturalSpeech:
    """A fresh network for a corpus, the same for the same seed."""
    tables = corpus.tables
    torch.manual_seed(randomness.of("weights"))
    n_symbols = SymbolTable(tables.symbols).n_rows
    return NaturalSpeech(recipe.model, n_symbols, len(tables.speakers), len(tables.frontend.languages))


def check_learners(network: NaturalSpeech, trains: Sequence[str], *, source: str) -> None:
    """Raise ConfigError where no part that a stage trains has a weight, as of speakers where there is one.

    source: the setting, for the error.
    """
    learning = [part for part, module in network.named_children() if any(True for _ in module.parameters())]
    if not set(trains) & set(learning):
        raise ConfigError(
            f"{source} is {list(trains)}, but this network has nothing to learn there; it has {', '.join(learning)}"
        )


def alignments_of(recipe: NaturalSpeechRecipe, folder: Path) -> Alignments:
    """What a folder holds of a recipe's whole manifest, of which preparing may leave some out. Raises CorpusError."""
    assert recipe.data.manifest is not None, "refused where it was set"
    lengths = {utterance.id: utterance.duration_s for utterance in read_manifest(recipe.data.manifest)}
    return read_alignments(folder, durations_s=lengths)


def labelled(
    recipe: NaturalSpeechRecipe, alignments: Alignments, corpus: Corpus, *, source: Path
) -> tuple[Corpus, Labels]:
    """The utterances of a corpus whose phonemes were aligned, and how long each of their tokens lasted.

    source: their folder, for errors. Raises CorpusError for an utterance that reads
    otherwise than it was aligned, and where nothing is left.
    """
    framing, tables = recipe.framing, corpus.tables
    found = alignments.of
    symbols = SymbolTable(tables.symbols)
    durations: dict[str, Tensor] = {}
    for utterance in corpus.utterances:
        if utterance.id not in found:
            continue
        try:
            frames = frames_of_tokens(
                found[utterance.id],
                utterance.tokens,
                table=symbols,
                layout=tables.frontend.layout,
                sample_rate_hz=framing.sample_rate_hz,
                hop=framing.hop,
                n_frames=utterance.n_samples // framing.hop,
            )
        except CorpusError as error:
            raise CorpusError(f"{source}: {error}") from None
        durations[utterance.id] = torch.from_numpy(frames)
    kept = replace(corpus, utterances=tuple(u for u in corpus.utterances if u.id in durations))
    if not kept.of("train"):
        raise CorpusError(f"{source}: holds no alignment of an utterance to train on")
    return kept, Labels(durations)


def posterior_means(
    recipe: NaturalSpeechRecipe,
    network: NaturalSpeech,
    utterances: tuple[Prepared, ...],
    batches: UtteranceBatches | ShardedBatches,
    device: torch.device,
) -> Iterator[tuple[int, Callable[[], Tensor]]]:
    """Of each utterance its frames, and what computes the posterior's means of them, [d_latent, S]."""
    posterior = network.posterior
    assert posterior is not None, "in training there is a posterior"

    def means(utterance: Prepared) -> Tensor:
        with torch.no_grad():
            samples = batches.example(utterance).samples.to(device)
            spec = linear_spectrogram(samples, recipe.model.spectrogram)
            n_frames = spec.shape[2]
            mask = length_mask(torch.tensor([n_frames], device=device), n_frames)
            speaker = network.embed(torch.tensor([utterance.speaker], device=device))
            still = spec.new_zeros(1, recipe.model.d_latent, n_frames)
            mean: Tensor = posterior(network.seen(spec), mask, still, speaker).mean[0]
            return mean

    for utterance in utterances:
        n_frames = utterance.n_samples // recipe.framing.hop
        yield n_frames, lambda utterance=utterance: means(utterance)  # type: ignore[misc]
