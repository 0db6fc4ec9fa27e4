"""Converting speech between a network's speakers, as every system does it: posterior, flow there and back, decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.nn.decoder import DecoderConfig
from sonorant.nn.wavenet import WaveNetConfig


class Convert(Protocol):
    """A network's way of converting; see `sonorant.models.Converter.convert`."""

    def __call__(
        self,
        spec: Tensor,
        spec_lengths: Tensor,
        source: Tensor,
        target: Tensor,
        *,
        noise: Callable[[tuple[int, ...]], Tensor],
        first_frame: int = 0,
    ) -> Tensor: ...


@dataclass(frozen=True)
class NetworkConverter:
    """A `sonorant.models.Converter`: what a runtime needs of a network to convert in pieces."""

    spectrogram: SpectrogramConfig
    context_frames: int
    convert: Convert


def convolved_frames(*, posterior: WaveNetConfig, flow: WaveNetConfig, n_couplings: int, decoder: DecoderConfig) -> int:
    """How far, in frames, the samples of one frame look, by way of the posterior, the flow there and back, the decoder.

    Exactly, on the side where they look farther, where nothing attends. The flow's last coupling and its own undoing
    for the other speaker look at the same half of the latent, and so no farther than one of them.
    """
    n_shifts = max(0, 2 * n_couplings - 1)
    return posterior.context_frames + n_shifts * flow.context_frames + decoder.context_frames
