"""What may be asked of a voice that draws curves of its own: its durations, its pitch, its energy.

B batch, L tokens, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Prosody:
    """What is asked for, for each token; what is None is as the network has it.

    duration_scale: above 1 is slower, on top of a length_scale. pitch_shift: in semitones, of voiced frames.
    pitch_range: how far pitch strays from the speaker's mean, in shares of what it would. energy_gain_db: louder, as a
    speaker is who speaks up. energy_range: as pitch_range. durations, pitch_hz, energy_db: whole curves in place of the
    network's own, which the others then change; pitch is 0 where there is no voice.
    """

    duration_scale: Tensor | None = None  # [B, L]
    pitch_shift: Tensor | None = None  # [B, L]
    pitch_range: Tensor | None = None  # [B, L]
    energy_gain_db: Tensor | None = None  # [B, L]
    energy_range: Tensor | None = None  # [B, L]
    durations: Tensor | None = None  # [B, L], in frames, whole or not
    pitch_hz: Tensor | None = None  # [B, T]; of another T they are stretched
    energy_db: Tensor | None = None  # [B, T]


@dataclass(frozen=True)
class Curves:
    """What was drawn. pitch_hz: 0 where there is no voice."""

    pitch_hz: Tensor  # [B, T]
    energy_db: Tensor  # [B, T]
