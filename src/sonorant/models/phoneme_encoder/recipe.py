"""How a phoneme encoder is trained: from folders of texts to weights that another system's text encoder starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sonorant.bounds import check_at_least, check_share
from sonorant.config import config, plain
from sonorant.errors import ConfigError
from sonorant.models.given import Given
from sonorant.models.phoneme_encoder.config import MaskingConfig, PhonemeEncoderConfig, TextsConfig
from sonorant.models.phoneme_encoder.phonemes import text_files
from sonorant.models.phoneme_encoder.prepare import GIVES, prepare
from sonorant.models.phoneme_encoder.training import TERMS, build
from sonorant.models.preparing import PREPARE, to_stderr
from sonorant.models.trained import Trained
from sonorant.text.standard import StandardText, TextConfig, has_blanks, text_of
from sonorant.training.devices import Precision
from sonorant.training.loop import RunConfig, train
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Exponential, Schedule
from sonorant.training.stage import Stage
from sonorant.training.terms import check_weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric

TRAIN = "train"


def default_optimizer() -> OptimizerConfig:
    """How it learns where nothing else is said."""
    return OptimizerConfig(
        learning_rate=Exponential(value=5e-4, gamma=0.99999, warmup=2000), betas=(0.9, 0.98), clip_norm=1.0
    )


def _equal_weights() -> dict[str, Schedule]:
    return dict.fromkeys(TERMS, 1.0)


@config
class PhonemeEncoderRecipe:
    """All that decides a run."""

    system: Literal["phoneme_encoder"] = "phoneme_encoder"
    data: TextsConfig
    text: TextConfig = StandardText(blanks=False)
    run: RunConfig
    workers: int = 0
    """Processes that find phonemes, and then mask sentences ahead of time; none: the one that trains does both."""
    model: PhonemeEncoderConfig = PhonemeEncoderConfig()
    sup_phonemes: int = 4000
    """At most so many, all single phonemes among them. The paper has 30,088, of 200 million sentences."""
    masking: MaskingConfig = MaskingConfig()
    losses: Mapping[str, Schedule] = field(default_factory=_equal_weights)
    """Weights of terms; those left out are 1."""
    optimizer: OptimizerConfig = field(default_factory=default_optimizer)
    average_decay: float = 0.999
    precision: Precision = "fp32"
    seed: int = 1234

    def __post_init__(self) -> None:
        object.__setattr__(self, "losses", {**_equal_weights(), **self.losses})
        check_weights(self.losses, TERMS, source="losses")
        check_share(self, "average_decay")
        check_at_least(0, self, "seed", "workers")
        check_at_least(1, self, "sup_phonemes")
        if has_blanks(self.text):
            raise ConfigError("text has blanks between symbols: a sup-phoneme is read without; set text.blanks=false")

    @property
    def init_from(self) -> None:
        """Nothing: it is the beginning."""
        return

    @property
    def undecided(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`."""
        return ("run.", "workers:", "data.cache:")

    def stages(
        self, fabric: Fabric, run: Path, given: Given, *, prepare_in: str = PREPARE, train_in: str = TRAIN
    ) -> Sequence[Stage]:
        """Prepare, then train; a run that goes on to speak names the two otherwise."""
        settings = plain(self)
        for name in ("texts", "language", "cache"):  # the texts are an input
            del settings["data"][name]
        del settings["run"], settings["workers"]
        settings["data"]["languages"] = list(self.data.folders)

        def run_prepare(folder: Path) -> bool:
            frontend, symbols = text_of(self.text, list(self.data.folders))
            dropped = prepare(
                self.data,
                folder,
                frontend=frontend,
                symbols=symbols,
                n_sup_phonemes=self.sup_phonemes,
                workers=self.workers,
                should_stop=given.should_stop,
            )
            for reason, count in (dropped or {}).items():
                to_stderr(f"{prepare_in}: left out {count:,}: {reason}")
            return dropped is not None

        def run_train(folder: Path) -> bool:
            training = build(self, fabric, run / prepare_in)
            return train(fabric, training, self.run, folder, should_stop=given.should_stop)

        return (
            Stage(
                name=prepare_in,
                settings=_of_prepare(settings),
                inputs=lambda: {
                    f"the text {name} ({language})": path
                    for language, folder in self.data.folders.items()
                    for name, path in text_files(folder).items()
                },
                gives=GIVES,
                run=run_prepare,
                is_costly=True,
            ),
            Stage(
                name=train_in,
                settings=settings,
                inputs=lambda: {f"{prepare_in}/{name}": run / prepare_in / name for name in GIVES},
                gives=(),
                run=run_train,
                goal={"steps": self.run.steps},
                is_shared=True,
            ),
        )

    @property
    def speaking(self) -> tuple[str, ...]:
        """See `models.recipes.Recipe`: it does not speak, but others start from it."""
        return (TRAIN,)

    def read(
        self,
        run: Path,
        stage: str | None,
        step: int | None,
        *,
        prepare_in: str = PREPARE,
        train_in: str = TRAIN,
    ) -> Trained:
        """What a run has made; see `models.recipes.Recipe`."""
        from sonorant.models.phoneme_encoder.export import read

        return read(self.model, run / prepare_in, run / train_in, step)


def _of_prepare(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the sentences."""
    names = ("languages", "line_breaks", "validation_share")
    return {
        "data": {name: settings["data"][name] for name in names},
        "text": settings["text"],
        "sup_phonemes": settings["sup_phonemes"],
    }
