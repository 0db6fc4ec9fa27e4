"""Curves of pitch and energy: in what a speaker's are counted, and how those that are asked for come over the frames.

B batch, L tokens, T frames.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.models.prosody import Curves, Prosody
from sonorant.nn.variance import Contour, averaged, bridged

UNMEASURED = {"pitch_mean": 6.0, "pitch_std": 3.0, "energy_mean": 0.0, "energy_std": 10.0}
"""A speaker's statistics where nothing was measured: before the stage that does, or of one who is never voiced."""


class Statistics(nn.Module):
    """What the curves of each speaker are counted in: pitch in semitones above 100 Hz, energy in dB."""

    pitch_mean: Tensor
    pitch_std: Tensor
    energy_mean: Tensor
    energy_std: Tensor

    def __init__(self, n_speakers: int) -> None:
        super().__init__()
        for name, value in UNMEASURED.items():
            self.register_buffer(name, torch.full((n_speakers,), value))

    def pitch(self, pitch_hz: Tensor, mask: Tensor, speaker: Tensor | None) -> Contour:
        """pitch_hz, mask: [B, 1, T]; speaker: int64 [B], or None for the first. Its gaps are bridged."""
        present = ((pitch_hz > 0) & (mask > 0)).to(mask)
        mean, std = self._of(self.pitch_mean, speaker), self._of(self.pitch_std, speaker)
        value = (semitones(torch.where(present > 0, pitch_hz, 100.0)) - mean) / std
        return Contour(bridged(value, present) * mask, present)

    def energy(self, level_db: Tensor, mask: Tensor, speaker: Tensor | None) -> Contour:
        """level_db, mask: [B, 1, T]; speaker: int64 [B], or None for the first."""
        mean, std = self._of(self.energy_mean, speaker), self._of(self.energy_std, speaker)
        return Contour((level_db - mean) / std * mask, mask)

    def asked_pitch(self, own: Contour, prosody: Prosody, spread: Spread, speaker: Tensor | None) -> Contour:
        """A speaker's pitch as it is asked for."""
        if prosody.pitch_hz is not None:
            own = spread.given(prosody.pitch_hz, self.pitch, speaker)
        return spread.changed(own, prosody.pitch_range, prosody.pitch_shift, unit=self._of(self.pitch_std, speaker))

    def asked_energy(self, own: Contour, prosody: Prosody, spread: Spread, speaker: Tensor | None) -> Contour:
        """A speaker's energy as it is asked for."""
        if prosody.energy_db is not None:
            own = spread.given(prosody.energy_db, self.energy, speaker)
        return spread.changed(
            own, prosody.energy_range, prosody.energy_gain_db, unit=self._of(self.energy_std, speaker)
        )

    def curves(self, pitch: Contour, energy: Contour, mask: Tensor, speaker: Tensor | None) -> Curves:
        """Curves in Hz and dB, 0 past an item's end."""
        tone = pitch.value * self._of(self.pitch_std, speaker) + self._of(self.pitch_mean, speaker)
        level = energy.value * self._of(self.energy_std, speaker) + self._of(self.energy_mean, speaker)
        hz = 100 * 2 ** (tone / 12) * (pitch.present > 0)
        return Curves((hz * mask).squeeze(1), (level * mask).squeeze(1))

    def _of(self, values: Tensor, speaker: Tensor | None) -> Tensor:
        """[B, 1, 1]."""
        return (values[:1] if speaker is None or len(values) == 1 else values[speaker]).view(-1, 1, 1)


def semitones(hz: Tensor) -> Tensor:
    """Above 100 Hz."""
    return 12 * torch.log2(hz / 100)


class Spread:
    """Where tokens lie among frames, for curves that are of either."""

    def __init__(self, path: Tensor, *, is_of_tokens: bool) -> None:
        """path: [B, L, T]; is_of_tokens: whether the network's curves are."""
        self.path = path
        self.n_frames = path.sum(dim=(1, 2)).long().tolist()
        self._is_of_tokens = is_of_tokens

    def of_tokens(self, values: Tensor) -> Tensor:
        """A caller's values of tokens, [B, L], as the network's curves are: [B, 1, L or T]."""
        spread = wide(values, self.path.shape[1]).to(self.path).unsqueeze(1)
        return spread if self._is_of_tokens else spread @ self.path

    def given(
        self, curve: Tensor, contour_of: Callable[[Tensor, Tensor, Tensor | None], Contour], speaker: Tensor | None
    ) -> Contour:
        """A caller's curves, [B, T'] in Hz or dB, as the network's are. contour_of: of values over frames, a mask and
        the speakers."""
        mask = torch.ones_like(self.path[:, :1])
        contour = contour_of(stretched(curve, self.n_frames, mask.shape[2]), mask, speaker)
        return averaged(contour, self.path) if self._is_of_tokens else contour

    def changed(self, contour: Contour, scale: Tensor | None, shift: Tensor | None, *, unit: Tensor) -> Contour:
        """One of the network's curves, scaled about the speaker's mean and shifted by as many units: each [B, L]."""
        value = contour.value
        if scale is not None:
            value = value * self.of_tokens(scale)
        if shift is not None:
            value = value + self.of_tokens(shift) / unit
        return Contour(value, contour.present)

    def over_frames(self, contour: Contour) -> Contour:
        """One of the network's curves, over frames."""
        if not self._is_of_tokens:
            return contour
        return Contour(contour.value @ self.path, contour.present @ self.path)


def wide(values: Tensor, n: int) -> Tensor:
    """[B, L] -> [B, n], by zeros."""
    return F.pad(values, (0, n - values.shape[1]))


def stretched(curve: Tensor, n_frames: list[int], n: int) -> Tensor:
    """A caller's curves, [B, T'], over as many frames as each item has: [B, 1, n]; the nearest value, and so no slide
    into what is 0."""
    found = curve.new_zeros(len(curve), 1, n)
    for item, count in enumerate(n_frames):
        place = (torch.arange(count, device=curve.device) + 0.5) * curve.shape[1] / count
        found[item, 0, :count] = curve[item, place.long().clamp(max=curve.shape[1] - 1)]
    return found
