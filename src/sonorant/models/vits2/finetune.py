"""A recipe that makes another voice of a voice: a few minutes of a speaker, a language, or a few of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sonorant.config import parse, plain
from sonorant.data.dataset import DataConfig
from sonorant.errors import ConfigError
from sonorant.models.vits2.recipe import CompletionStage, DurationStage, Vits2Recipe
from sonorant.models.vits2.start import as_vits2
from sonorant.nn.discriminators import DiscriminatorConfig
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.text.frontend import FrontendConfig
from sonorant.text.standard import GivenText, standard_config, standard_symbols
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Exponential, From

STEPS, COMPLETION_STEPS, DURATION_STEPS = 1500, 300, 2000
ADVERSARY_FROM = 200
"""Fresh discriminators would only push a voice that speaks already away from what it knows."""


def finetuning_recipe(
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
) -> Vits2Recipe:
    """The recipe for 5 to 60 minutes of speech.

    voice: its name, where training starts; system, model, frontend, symbols, n_speakers: what it is; languages: of the
    manifest, those new to the voice are added with the symbols they need.
    Raises ConfigError for a voice of a system that cannot be fine-tuned.
    """
    cfg = as_vits2(voice, system, model)
    if n_speakers > 1:
        cfg = replace(cfg, keeps_single_speaker=True)
    is_adversarial = isinstance(cfg.duration, NoisyDurationConfig)
    return Vits2Recipe(
        init_from=voice,
        data=DataConfig(manifest=manifest, batch_s=24.0, batch_items=8),
        text=_text(frontend, symbols, languages),
        run=RunConfig(steps=STEPS, log_every=25, evaluate_every=250, checkpoint_every=250),
        complete=CompletionStage(
            kind="dreams",
            run=RunConfig(
                steps=COMPLETION_STEPS, log_every=25, evaluate_every=COMPLETION_STEPS, checkpoint_every=COMPLETION_STEPS
            ),
            generator=OptimizerConfig(learning_rate=Exponential(value=1e-3, gamma=0.997, warmup=20)),
        )
        if lacks_posterior
        else None,
        model=cfg,
        discriminators=DiscriminatorConfig(
            period_channels=(16, 32, 64, 128), scale=None, frames=FrameDiscriminatorConfig()
        ),
        alignment_noise=0.0,
        losses={
            "spectral": 2.0,
            "adversarial": From(step=ADVERSARY_FROM, value=1.0),
            "feature": From(step=ADVERSARY_FROM, value=2.0),
        },
        generator=OptimizerConfig(learning_rate=Exponential(value=2e-4, gamma=0.9995, warmup=50)),
        discriminator=OptimizerConfig(learning_rate=Exponential(value=4e-4, gamma=0.9995)),
        durations=DurationStage(
            run=RunConfig(
                steps=DURATION_STEPS, log_every=100, evaluate_every=DURATION_STEPS, checkpoint_every=DURATION_STEPS
            )
        )
        if is_adversarial
        else None,
        average_decay=0.99,
    )


def _text(frontend: FrontendConfig, symbols: Mapping[str, int], languages: Sequence[str]) -> GivenText:
    """The voice's own way with texts, and the standard one for languages that are new to it."""
    known = {language.code for language in frontend.languages}
    new = [code for code in languages if code not in known]
    for code in new:
        same = [other for other in known if other.split("-")[0] == code]
        if same:
            raise ConfigError(
                f"the manifest is in {code!r}, the voice speaks {' and '.join(map(repr, same))}: say in the manifest "
                f"which is meant, {same[0]!r} or another"
            )
    if not new:
        return GivenText(frontend=frontend, symbols=symbols)
    data = plain(frontend)
    added = plain(standard_config(new))
    data["languages"] += added["languages"]
    if any(language.split("-")[0] == "ko" for language in new):
        data["unicode_form"] = added["unicode_form"]  # jamo are apart in one form only
    grown = dict(symbols)
    for symbol in standard_symbols(languages=new):
        grown.setdefault(symbol, max(grown.values()) + 1)
    return GivenText(frontend=parse(FrontendConfig, data, source="frontend"), symbols=grown)
