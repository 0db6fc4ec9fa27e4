"""How a NaturalSpeech is trained: from a manifest to a run's checkpoints (Tan et al. 2022, 3.6 and 4.1).

Pretraining, if texts are named (3.2); prepare; labels (how long each phoneme lasted, from an aligner); warm, with those
durations; bank, which makes the memory of what the posterior says; main, with predicted durations, softly warped
divergences and memory; tune, the durator alone, on what the discriminators say of the prior's own speech.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from sonorant.audio.spectrogram import MelConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_share
from sonorant.config import config, plain
from sonorant.data.alignments import ALIGNMENTS
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import Framing
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.given import Given
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.losses import (
    TERMS,
    DivergenceConfig,
    FrameByFrame,
    SoftlyWarped,
    default_weights,
)
from sonorant.models.naturalspeech.training import (
    BANK,
    LABELS,
    MAIN,
    MEMORY,
    PRETRAIN,
    TEXTS,
    TUNE,
    WARM,
    Trainings,
)
from sonorant.models.phoneme_encoder.config import MaskingConfig, PhonemeEncoderConfig, TextsConfig
from sonorant.models.phoneme_encoder.recipe import PhonemeEncoderRecipe, default_optimizer
from sonorant.models.preparing import PREPARE, prepare_stage, prepared_files, to_stderr
from sonorant.models.slices import SOURCE_WEIGHT, check_slices
from sonorant.models.trained import Trained
from sonorant.nn.decoder import hears_pitch
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.text.standard import StandardText, TextConfig, has_blanks
from sonorant.training.devices import Precision
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Exponential, Linear, Schedule, extremes
from sonorant.training.stage import Stage
from sonorant.training.terms import check_weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PARTS = ("speaker", "text_encoder", "duration", "upsampling", "flow", "posterior", "memory", "decoder")
DURATOR = ("duration", "upsampling")


def taught_by(*, is_predicted: bool, is_remembered: bool) -> Mapping[str, frozenset[str]]:
    """Which parts each term teaches (figure 2).

    is_predicted: whether items last as long as predicted; is_remembered: whether the decoder hears the memory.
    """
    unheard = {"memory"} - ({"memory"} if is_remembered else set())
    untimed = {"duration"} - ({"duration"} if is_predicted else set())
    of_recordings = frozenset({"speaker", "posterior", "memory", "decoder"}) - unheard
    return {
        **dict.fromkeys(("mel", "spectral", "source", "adversarial", "feature"), of_recordings),
        **dict.fromkeys(("kl", "kl_forward"), frozenset(PARTS) - {"memory", "decoder"} - untimed),
        "duration": frozenset({"speaker", "text_encoder", "duration"}),
        "end_to_end": frozenset(PARTS) - {"posterior"} - unheard - untimed,
    }


def _published(value: float) -> OptimizerConfig:
    """The paper's decay, with its epochs of some 100 steps."""
    return OptimizerConfig(learning_rate=Exponential(value=value, gamma=0.999875, every=100))


