"""Converting speech between a network's speakers, as every system does it: posterior, flow there and back, decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.nn.decoder import DecoderConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.transformer_flow import ATTENDED_FRAMES, PlainCouplingConfig, TransformerFlowConfig


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


def context_frames(
    *, posterior: PosteriorConfig, flow: FlowConfig | TransformerFlowConfig, decoder: DecoderConfig
) -> int:
    """How much, in frames, a piece is given on each side: how far the samples of one frame look, by way of the
    posterior, the flow there and back, the decoder.

    Exactly, on the side where they look farther, where nothing attends; and some for any attention. The flow's last
    coupling and its own undoing for the other speaker look at the same half of the latent, and so no farther than one
    of them.
    """
    n_shifts = max(0, 2 * flow.n_couplings - 1)
    convolved = posterior.wavenet.context_frames + n_shifts * flow.wavenet.context_frames + decoder.context_frames
    attends = isinstance(flow, TransformerFlowConfig) and not isinstance(flow.coupling, PlainCouplingConfig)
    return convolved + (ATTENDED_FRAMES if attends else 0)
