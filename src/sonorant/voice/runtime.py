"""What a `Voice` asks of whatever computes its sound: PyTorch now, others behind the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.voice.prosody import TokenProsody

Noise = Callable[[tuple[int, ...]], NDArray[np.float32]]  # a shape -> standard normal numbers, in the order asked for


@dataclass(frozen=True)
class SpokenTokens:
    """One sentence. samples: float32 [N]; frames_per_token: int64 [L], frames of equal length.

    pitch_hz, energy_db: [T], where the model draws them.
    """

    samples: NDArray[np.float32]
    frames_per_token: NDArray[np.int64]
    pitch_hz: NDArray[np.float32] | None = None
    energy_db: NDArray[np.float32] | None = None


class Runtime(Protocol):
    """A model that speaks token ids."""

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
        """Speak one sentence's tokens as one of the voice's speakers, in one of its languages (their places).

        prosody: only where `draws_curves`.
        """
        ...

    @property
    def noises(self) -> frozenset[str]:
        """Which of `noise_scale` and `noise_scale_duration` it looks at."""
        ...

    @property
    def draws_curves(self) -> bool:
        """Whether a prosody can be asked for."""
        ...

    @property
    def converts(self) -> bool:
        """Whether `convert` can be asked for."""
        ...

    def convert(
        self, blocks: Iterable[Samples], *, source: int, target: int, noise: Noise, noise_scale: float
    ) -> Iterator[Samples]:
        """Give one speaker's recording to another, piece by piece, in bounded memory.

        blocks: at the voice's sample rate, read only as far as needed. noise: asked for [T, C], frame after frame.
        All but the last incomplete frame of the recording comes back. Raises AudioError when it is too short.
        """
        ...
