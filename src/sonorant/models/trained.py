"""What a finished, or unfinished, run has made: enough to export a voice, or to start another run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sonorant.data.prepare import Tables
from sonorant.training.transfer import Judges


@dataclass(frozen=True)
class Trained:
    """A run's averaged weights at a checkpoint, and what they mean.

    model: the system's configuration as plain data. weights: all that training has. for_voice: the weights a voice
    holds, which can convert speech between speakers or not. by_speaker: names of those with a row for each speaker.
    noises: what it draws as it speaks, of `noise_scale` and `noise_scale_duration`. steps: which of each stage that the
    weights are of.
    """

    system: str
    model: Mapping[str, Any]
    sample_rate_hz: int
    tables: Tables
    n_symbols: int
    steps: Mapping[str, int]
    weights: Mapping[str, Tensor]
    for_voice: Callable[[bool], Mapping[str, Tensor]]
    by_speaker: tuple[str, ...] = ()
    noises: frozenset[str] = frozenset()
    judges: Judges | None = None

    @property
    def age(self) -> str:
        """Its steps in words, as `step 2,000 of train, step 1,200 of durations`."""
        return ", ".join(f"step {step:,} of {stage}" for stage, step in self.steps.items())
