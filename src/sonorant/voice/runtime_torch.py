"""The runtime that computes with PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sonorant.audio.io import Samples
from sonorant.errors import ConfigError, VoiceError
from sonorant.models import Converter, Synthesizer, converter_in, load_synthesizer
from sonorant.text.symbols import SymbolTable
from sonorant.voice.bundle import MANIFEST, WEIGHTS, Bundle
from sonorant.voice.conversion import converted
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

    def __init__(self, network: Synthesizer, converter: Converter | None, *, device: torch.device) -> None:
        """converter: the same network, if it converts."""
        self._network = network
        self._converter = converter
        self._device = device

    @classmethod
    def load(cls, bundle: Bundle, *, device: str = "cpu") -> TorchRuntime:
        """Load a voice's network. Raises VoiceError when its configuration or its weights are unusable."""
        network = load_network(bundle)
        converter = converter_in(network, bundle.manifest.system)
        return cls(network, converter, device=torch.device(device))

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
    ) -> SpokenTokens:
        """Speak one sentence's tokens; see `Runtime`."""

        def draw(shape: tuple[int, ...]) -> Tensor:
            return torch.from_numpy(noise(shape)).to(self._device)

        said = self._network.synthesize(
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
        return SpokenTokens(samples.astype(np.float32, copy=False), said.frames_per_token[0].cpu().numpy())

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
