"""The systems, one folder each. This table is all that others know of them; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from sonorant.errors import VoiceError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sonorant.audio.spectrogram import SpectrogramConfig
    from sonorant.models.aligning import Aligner
    from sonorant.models.prosody import Curves, Prosody


class Purpose(Enum):
    """Which parts a network holds."""

    TRAINING = auto()
    """All, with weight norm."""
    CONVERSION = auto()
    """To speak and to convert between its speakers: all that needs, weight norm folded."""
    SPEAKING = auto()
    """To speak only: no posterior, weight norm folded."""


@dataclass(frozen=True)
class Synthesis:
    """Speech of a batch, with how long each token lasts in it."""

    samples: Tensor  # [B, N], 0 past an item's length
    frames_per_token: Tensor  # int64 [B, L]
    lengths: Tensor  # int64 [B], in samples
    curves: Curves | None = None
    """Of a system that draws some."""


class Synthesizer(Protocol):
    """A network that speaks tokens: what a runtime asks of a system."""

    @property
    def noises(self) -> frozenset[str]:
        """Which of `noise_scale` and `noise_scale_duration` it looks at: what it draws."""
        ...

    def synthesize(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
        length_scale: float,
        noise_scale: float,
        noise_scale_duration: float,
    ) -> Synthesis: ...


class DrawingSynthesizer(Protocol):
    """A network that also draws curves, and so may be asked for others: what a runtime asks of such a system."""

    @property
    def spectrogram(self) -> SpectrogramConfig:
        """Of its frames."""
        ...

    def synthesize(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        speaker: Tensor | None,
        language: Tensor | None,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
        length_scale: float,
        noise_scale: float,
        noise_scale_duration: float,
        prosody: Prosody | None,
    ) -> Synthesis: ...


class Converter(Protocol):
    """A network that gives speech to another of its speakers: what a runtime asks of a system that converts."""

    @property
    def spectrogram(self) -> SpectrogramConfig:
        """Of what `convert` is given."""
        ...

    @property
    def context_frames(self) -> int:
        """How far, in frames, the samples of one frame look, at most."""
        ...

    def convert(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
        first_frame: int = 0,
    ) -> Tensor:
        """spec: [B, n_bins, T] linear magnitudes; spec_lengths, source, target: int64 [B]. Returns [B, N].

        noise: asked once, for [B, C, T]. first_frame: where the spectrograms begin in longer recordings.
        """
        ...


def load_synthesizer(
    system: str,
    model: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    *,
    n_symbols: int,
    n_speakers: int,
    n_languages: int,
    source: str,
) -> Synthesizer:
    """A system's network, with weights, ready to speak.

    model: the system's configuration as plain data. Raises VoiceError for an unknown system or weights that do not fit,
    ConfigError for a configuration that is none.
    """
    match system:
        case "vits":
            from sonorant.models.vits.load import load

            return load(model, weights, n_symbols=n_symbols, n_speakers=n_speakers, source=source)
        case "vits2":
            from sonorant.models.vits2.load import load as load_vits2

            return load_vits2(
                model, weights, n_symbols=n_symbols, n_speakers=n_speakers, n_languages=n_languages, source=source
            )
        case "naturalspeech":
            from sonorant.models.naturalspeech.load import load as load_naturalspeech

            return load_naturalspeech(
                model, weights, n_symbols=n_symbols, n_speakers=n_speakers, n_languages=n_languages, source=source
            )
        case "cvae_jets":
            from sonorant.models.cvae_jets.load import load as load_cvae_jets

            return load_cvae_jets(
                model, weights, n_symbols=n_symbols, n_speakers=n_speakers, n_languages=n_languages, source=source
            )
    raise VoiceError(
        f"{source}: system is {system!r}, but this sonorant knows vits, vits2, naturalspeech and cvae_jets: upgrade it"
    )


def converter_in(network: Synthesizer, system: str) -> Converter | None:
    """What converts speech in a network that `load_synthesizer` gave for a system; None if it can only speak."""
    match system:
        case "vits":
            from sonorant.models.vits.convert import converter_in

            return converter_in(network)
        case "vits2":
            from sonorant.models.vits2.convert import converter_in as converter_in_vits2

            return converter_in_vits2(network)
        case "naturalspeech":
            from sonorant.models.naturalspeech.convert import converter_in as converter_in_naturalspeech

            return converter_in_naturalspeech(network)
        case "cvae_jets":
            from sonorant.models.cvae_jets.convert import converter_in as converter_in_cvae_jets

            return converter_in_cvae_jets(network)
    return None


def drawing_in(network: Synthesizer, system: str) -> DrawingSynthesizer | None:
    """The same network, if it may be asked for other curves."""
    if system != "cvae_jets":
        return None
    from sonorant.models.cvae_jets.model import CvaeJets

    assert isinstance(network, CvaeJets)
    return network


ALIGNING = ("vits", "vits2", "cvae_jets")
"""Systems that find out which token made which frame."""


def aligner_in(network: Synthesizer, system: str) -> Aligner | None:
    """What aligns texts with recordings in a network that `load_synthesizer` gave for a system; None if it cannot."""
    match system:
        case "vits":
            from sonorant.models.vits.align import aligner_in

            return aligner_in(network)
        case "vits2":
            from sonorant.models.vits2.align import aligner_in as aligner_in_vits2

            return aligner_in_vits2(network)
        case "cvae_jets":
            from sonorant.models.cvae_jets.align import aligner_in as aligner_in_cvae_jets

            return aligner_in_cvae_jets(network)
    return None
