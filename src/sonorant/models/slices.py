"""Recorded and decoded slices before the discriminators: what every waveform game does alike.

B batch, N samples of a slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.losses.spectral import StftLossConfig
from sonorant.nn.decoder import DecoderConfig, hears_pitch
from sonorant.nn.discriminators import DiscriminatorConfig, Judgement
from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule, lengths_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


SOURCE_WEIGHT = 10.0
"""Of `source`, unless said otherwise: an octave's error then weighs as much as a mel loss of 0.2 with VITS's 45."""


def terms_of(terms: tuple[str, ...], decoder: DecoderConfig) -> tuple[str, ...]:
    """A system's terms, with `source` where the decoder learns the pitch of what it says."""
    return (*terms, "source") if hears_pitch(decoder) else terms


def default_weights(weights: Mapping[str, Schedule], decoder: DecoderConfig) -> dict[str, Schedule]:
    """A system's weights, with that of `source` where the decoder learns the pitch of what it says."""
    return {**weights, "source": SOURCE_WEIGHT} if hears_pitch(decoder) else dict(weights)


def known(source_loss: Tensor | None) -> Tensor:
    """A pass's `source_loss`, where the term is wanted: then batches hold the pitch."""
    assert source_loss is not None, "the decoder was told no pitch"
    return source_loss


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
