"""What finds out which token of a text is heard in which frame of its recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from sonorant.audio.spectrogram import SpectrogramConfig


class Aligner(Protocol):
    """A network that aligns: its text encoder, its posterior and its flow. B items, L tokens, T frames."""

    @property
    def spectrogram(self) -> SpectrogramConfig:
        """Of what `durations` is given."""
        ...

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """All that decide the durations, by name."""
        ...

    def to(self, device: torch.device) -> None:
        """Go to a device."""
        ...

    def durations(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        language: Tensor,
    ) -> Tensor:
        """The most likely way through tokens and frames, by the posterior's mean: no chance in it.

        tokens: int64 [B, L]; token_lengths, spec_lengths, speaker, language: int64 [B]; spec: [B, n_bins, T] linear
        magnitudes; each item has at least one frame per token. Returns int64 [B, L], whose sums are the items' frames:
        at least one for each token, none for padding.
        """
        ...


class FindDurations(Protocol):
    """A network's way of aligning; see `Aligner.durations`."""

    def __call__(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        language: Tensor,
    ) -> Tensor: ...


@dataclass(frozen=True)
class NetworkAligner:
    """An `Aligner`: a network, and how its durations are found."""

    network: nn.Module
    spectrogram: SpectrogramConfig
    durations: FindDurations

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return deciding(self.network.state_dict())

    def to(self, device: torch.device) -> None:
        self.network.to(device)


def deciding(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Of a network's weights those that can decide an alignment: all but what comes after it."""
    return {name: tensor for name, tensor in state.items() if not name.startswith(("decoder.", "duration."))}