@config
class TrainingStage:
    """What the stages that train have in common."""

    run: RunConfig
    trains: tuple[str, ...] = PARTS
    """The parts of the network that learn; the others are frozen."""
    losses: Mapping[str, Schedule] = field(default_factory=dict)
    """Weights of terms; those left out are the stage's own."""
    divergence: DivergenceConfig = FrameByFrame()
    predicted: Schedule = 0.0
    """The share of items that last as long as predicted; needs a softly warped divergence."""
    memory_share: Schedule = 0.0
    """How much of what the decoder is given comes from the memory bank."""
    segment_frames: int = 32
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()

    own_weights: ClassVar[Mapping[str, Schedule]] = {}
    """Where a stage's weights are not the system's."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", {**default_weights(), **self.own_weights, **self.losses})
        check_weights({"source": 0.0, **self.losses}, TERMS, source="losses")
        if not self.trains:
            raise ValueError(f"trains is empty: it must name parts of {', '.join(PARTS)}")
        if unknown := [name for name in self.trains if name not in PARTS]:
            raise ValueError(f"trains names {', '.join(unknown)}: it must name parts of {', '.join(PARTS)}")
        weighted = [name for name, schedule in self.losses.items() if extremes(schedule)[1] > 0]
        taught = taught_by(
            is_predicted=extremes(self.predicted)[1] > 0, is_remembered=extremes(self.memory_share)[1] > 0
        )
        if not any(part in taught[name] for name in weighted for part in self.trains):
            raise ValueError(
                f"trains is {list(self.trains)}, but no term with a weight ({', '.join(weighted)}) teaches any of them"
            )
        for name in ("predicted", "memory_share"):
            least, greatest = extremes(getattr(self, name))
            if not 0 <= least <= greatest <= 1:
                raise ValueError(f"{name} is {least if least < 0 else greatest}: it must lie in 0 to 1")
        if isinstance(self.divergence, FrameByFrame) and extremes(self.predicted)[1] > 0:
            raise ValueError(
                "predicted is above 0, but divergence.kind is frame_by_frame: predicted durations give other lengths "
                "than the recording's; set divergence.kind=softly_warped"
            )


@config
class WarmStage(TrainingStage):
    """With the durations of the labels, and no memory yet."""

    run: RunConfig = RunConfig(steps=100_000)
    generator: OptimizerConfig = _published(2e-4)
    discriminator: OptimizerConfig = _published(2e-4)

    own_weights: ClassVar[Mapping[str, Schedule]] = {"end_to_end": Linear(start=0, end=50_000, first=0.0, last=0.1)}


@config
class MainStage(TrainingStage):
    """With predicted durations, softly warped divergences and the memory."""

    run: RunConfig = RunConfig(steps=1_200_000)
    divergence: DivergenceConfig = SoftlyWarped()
    predicted: Schedule = Linear(start=0, end=50_000, first=0.0, last=1.0)
    memory_share: Schedule = Linear(start=0, end=5_000, first=0.0, last=1.0)
    generator: OptimizerConfig = _published(1.77e-4)  # 2e-4 after 1,000 epochs
    discriminator: OptimizerConfig = _published(1.77e-4)

    own_weights: ClassVar[Mapping[str, Schedule]] = {
        "kl_forward": Linear(start=0, end=50_000, first=0.0, last=0.02),
        "end_to_end": 0.1,
    }


@config
class TuneStage(TrainingStage):
    """The durator alone, on what the discriminators say of the prior's own speech."""

    run: RunConfig = RunConfig(steps=200_000)
    trains: tuple[str, ...] = DURATOR
    divergence: DivergenceConfig = SoftlyWarped()
    predicted: Schedule = 1.0
    memory_share: Schedule = 1.0
    generator: OptimizerConfig = OptimizerConfig(learning_rate=2e-5)
    discriminator: OptimizerConfig = OptimizerConfig(learning_rate=2e-5)

    own_weights: ClassVar[Mapping[str, Schedule]] = {**dict.fromkeys(default_weights(), 0.0), "end_to_end": 1.0}


@config
class PretrainingStage:
    """What the phoneme encoder reads before it speaks (3.2); see `models.phoneme_encoder`."""

    data: TextsConfig
    run: RunConfig
    workers: int = 0
    sup_phonemes: int = 4000
    masking: MaskingConfig = MaskingConfig()
    losses: Mapping[str, Schedule] = field(default_factory=dict)
    optimizer: OptimizerConfig = field(default_factory=default_optimizer)


@config
class LabelStage:
    """Who says how long phonemes lasted, as `sonorant align` does it."""

    by: str
    """A voice, by its name or folder, or a run's folder; its phonemes must be those of `text`. Or a folder that
    `sonorant align` has written for the manifest."""
    speaker: str | None = None
    """Take all utterances for this speaker of the voice's; None: each for their own."""
    language: str | None = None
    """Read all texts as this language of the voice's; None: each as its own."""

    def __post_init__(self) -> None:
        if not self.by:
            raise ValueError("by is empty: name a voice, a run's folder, or a folder that 'sonorant align' has written")

    @property
    def folder(self) -> Path | None:
        """The alignments that are there already; None where they are to be made."""
        path = Path(self.by)
        return path if (path / ALIGNMENTS).is_file() else None


@config
class BankStage:
    """How the memory bank is made of what the posterior says of the training split."""

    n_frames: int = 200_000
    """So many frames are drawn, to find centres of; all, where there are fewer."""
    n_rounds: int = 20

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_frames")
        check_at_least(0, self, "n_rounds")


