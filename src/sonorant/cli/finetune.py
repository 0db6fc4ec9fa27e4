"""`sonorant finetune`: from a voice and a manifest to another voice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def finetune(
    voice: Annotated[str, typer.Argument(help="The voice to start from: its name or folder.")],
    manifest: Annotated[Path, typer.Argument(help="The recordings to learn, as 'sonorant corpus import' lists them.")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]…", help="Settings that replace the defaults.")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="The run's folder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Make another voice of a voice, from 5 to 60 minutes of speech.

    What the voice lacks, such as the posterior encoder, is trained first, against the frozen rest. The manifest may
    have other speakers and languages than the voice. 'sonorant train --resume --run DIR' goes on with it.
    """
    from sonorant.cli.train import carry_out
    from sonorant.config import override, plain
    from sonorant.data.manifest import read_manifest
    from sonorant.errors import ParameterError
    from sonorant.models.recipes import finetuning
    from sonorant.voice import default
    from sonorant.voice.bundle import WEIGHTS, Bundle

    if run is None:
        raise ParameterError("no --run: name the folder of the run, as in 'sonorant finetune VOICE MANIFEST --run DIR'")
    bundle = Bundle.read(default.find(voice))
    about = bundle.manifest
    recipe = finetuning(
        voice,
        manifest,
        system=about.system,
        model=about.model,
        frontend=about.frontend,
        symbols=about.symbols,
        n_speakers=len(about.speakers),
        lacks_posterior=_lacks_posterior(bundle.component(WEIGHTS)),
        languages=sorted({utterance.language for utterance in read_manifest(manifest)}),
    )
    carry_out(override(plain(recipe), settings or []), run, source="finetune", resume=False, device=device)


def _lacks_posterior(weights: Path) -> bool:
    """Whether a posterior is missing: that of the speech, or that of durations that are drawn by a flow."""
    from safetensors import SafetensorError, safe_open

    from sonorant.errors import VoiceError

    try:
        with safe_open(weights, framework="pt") as file:
            names = list(file.keys())
    except SafetensorError as error:
        raise VoiceError(f"{weights}: is no safetensors file ({error})") from None

    def has(part: str) -> bool:
        return any(name.startswith(part) for name in names)

    return not has("posterior.") or (has("duration.flow.") and not has("duration.posterior."))
