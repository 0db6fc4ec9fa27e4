"""How each system is trained. Only the command line looks here: a voice runs without any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sonorant.config import parse, read_yaml
from sonorant.errors import ConfigError, TrainingError
from sonorant.models.given import Given
from sonorant.models.trained import Trained
from sonorant.text.frontend import FrontendConfig
from sonorant.training.devices import Precision
from sonorant.training.stage import Stage

if TYPE_CHECKING:
    from lightning_fabric import Fabric

CONFIG = "config.yaml"
"""Of a run's folder: all that decides it."""


class Recipe(Protocol):
    """A system's configuration file, which knows how to train it."""

    @property
    def precision(self) -> Precision: ...

    @property
    def init_from(self) -> str | None: ...

    @property
    def undecided(self) -> tuple[str, ...]:
        """Beginnings of names of settings that may change while a run goes on."""
        ...

    def stages(self, fabric: Fabric, run: Path, given: Given) -> Sequence[Stage]:
        """What is to be done in a run's folder, in order."""
        ...

    @property
    def speaking(self) -> tuple[str, ...]:
        """The stages after which there is something to speak with, or to start from, in order."""
        ...

    def read(self, run: Path, stage: str | None, step: int | None) -> Trained:
        """What a run has made by a stage and a step of it, or what is best kept of the run. stage: one of `speaking`.

        Raises TrainingError where that stage has no such checkpoint.
        """
        ...


def parse_recipe(data: Mapping[str, Any], *, source: str) -> Recipe:
    """The recipe in the contents of a configuration file. Raises ConfigError."""
    match data.get("system"):
        case "vits":
            from sonorant.models.vits.recipe import VitsRecipe

            return parse(VitsRecipe, dict(data), source=source)
        case "vits2":
            from sonorant.models.vits2.recipe import Vits2Recipe

            return parse(Vits2Recipe, dict(data), source=source)
        case "naturalspeech":
            from sonorant.models.naturalspeech.recipe import NaturalSpeechRecipe

            return parse(NaturalSpeechRecipe, dict(data), source=source)
        case "cvae_jets":
            from sonorant.models.cvae_jets.recipe import CvaeJetsRecipe

            return parse(CvaeJetsRecipe, dict(data), source=source)
        case "phoneme_encoder":
            from sonorant.models.phoneme_encoder.recipe import PhonemeEncoderRecipe

            return parse(PhonemeEncoderRecipe, dict(data), source=source)
        case other:
            raise ConfigError(
                f"{source}: system is {other!r}, expected vits, vits2, naturalspeech, cvae_jets or phoneme_encoder"
            )


def read_run(run: Path, *, stage: str | None = None, step: int | None = None) -> Trained:
    """What the run in a folder has made. step: None for a VITS's best checkpoint, the last of the others.

    stage: None for the last that has trained. Raises TrainingError for a folder that is no run, or without it.
    """
    if not (run / CONFIG).is_file():
        raise TrainingError(f"{run}: is no run, for it has no {CONFIG}; name what 'sonorant train --run' was given")
    recipe = parse_recipe(read_yaml(run / CONFIG), source=str(run / CONFIG))
    if stage is not None and stage not in recipe.speaking:
        raise TrainingError(f"{run}: has no stage {stage!r} to speak after, only {', '.join(recipe.speaking)}")
    return recipe.read(run, stage, step)


def finetuning(
    voice: str,
    manifest: Path,
    *,
    system: str,
    model: Mapping[str, Any],
    frontend: FrontendConfig,
    symbols: Mapping[str, int],
    n_speakers: int,
    lacks_posterior: bool,
    languages: Sequence[str],
) -> Recipe:
    """The recipe that makes another voice of a voice; see `models.vits2.finetune`. Raises ConfigError."""
    from sonorant.models.vits2.finetune import finetuning_recipe

    return finetuning_recipe(
        voice,
        manifest,
        system=system,
        model=model,
        frontend=frontend,
        symbols=symbols,
        n_speakers=n_speakers,
        lacks_posterior=lacks_posterior,
        languages=languages,
    )
