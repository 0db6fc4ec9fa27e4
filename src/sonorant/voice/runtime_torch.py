"""The runtime that computes with PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonorant.audio.io import Samples
from sonorant.errors import ConfigError, VoiceError
from sonorant.models import (
    Converter,
    DrawingSynthesizer,
    Synthesizer,
    converter_in,
    drawing_in,
    load_synthesizer,
)
from sonorant.models.prosody import Prosody
from sonorant.text.symbols import SymbolTable
from sonorant.voice.bundle import MANIFEST, WEIGHTS, Bundle
from sonorant.voice.conversion import converted
from sonorant.voice.prosody import Curves, TokenProsody
from sonorant.voice.runtime import Noise, SpokenTokens


def load_network(bundle: Bundle) -> Synthesizer:
    """A voice's network, on the CPU. Raises VoiceError when its configuration or its weights are unusable."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    manifest = bundle.manifest
    source = str(bundle.folder / MANIFEST)
    try:
        n_rows = SymbolTable(manifest.symbols).n_rows
        n_symbols = manifest.n_symbols if manifest.n_symbols is not None else n_rows
        if n_rows > n_symbols:
            raise VoiceError(f"{source}: symbols need {n_rows:,} rows, but n_symbols is {n_symbols:,}")
        if WEIGHTS not in manifest.components:
            raise VoiceError(f"{source}: components does not list {WEIGHTS}")
        return load_synthesizer(
            manifest.system,
            manifest.model,
            load_file(bundle.component(WEIGHTS)),
            n_symbols=n_symbols,
            n_speakers=len(manifest.speakers),
            n_languages=len(manifest.frontend.languages),
            source=source,
        )
    except ConfigError as error:
        raise VoiceError(str(error)) from None
    except SafetensorError as error:
        raise VoiceError(f"{bundle.folder / WEIGHTS}: is no safetensors file ({error})") from None


class TorchRuntime:
    """A system's network on a device."""

    def __init__(
        self,
        network: Synthesizer,
        converter: Converter | None,
        drawing: DrawingSynthesizer | None,
        *,
        device: torch.device,
    ) -> None:
        """converter, drawing: the same network, if it converts, if it draws curves."""
        self._network = network
        self._converter = converter
        self._drawing = drawing
        self._device = device

    @classmethod
    def load(cls, bundle: Bundle, *, device: str = "cpu") -> TorchRuntime:
        """Load a voice's network. Raises VoiceError when its configuration or its weights are unusable."""
        network = load_network(bundle)
        system = bundle.manifest.system
        return cls(network, converter_in(network, system), drawing_in(network, system), device=torch.device(device))

    @torch.inference_mode()
    def speak(
        self,
        tokens: Sequence[int],
        *,
        speaker: int,
        language: int,
        noise: Noise,
        length_scale: float,
        noise_scale: float,
        noise_scale_duration: float,
        prosody: TokenProsody | None = None,
    ) -> SpokenTokens:
        """Speak one sentence's tokens; see `Runtime`."""

        def draw(shape: tuple[int, ...]) -> Tensor:
            return torch.from_numpy(noise(shape)).to(self._device)

        synthesize = self._network.synthesize
        if prosody is not None:
            assert self._drawing is not None, "ask `draws_curves` first"
            synthesize = partial(self._drawing.synthesize, prosody=self._asked(prosody))
        said = synthesize(
            torch.tensor([list(tokens)], device=self._device),
            torch.tensor([len(tokens)], device=self._device),
            torch.tensor([speaker], device=self._device),
            torch.tensor([language], device=self._device),
            noise=draw,
            length_scale=length_scale,
            noise_scale=noise_scale,
            noise_scale_duration=noise_scale_duration,
        )
        samples = said.samples[0].float().cpu().numpy()
        curves = said.curves
        return SpokenTokens(
            samples.astype(np.float32, copy=False),
            said.frames_per_token[0].cpu().numpy(),
            pitch_hz=None if curves is None else curves.pitch_hz[0].float().cpu().numpy(),
            energy_db=None if curves is None else curves.energy_db[0].float().cpu().numpy(),
        )

    def _asked(self, prosody: TokenProsody) -> Prosody:
        def row(values: Sequence[float] | NDArray[np.float32]) -> Tensor:
            return torch.tensor(np.asarray(values, np.float32), device=self._device).unsqueeze(0)

        assert self._drawing is not None, "ask `draws_curves` first"
        spectrogram, curves = self._drawing.spectrogram, prosody.curves or Curves()
        frames_per_s = spectrogram.sample_rate_hz / spectrogram.hop
        return Prosody(
            duration_scale=row(prosody.duration_scale),
            pitch_shift=row(prosody.pitch_shift),
            pitch_range=row(prosody.pitch_range),
            energy_gain_db=row(prosody.energy_gain_db),
            energy_range=row(prosody.energy_range),
            durations=None if curves.durations_s is None else row(curves.durations_s) * frames_per_s,
            pitch_hz=None if curves.pitch_hz is None else row(curves.pitch_hz),
            energy_db=None if curves.energy_db is None else row(curves.energy_db),
        )

    @property
    def noises(self) -> frozenset[str]:
        """See `Runtime`."""
        return self._network.noises

    @property
    def draws_curves(self) -> bool:
        """See `Runtime`."""
        return self._drawing is not None

    @property
    def converts(self) -> bool:
        """See `Runtime`."""
        return self._converter is not None

    def convert(
        self, blocks: Iterable[Samples], *, source: int, target: int, noise: Noise, noise_scale: float
    ) -> Iterator[Samples]:
        """Give one speaker's recording to another; see `Runtime`."""
        assert self._converter is not None, "ask `converts` first"
        return converted(
            blocks,
            self._converter,
            source=source,
            target=target,
            noise=noise,
            noise_scale=noise_scale,
            device=self._device,
        )
