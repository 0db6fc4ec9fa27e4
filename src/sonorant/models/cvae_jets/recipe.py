"""How a CVAE-JETS is trained: from a manifest to a run's checkpoints, with no aligner but its own.

Prepare; statistics, of each speaker's pitch and energy; train, in which weights of terms, and the softness of the
attention, change by the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sonorant.audio.spectrogram import MelConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_finite, check_share
from sonorant.config import config
from sonorant.data.dataset import DataConfig, LoaderConfig
from sonorant.data.prepare import Framing
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.losses import TERMS
from sonorant.models.cvae_jets.statistics import MEASURED
from sonorant.models.cvae_jets.training import STATISTICS, TRAIN, Trainings
from sonorant.models.given import Given
from sonorant.models.preparing import PREPARE, decisive, prepare_stage, prepared_files, to_stderr
from sonorant.models.slices import check_slices, default_weights, terms_of
from sonorant.models.trained import Trained
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.variance import DirectConfig
from sonorant.text.standard import StandardText, TextConfig
from sonorant.training.devices import Precision
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Linear, Schedule, Steps, extremes, value_at
from sonorant.training.stage import Stage
from sonorant.training.terms import check_weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def _published_weights() -> dict[str, Schedule]:
    """Of public code, which has `spectral` in place of `mel`."""
    return {
        "mel": 0.0,
        "spectral": 20.0,
        "kl": 1.0,
        "duration": 1.0,
        "pitch": 1.0,
        "pitch_statistics": 1.0,
        "voicing": 1.0,
        "energy": 1.0,
        "forward_sum": 1.0,
        "binarization": Linear(start=18_000, end=28_000, first=0.0, last=1.0),
        "adversarial": 1.0,
        "feature": 2.0,
    }


@config
class CvaeJetsRecipe:
    """All that decides a run. Steps and weights are by default those of public code, whose spectra and learning rate
    `configs/cvae_jets/paper.yaml` has."""

    system: Literal["cvae_jets"] = "cvae_jets"
    init_from: str | None = None
    """A voice, by its name or folder, or a run's folder, whose weights training starts from."""
    data: DataConfig
    text: TextConfig = StandardText(blanks=True)
    run: RunConfig
    loader: LoaderConfig = LoaderConfig()
    model: CvaeJetsConfig = CvaeJetsConfig()
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    mel: MelConfig = MelConfig()
    spectral: StftLossConfig = StftLossConfig()
    segment_frames: Schedule = 32
    """Length of the decoded slices; utterances shorter than the first are left out."""
    softness: Schedule = Steps(changes=(6000,), values=(1.0, 0.0))
    """How much of what frames hear comes by the soft attention, the rest by the path in it."""
    gain_db: float = 0.0
    """By how much at most each recording is heard louder or softer, drawn anew each time: what is said is then as loud
    as is asked, and not as such words mostly are."""
    losses: Mapping[str, Schedule] = field(default_factory=_published_weights)
    """Weights of terms; those left out are as published."""
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    average_decay: float = 0.999
    precision: Precision = "fp32"
    seed: int = 1234

    def __post_init__(self) -> None:
        weights = default_weights(_published_weights(), self.model.decoder)
        unheard = self._unheard
        weights.update(dict.fromkeys(unheard, 0.0))
        object.__setattr__(self, "losses", {**weights, **self.losses})
        check_weights(self.losses, self.terms, source="losses")
        for term, lacking in unheard.items():
            if extremes(self.losses[term])[1] > 0:
                raise ValueError(f"losses.{term} is set, but {lacking}: set it to 0")
        check_share(self, "average_decay")
        check_finite(self, "gain_db")
        check_at_least(0, self, "gain_db")
        if self.gain_db and isinstance(self.model.decoder, HifiGanConfig):
            raise ValueError(
                f"gain_db is {self.gain_db:g}, but a decoder of kind hifigan cannot be louder than 1: set it to 0, or "
                "take another kind"
            )
        check_at_least(0, self, "seed")
        mel_filterbank(self.model.spectrogram, self.mel)  # refuses bands that hold nothing
        least, greatest = extremes(self.softness)
        if not 0 <= least <= greatest <= 1:
            raise ValueError(f"softness is {least if least < 0 else greatest:g}: it must lie in 0 to 1")
        if extremes(self.losses["mel"])[1] == extremes(self.losses["spectral"])[1] == 0:
            raise ValueError("losses.mel and losses.spectral are both 0: nothing then tells the decoder what to say")
        spectral = self.spectral if extremes(self.losses["spectral"])[1] > 0 else None
        check_slices(self.segment_frames, self.model.spectrogram, self.discriminators, spectral)

    @property
    def _unheard(self) -> dict[str, str]:
        """Terms that are 0 whatever is said, and what they lack."""
        lacks = {}
        if self.model.latent is None:
            lacks["kl"] = "there is no model.latent, nor a prior"
        if isinstance(self.model.pitch, DirectConfig):
            lacks["pitch_statistics"] = "model.pitch.kind is direct, which has no statistics to tell"
        return lacks

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
    def undecided(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`."""
        return ("run.", "loader.")

    def stages(self, fabric: Fabric, run: Path, given: Given) -> Sequence[Stage]:
        """Prepare, measure, train."""
        settings = decisive(self)
        trainings = Trainings(self, fabric, run, given)
        files = prepared_files(self.data)

        def prepared() -> dict[str, Path]:
            return {f"{PREPARE}/{name}": run / PREPARE / name for name in files}

        def measured() -> dict[str, Path]:
            return {**prepared(), f"{STATISTICS}/{MEASURED}": run / STATISTICS / MEASURED}

        return (
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
                STATISTICS,
                {"spectrogram": settings["model"]["spectrogram"]},
                inputs=prepared,
                gives=(MEASURED,),
                run=trainings.measure,
            ),
            Stage(
                TRAIN,
                settings,
                inputs=measured,
                gives=(),
                run=trainings.train,
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
        from sonorant.models.cvae_jets.export import read

        return read(self.model, self.discriminators, run / PREPARE, run / TRAIN, step)
