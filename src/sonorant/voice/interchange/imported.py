"""What every importer yields, and how it becomes a voice folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sonorant.config import plain
from sonorant.errors import ConfigError, ImportingError, TextError
from sonorant.models import Purpose
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.normalize import normalizer_for
from sonorant.text.phonemize import EspeakConfig, PhonemizerConfig
from sonorant.voice.interchange.weights_layout import ForeignModel, build
from sonorant.voice.manifest import SynthesisSettings
from sonorant.voice.write import NewVoice, write_voice

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


def write_imported(imported: Imported, out: Path, *, note: str = "", replace: bool = False) -> None:
    """Make a voice folder of what was read. note: one more paragraph for the card.

    Raises VoiceError when `out` cannot be written, ImportingError when what was read cannot speak.
    """
    foreign = imported.network
    converts = foreign.n_speakers > 1 and any(name.startswith("posterior.") for name in foreign.state)
    purpose = Purpose.CONVERSION if converts else Purpose.SPEAKING
    voice = NewVoice(
        name=imported.name,
        system=foreign.system,
        model=plain(foreign.cfg),
        weights=build(foreign, purpose, source=imported.source).state_dict(),
        n_symbols=foreign.n_symbols,
        sample_rate_hz=foreign.cfg.spectrogram.sample_rate_hz,
        symbols=imported.symbols,
        frontend=imported.frontend,
        speakers=imported.speakers,
        synthesis=imported.synthesis,
        licence=imported.licence,
        source=imported.source,
        notes=(*imported.notes, *((note,) if note else ())),
    )
    try:
        write_voice(voice, out, replace=replace)
    except (ConfigError, TextError) as error:
        raise ImportingError(f"{imported.source}: was read but cannot speak: {error}") from None
