"""What a `Voice` asks of whatever computes its sound: PyTorch now, others behind the same protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Noise = Callable[[tuple[int, ...]], NDArray[np.float32]]  # a shape -> standard normal numbers, in the order asked for


@dataclass(frozen=True)
class SpokenTokens:
    """One sentence. samples: float32 [N]; frames_per_token: int64 [L], frames of equal length."""

    samples: NDArray[np.float32]
    frames_per_token: NDArray[np.int64]


class Runtime(Protocol):
    """A model that speaks token ids."""

    def speak(
        self,
        tokens: Sequence[int],
        *,
        speaker: int,
        noise: Noise,
        length_scale: float,
        noise_scale: float,
        noise_scale_duration: float,
    ) -> SpokenTokens:
        """Speak one sentence's tokens as one of the voice's speakers."""
        ...
