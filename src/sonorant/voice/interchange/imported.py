"""What every importer yields, and how it becomes a voice folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sonorant import __version__
from sonorant.config import plain
from sonorant.errors import ConfigError, ImportingError, TextError
from sonorant.models.vits.model import Purpose
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.normalize import normalizer_for
from sonorant.text.phonemize import EspeakConfig, PhonemizerConfig
from sonorant.voice import bundle as bundles
from sonorant.voice.interchange.weights_layout import ForeignModel, build
from sonorant.voice.manifest import SynthesisSettings, VoiceManifest

# Three-letter codes of the languages whose texts sonorant normalises.
_TWO_LETTERS = {"eng": "en", "spa": "es", "fra": "fr", "ita": "it", "rus": "ru"}


@dataclass(frozen=True)
class Overrides:
    """What the caller says about a source that may not say it itself."""

    name: str | None = None
    language: str | None = None
    symbols: Path | None = None
    licence: str = ""


@dataclass(frozen=True)
class Imported:
    """A foreign voice in our terms: its network, and all that decides what is fed to it."""

    name: str
    network: ForeignModel
    symbols: Mapping[str, int]
    frontend: FrontendConfig
    speakers: tuple[str, ...]
    synthesis: SynthesisSettings
    licence: str
    source: str
    notes: tuple[str, ...] = ()


def espeak_language(voice: str) -> LanguageConfig:
    """A language read by an espeak-ng voice of the same name."""
    return language_config(voice, EspeakConfig(voice=voice))


def language_config(code: str, phonemizer: PhonemizerConfig) -> LanguageConfig:
    """A language with its normaliser, or none where sonorant has none for it."""
    code = _TWO_LETTERS.get(code.lower(), code.lower().replace("_", "-"))
    try:
        normalizer_for(code)
    except TextError:
        return LanguageConfig(code=code, normalizer="none", phonemizer=phonemizer)
    return LanguageConfig(code=code, normalizer=code.split("-")[0], phonemizer=phonemizer)


def write_voice(imported: Imported, out: Path, *, note: str = "", replace: bool = False) -> None:
    """Write a voice folder: weights, manifest, card and self-test; whole or not at all. note: one more for the card.

    Raises VoiceError when `out` cannot be written, ImportingError when what was read cannot speak.
    """
    from safetensors.torch import save_file

    from sonorant.voice import card, check
    from sonorant.voice.voice import load

    foreign = imported.network
    converts = foreign.n_speakers > 1 and any(name.startswith("posterior.") for name in foreign.state)
    purpose = Purpose.CONVERSION if converts else Purpose.SPEAKING
    state = build(foreign, purpose, source=imported.source).state_dict()

    def fill(folder: Path) -> None:
        weights = folder / bundles.WEIGHTS
        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, weights)
        manifest = VoiceManifest(
            name=imported.name,
            system="vits",
            model=plain(foreign.cfg),
            sample_rate_hz=foreign.cfg.spectrogram.sample_rate_hz,
            symbols=imported.symbols,
            frontend=imported.frontend,
            speakers=imported.speakers,
            components={bundles.WEIGHTS: bundles.sha256(weights)},
            synthesis=imported.synthesis,
            licence=imported.licence,
            source=imported.source,
            made_with=f"sonorant {__version__}",
            n_symbols=foreign.n_symbols,
        )
        bundles.write_manifest(folder, manifest)
        n_parameters = sum(tensor.numel() for tensor in state.values())
        card.write(folder, manifest, n_parameters=n_parameters, notes=(*imported.notes, *((note,) if note else ())))
        try:
            check.write(folder, check.record(load(folder)))
        except (ConfigError, TextError) as error:
            raise ImportingError(f"{imported.source}: was read but cannot speak: {error}") from None

    bundles.write_whole(out, fill, replace=replace)
