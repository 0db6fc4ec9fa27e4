"""A new voice becomes a folder: weights, manifest, card and self-test; whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonorant import __version__
from sonorant.errors import VoiceError
from sonorant.text.frontend import FrontendConfig
from sonorant.voice import bundle as bundles
from sonorant.voice.manifest import SynthesisSettings, VoiceManifest

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NewVoice:
    """A voice before it has a folder. model: the system's configuration as plain data; notes: paragraphs for its card.

    language_of_speaker: for speakers who do not speak the first language unless told to.
    """

    name: str
    system: str
    model: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    n_symbols: int
    sample_rate_hz: int
    symbols: Mapping[str, int]
    frontend: FrontendConfig
    speakers: tuple[str, ...]
    synthesis: SynthesisSettings = SynthesisSettings()  # noqa: RUF009 - frozen
    language_of_speaker: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()


def halved(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights in 16 bits. Raises VoiceError for one that has no such number."""
    import torch

    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    for name, tensor in half.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise VoiceError(f"{name} holds numbers beyond 16 bits; keep the voice in 32 bits")
    return half


def write_voice(voice: NewVoice, out: Path, *, replace: bool = False) -> None:
    """Write a voice folder.

    Raises VoiceError when `out` cannot be written, ConfigError, TextError or VoiceError when the voice cannot speak.
    """
    from safetensors.torch import save_file

    from sonorant.voice import card, check
    from sonorant.voice.voice import load

    def fill(folder: Path) -> None:
        weights = folder / bundles.WEIGHTS
        save_file({name: tensor.contiguous().clone() for name, tensor in voice.weights.items()}, weights)
        manifest = VoiceManifest(
            name=voice.name,
            system=voice.system,
            model=voice.model,
            sample_rate_hz=voice.sample_rate_hz,
            symbols=voice.symbols,
            frontend=voice.frontend,
            speakers=voice.speakers,
            components={bundles.WEIGHTS: bundles.sha256(weights)},
            synthesis=voice.synthesis,
            language_of_speaker=voice.language_of_speaker,
            licence=voice.licence,
            source=voice.source,
            made_with=f"sonorant {__version__}",
            n_symbols=voice.n_symbols,
        )
        bundles.write_manifest(folder, manifest)
        shutil.copymode(folder / bundles.MANIFEST, weights)  # safetensors lets nobody else read what it writes
        n_parameters = sum(tensor.numel() for tensor in voice.weights.values())
        card.write(folder, manifest, n_parameters=n_parameters, notes=voice.notes)
        check.write(folder, check.record(load(folder)))

    bundles.write_whole(out, fill, replace=replace)
