"""The contents of `voice.json`: everything that decides how a voice sounds, but its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from sonorant.config import config
from sonorant.text.frontend import FrontendConfig

SCHEMA = 1


@config
class SynthesisSettings:
    """How a voice speaks unless told otherwise. Scales are factors; pauses are seconds of silence added."""

    length_scale: float = 1.0
    noise_scale: float = 0.667
    noise_scale_duration: float = 0.8
    sentence_pause_s: float = 0.15
    paragraph_pause_s: float = 0.5


@config
class VoiceManifest:
    """A voice, as `voice.json` says it."""

    name: str
    system: str
    model: Mapping[str, Any]  # the system's own configuration, checked when its weights are loaded
    sample_rate_hz: int
    symbols: Mapping[str, int]
    frontend: FrontendConfig
    speakers: tuple[str, ...]
    components: Mapping[str, str]  # file name -> SHA-256
    synthesis: SynthesisSettings = SynthesisSettings()
    language_of_speaker: Mapping[str, str] = field(default_factory=dict)
    """The language a speaker speaks unless told otherwise; the voice's first, where a speaker has none here."""
    title: str = ""
    licence: str = ""
    source: str = ""
    made_with: str = ""
    n_symbols: int | None = None  # rows of the embedding; None: as many as the symbols need
    schema: int = SCHEMA

    def native_language(self, speaker: str) -> str:
        """The code of the language a speaker speaks unless told otherwise."""
        return self.language_of_speaker.get(speaker, self.frontend.languages[0].code)

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema is {self.schema}, but this sonorant reads schema {SCHEMA}: upgrade sonorant")
        if not self.speakers:
            raise ValueError("speakers is empty: a voice has at least one")
        if len(set(self.speakers)) != len(self.speakers):
            raise ValueError("speakers holds a name twice")
        codes = {language.code for language in self.frontend.languages}
        for speaker, code in self.language_of_speaker.items():
            if speaker not in self.speakers or code not in codes:
                raise ValueError(f"language_of_speaker has {speaker!r} speak {code!r}, but the voice lacks one of them")
        if self.sample_rate_hz <= 0:
            raise ValueError(f"sample_rate_hz is {self.sample_rate_hz}: it must be positive")
        if not self.components:
            raise ValueError("components is empty: a voice has at least one weight file")
