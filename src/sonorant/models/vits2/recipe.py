"""How a VITS2 is trained: from a manifest to a run's checkpoints (Kong et al. 2023, sections 2.1 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sonorant.audio.spectrogram import MelConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_share
from sonorant.config import config
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import Framing
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.averages import last_state
from sonorant.models.given import Given
from sonorant.models.preparing import PREPARE, decisive, prepare_stage, prepared_files, to_stderr
from sonorant.models.slices import check_slices, default_weights, terms_of
from sonorant.models.trained import Trained
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.game import GameSettings
from sonorant.models.vits2.losses import TERMS
from sonorant.models.vits2.training import (
    COMPLETE,
    DURATIONS,
    TRAIN,
    Trainings,
)
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.nn.duration_discriminator import DurationDiscriminatorConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.text.standard import StandardText, TextConfig
from sonorant.training.checkpoint import STATE
from sonorant.training.devices import Precision
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Linear, Schedule, extremes, value_at
from sonorant.training.stage import Stage
from sonorant.training.terms import check_weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def _published_weights() -> dict[str, Schedule]:
    return {"mel": 45.0, "spectral": 0.0, "kl": 1.0, "duration": 1.0, "adversarial": 1.0, "feature": 2.0}


def _duration_weights() -> dict[str, Schedule]:
    return {"duration": 1.0, "duration_adversarial": 1.0}


@config
class CompletionStage:
    """A stage before all others that trains what a source lacks, against the frozen rest."""

    kind: Literal["dreams", "recordings"]
    """On what: a posterior learns best from what the source itself says; a decoder or a flow needs recordings."""
    run: RunConfig
    generator: OptimizerConfig = OptimizerConfig()


@config
class DurationStage:
    """The last stage (2.1): the duration predictor against its discriminator, all else frozen."""

    run: RunConfig = RunConfig(steps=30_000, log_every=200, evaluate_every=2000, checkpoint_every=5000)
    batch_items: int = 64
    network: DurationDiscriminatorConfig = DurationDiscriminatorConfig()
    losses: Mapping[str, Schedule] = field(default_factory=_duration_weights)
    generator: OptimizerConfig = OptimizerConfig(learning_rate=2e-4, clip_norm=1.0)
    discriminator: OptimizerConfig = OptimizerConfig(learning_rate=2e-4, clip_norm=1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", {**_duration_weights(), **self.losses})
        check_weights(self.losses, _duration_weights(), source="durations.losses")
        check_at_least(1, self, "batch_items")


@config
class Vits2Recipe:
    """All that decides a run. The defaults are the paper's, and VITS's where the paper is silent."""

    system: Literal["vits2"] = "vits2"
    init_from: str | None = None
    """A voice, by its name or folder, or a run's folder, whose weights training starts from."""
    data: DataConfig
    text: TextConfig = StandardText(blanks=False)
    run: RunConfig
    loader: LoaderConfig = LoaderConfig()
    model: Vits2Config = Vits2Config()
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    mel: MelConfig = MelConfig()
    spectral: StftLossConfig = StftLossConfig()
    segment_frames: Schedule = 32
    """Length of the decoded slices; utterances shorter than the first are left out."""
    alignment_noise: Schedule = Linear(start=0, end=5000, first=0.01, last=0.0)
    """In shares of the deviation of an item's log-likelihoods (2.2)."""
    losses: Mapping[str, Schedule] = field(default_factory=_published_weights)
    """Weights of terms; those left out are as published."""
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    complete: CompletionStage | None = None
    """Needs init_from."""
    durations: DurationStage | None = DurationStage()
    """None leaves the stage out; only an adversarial predictor has it."""
    average_decay: float = 0.999
    precision: Precision = "fp32"
    seed: int = 1234

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", {**default_weights(_published_weights(), self.model.decoder), **self.losses})
        check_weights(self.losses, self.terms, source="losses")
        check_share(self, "average_decay")
        check_at_least(0, self, "seed")
        mel_filterbank(self.model.spectrogram, self.mel)  # refuses bands that hold nothing
        if extremes(self.alignment_noise)[0] < 0:
            raise ValueError(f"alignment_noise is {extremes(self.alignment_noise)[0]}: it must not be below 0")
        is_adversarial = isinstance(self.model.duration, NoisyDurationConfig)
        if not is_adversarial and self.durations == DurationStage():
            object.__setattr__(self, "durations", None)
        if self.durations is not None and not is_adversarial:
            raise ValueError(
                f"durations is set, but model.duration.kind is {self.model.duration.kind}: only an adversarial one has "
                "that stage"
            )
        if self.complete is not None and self.init_from is None:
            raise ValueError("complete is set, but there is no init_from whose weights it could complete")
        spectral = self.spectral if extremes(self.losses["spectral"])[1] > 0 else None
        check_slices(self.segment_frames, self.model.spectrogram, self.discriminators, spectral)

    @property
    def terms(self) -> tuple[str, ...]:
        """Of the generator's loss."""
        return terms_of(TERMS, self.model.decoder)

    @property
    def framing(self) -> Framing:
        """What its corpus must be like."""
        spectrogram = self.model.spectrogram
        return Framing(
            sample_rate_hz=spectrogram.sample_rate_hz,
            hop=spectrogram.hop,
            min_frames=int(value_at(self.segment_frames, 0)),
        )

    @property
    def game_settings(self) -> GameSettings:
        """What its game is played with."""
        return GameSettings(
            terms=self.terms,
            spectrogram=self.model.spectrogram,
            mel=self.mel,
            spectral=self.spectral,
            segment_frames=self.segment_frames,
            alignment_noise=self.alignment_noise,
        )

    @property
    def undecided(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`; the last stage's settings are its own affair until it has begun."""
        return ("run.", "loader.", "durations.", "durations:")

    def stages(self, fabric: Fabric, run: Path, given: Given) -> Sequence[Stage]:
        """Prepare; complete what a source lacks; train; then train the durations."""
        settings = decisive(self)
        last_settings = settings.pop("durations")
        files = prepared_files(self.data)
        trainings = Trainings(self, fabric, run, given)

        def prepared() -> dict[str, Path]:
            return {f"{PREPARE}/{name}": run / PREPARE / name for name in files}

        def stage(name: str, of: RunConfig, action: Callable[[Path], bool]) -> Stage:
            goal = {"steps": of.steps}
            return Stage(name, settings, inputs=prepared, gives=(), run=action, goal=goal, is_shared=True)

        stages = [
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
            )
        ]
        if self.complete is not None:
            stages.append(stage(COMPLETE, self.complete.run, trainings.complete))
        stages.append(stage(TRAIN, self.run, trainings.train))
        if self.durations is not None:
            last_settings.pop("run")
            stages.append(
                replace(
                    stage(DURATIONS, self.durations.run, trainings.durations),
                    settings=last_settings,
                    inputs=lambda: {f"{TRAIN}/{STATE}": last_state(run / TRAIN)},
                    is_remade=True,
                )
            )
        return tuple(stages)

    @property
    def speaking(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`. What `train` gave has the durations that it trained itself."""
        return (TRAIN, DURATIONS)

    def read(self, run: Path, stage: str | None, step: int | None) -> Trained:
        """What a run has made; see `models.recipes.Recipe`."""
        from sonorant.models.vits2.export import read

        return read(self.model, self.discriminators, run / PREPARE, run / TRAIN, run / DURATIONS, stage, step)