@config
class NaturalSpeechRecipe:
    """All that decides a run. Stages are as long as the paper's, in steps; the weights it does not give are ours."""

    system: Literal["naturalspeech"] = "naturalspeech"
    init_from: str | None = None
    """A voice, by its name or folder, or a run's folder, whose weights training starts from."""
    labels: LabelStage
    data: DataConfig
    text: TextConfig = StandardText(blanks=False)
    pretraining: PretrainingStage | None = None
    """None leaves it out. What it makes is where the text encoder begins, whatever init_from gives."""
    loader: LoaderConfig = LoaderConfig()
    model: NaturalSpeechConfig = NaturalSpeechConfig()
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    mel: MelConfig = MelConfig()
    spectral: StftLossConfig = StftLossConfig()
    warm: WarmStage = WarmStage()
    bank: BankStage = BankStage()
    """Not looked at where model.memory is null."""
    main: MainStage = MainStage()
    tune: TuneStage | None = TuneStage()
    """None leaves the stage out."""
    average_decay: float = 0.999
    precision: Precision = "fp32"
    seed: int = 1234

    def __post_init__(self) -> None:
        check_share(self, "average_decay")
        check_at_least(0, self, "seed")
        mel_filterbank(self.model.spectrogram, self.mel)  # refuses bands that hold nothing
        if self.model.memory is not None and self.bank.n_frames < self.model.memory.n_slots:
            raise ValueError(
                f"bank.n_frames is {self.bank.n_frames}: it must be at least model.memory.n_slots, "
                f"{self.model.memory.n_slots}"
            )
        has_memory = self.model.memory is not None
        for name in ("warm", "main", "tune"):
            stage: TrainingStage | None = getattr(self, name)
            if stage is None:
                continue
            if extremes(stage.memory_share)[1] > 0 and (not has_memory or name == "warm"):
                why = "the memory is made after that stage" if has_memory else "there is no model.memory"
                raise ValueError(f"{name}.memory_share is above 0, but {why}: set it to 0")
            object.__setattr__(self, name, self._with_source(name, stage))
            spectral = self.spectral if extremes(stage.losses["spectral"])[1] > 0 else None
            check_slices(
                stage.segment_frames,
                self.model.spectrogram,
                self.discriminators,
                spectral,
                name=f"{name}.segment_frames",
            )
        for name in ("predicted", "memory_share"):
            ends = [extremes(getattr(stage, name))[1] for stage in (self.main, self.tune) if stage is not None]
            if ends[0] == 0 < ends[-1]:
                raise ValueError(f"tune.{name} is above 0, but main.{name} never is: set both, or neither")
        _ = self.encoder  # refuses settings that are none
        if has_blanks(self.text):
            raise ValueError(
                "text has blanks between symbols, but phonemes alone last as long as is labelled: set text.blanks=false"
            )
        if self.data.manifest is None:
            raise ValueError("data.manifest is not set: phonemes are labelled by the manifest's recordings")

    def _with_source(self, name: str, stage: TrainingStage) -> TrainingStage:
        """A stage with the weight of `source` where the decoder finds the pitch of what it says, and else without."""
        weights = {**stage.losses}
        if hears_pitch(self.model.decoder):
            weights.setdefault("source", SOURCE_WEIGHT)
            if "decoder" in stage.trains and extremes(weights["source"])[1] <= 0:
                raise ValueError(f"{name}.losses.source is 0, but the decoder is trained: it must learn the pitch")
        elif extremes(weights.pop("source", 0.0))[1] > 0:
            raise ValueError(
                f"{name}.losses.source is set, but a decoder of model.decoder.kind={self.model.decoder.kind} does not "
                "find the pitch of what it says: leave it out"
            )
        return replace(stage, losses=weights)

    @property
    def encoder(self) -> PhonemeEncoderRecipe | None:
        """The phoneme encoder that this run trains first; None if it trains none."""
        stage, model = self.pretraining, self.model
        if stage is None:
            return None
        read_by = replace(model.text_encoder, speaker_layer=None)
        return PhonemeEncoderRecipe(
            data=stage.data,
            text=self.text,
            run=stage.run,
            workers=stage.workers,
            model=PhonemeEncoderConfig(d_hidden=model.d_hidden, text_encoder=read_by),
            sup_phonemes=stage.sup_phonemes,
            masking=stage.masking,
            losses=stage.losses,
            optimizer=stage.optimizer,
            average_decay=self.average_decay,
            precision=self.precision,
            seed=self.seed,
        )

    @property
    def framing(self) -> Framing:
        """What its corpus must be like."""
        spectrogram = self.model.spectrogram
        return Framing(
            sample_rate_hz=spectrogram.sample_rate_hz,
            hop=spectrogram.hop,
            min_frames=self.warm.segment_frames,
        )

    @property
    def undecided(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`: stages' own settings, which a stage keeps to once it has begun."""
        of_pretraining = ("pretraining.run.", "pretraining.workers:", "pretraining.data.cache:")
        return ("loader.", *of_pretraining, "labels.", "warm.", "bank.", "main", "tune")

    def stages(self, fabric: Fabric, run: Path, given: Given) -> Sequence[Stage]:
        """The stages in order."""
        settings = _settings(self)
        trainings = Trainings(self, fabric, run, given)
        if not (run / LABELS / ALIGNMENTS).is_file():
            trainings.check_labels()  # refused now, not after what takes long
        trainings.check_source()
        files = prepared_files(self.data)
        manifest = self.data.manifest
        assert manifest is not None, "refused where it was set"

        def prepared() -> dict[str, Path]:
            found = {f"{PREPARE}/{name}": run / PREPARE / name for name in files}
            return found | {f"{LABELS}/{ALIGNMENTS}": run / LABELS / ALIGNMENTS}

        def training(name: str, of: TrainingStage, before: Callable[[], Mapping[str, Path]]) -> Stage:
            own = plain(of)
            del own["run"]
            return Stage(
                name,
                {**settings, **own},
                inputs=lambda: {**prepared(), **before()},
                gives=(),
                run=lambda folder: trainings.train(name, of, folder),
                goal={"steps": of.run.steps},
                is_shared=True,
            )

        encoder = self.encoder
        reading = [] if encoder is None else encoder.stages(fabric, run, given, prepare_in=TEXTS, train_in=PRETRAIN)
        stages = [
            *reading,
            prepare_stage(
                self.data,
                self.text,
                self.framing,
                settings={
                    "text": settings["text"],
                    "spectrogram": settings["model"]["spectrogram"],
                    "min_frames": self.framing.min_frames,
                },
                say=to_stderr,
            ),
            Stage(
                LABELS,
                plain(self.labels),
                inputs=lambda: {f"the manifest {manifest}": manifest},
                gives=(ALIGNMENTS,),
                run=trainings.labels,
                is_costly=True,
            ),
            training(WARM, self.warm, dict if encoder is None else lambda: trainings.reached(PRETRAIN)),
        ]
        if self.model.memory is not None:
            stages.append(
                Stage(
                    BANK,
                    {**plain(self.bank), "model": settings["model"], "seed": self.seed},
                    inputs=lambda: trainings.reached(WARM),
                    gives=(MEMORY,),
                    run=trainings.bank,
                )
            )
        stages.append(training(MAIN, self.main, lambda: trainings.reached(WARM)))
        if self.tune is not None:
            stages.append(training(TUNE, self.tune, lambda: trainings.reached(MAIN)))
        return tuple(stages)

    @property
    def speaking(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`."""
        return (WARM, MAIN) if self.tune is None else (WARM, MAIN, TUNE)

    def read(self, run: Path, stage: str | None, step: int | None) -> Trained:
        """What a run has made; see `models.recipes.Recipe`."""
        from sonorant.models.naturalspeech.export import read

        stages = [run / name for name in (self.speaking if stage is None else (stage,))]
        return read(self.model, self.discriminators, run / PREPARE, stages, step)


def _settings(recipe: NaturalSpeechRecipe) -> dict[str, Any]:
    """What decides every stage that trains: all that is neither a stage's own, nor where things lie."""
    settings = plain(recipe)
    for name in ("loader", "pretraining", "warm", "bank", "main", "tune"):
        del settings[name]
    del settings["data"]["manifest"], settings["data"]["shards"]
    return dict(settings)
