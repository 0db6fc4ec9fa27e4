"""Recorded and decoded slices before the discriminators: what every waveform game does alike.

B batch, N samples of a slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.losses.spectral import StftLossConfig
from sonorant.nn.discriminators import DiscriminatorConfig, Judgement
from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule, lengths_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Judgements(NamedTuple):
    """What the discriminators say of the recorded and of the generated slices."""

    real: Sequence[Judgement]
    generated: Sequence[Judgement]


def check_slices(
    segment_frames: Schedule,
    spectrogram: SpectrogramConfig,
    judges: DiscriminatorConfig,
    spectral: StftLossConfig | None,
    *,
    name: str = "segment_frames",
) -> None:
    """Raise ValueError where slices are not whole frames, or too short for one of those who look at them.

    spectral: None where nothing is compared at several resolutions. name: of the setting.
    """
    shortest = min(lengths_of(segment_frames, name))
    resolutions = () if spectral is None else spectral.resolutions
    needed = {
        "the longest of discriminators.periods": max(judges.periods, default=1),
        "discriminators.frames": max((each.n_fft // 2 + 1 for each in judges.frames.resolutions), default=1)
        if judges.frames
        else 1,
        "model.spectrogram": (spectrogram.n_fft - spectrogram.hop) // 2 + 1,
        "spectral": max(((each.n_fft - each.hop) // 2 + 1 for each in resolutions), default=1),
    }
    who, n_samples = max(needed.items(), key=lambda item: item[1])
    if shortest * spectrogram.hop < n_samples:
        raise ValueError(
            f"{name} is {shortest}, which at a hop of {spectrogram.hop} are {shortest * spectrogram.hop:,} "
            f"samples, but {who} needs {n_samples:,}: at least {-(-n_samples // spectrogram.hop)} frames"
        )


def judgements_to_learn(discriminator: Player, *, recorded: Tensor, generated: Tensor) -> Judgements:
    """For the discriminators' own update; nothing reaches the generator. Both [B, 1, N]."""
    return Judgements(*judgements_of(discriminator, recorded, generated))


def judgements_of(discriminator: Player, *samples: Tensor) -> tuple[Sequence[Judgement], ...]:
    """What the discriminators say of several slices, each [B, 1, N], for their own update: of each in turn."""
    # In one pass: where processes share gradients, each pass must have its own way back.
    judgements = discriminator(torch.cat([each.detach() for each in samples]))
    return tuple(zip(*(judgement.split(len(samples[0])) for judgement in judgements), strict=True))


def judgements_to_please(fabric: Fabric, discriminator: Player, *, recorded: Tensor, generated: Tensor) -> Judgements:
    """For the generator's update: what the gradient flows through to the generated. Both [B, 1, N]."""
    network = discriminator.network
    with fabric.autocast():
        with torch.no_grad():
            real = network(recorded)
        return Judgements(real, network(generated))
