"""The stage that measures what curves are counted in: each speaker's pitch and energy, over the training split."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sonorant.audio.io import whole_file
from sonorant.audio.spectrogram import SpectrogramConfig, energy_db, linear_spectrogram
from sonorant.config import config, parse, plain, read_json
from sonorant.data.batch import Batch
from sonorant.data.prepare import Prepared
from sonorant.models.cvae_jets.curves import UNMEASURED, Statistics, semitones

MEASURED = "statistics.json"
_LEAST_STD = 0.1


@config
class SpeakerStatistics:
    """Of one speaker: pitch in semitones above 100 Hz, over voiced frames; energy in dB, over all."""

    name: str
    pitch_mean: float
    pitch_std: float
    energy_mean: float
    energy_std: float


@config
class CorpusStatistics:
    """Of all speakers, in their order."""

    speakers: tuple[SpeakerStatistics, ...]


def measure(
    utterances: Iterable[tuple[Prepared, Batch]],
    *,
    speakers: Sequence[str],
    spectrogram: SpectrogramConfig,
    say: Callable[[str], None],
) -> CorpusStatistics:
    """The statistics of utterances, each with a batch of its own that holds its pitch.

    What holds samples that are no finite numbers is left out, and named by `say`.
    """
    pitch, energy = ([_Moments() for _ in speakers] for _ in range(2))
    for utterance, batch in utterances:
        assert batch.pitch is not None, "batches of this system hold the pitch"
        if not batch.samples.isfinite().all():
            say(f"left out {utterance.id}: a sample is no finite number")
            continue
        pitch[utterance.speaker].add(semitones(batch.pitch[batch.pitch > 0]))
        energy[utterance.speaker].add(energy_db(linear_spectrogram(batch.samples, spectrogram)).flatten())
    found = []
    for name, of_pitch, of_energy in zip(speakers, pitch, energy, strict=True):
        own = {**of_pitch.as_named("pitch"), **of_energy.as_named("energy")}
        found.append(SpeakerStatistics(name=name, **{**UNMEASURED, **own}))
    return CorpusStatistics(speakers=tuple(found))


def write(statistics: CorpusStatistics, folder: Path) -> None:
    """Write them into a stage's folder. Raises AudioError when they cannot be written."""
    with whole_file(folder / MEASURED) as part:
        part.write_text(json.dumps(plain(statistics), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> CorpusStatistics:
    """What `write` wrote. Raises ConfigError when it is missing or damaged."""
    return parse(CorpusStatistics, read_json(folder / MEASURED), source=str(folder / MEASURED))


def fill(statistics: CorpusStatistics, into: Statistics) -> None:
    """Give them to a network."""
    for name in UNMEASURED:
        getattr(into, name).copy_(torch.tensor([getattr(speaker, name) for speaker in statistics.speakers]))


class _Moments:
    """Sums for a mean and a deviation."""

    def __init__(self) -> None:
        self._n, self._sum, self._squares = 0, 0.0, 0.0

    def add(self, values: Tensor) -> None:
        exact = values.double()
        self._n += exact.numel()
        self._sum += float(exact.sum())
        self._squares += float((exact**2).sum())

    def as_named(self, name: str) -> dict[str, float]:
        """Mean and deviation, by their names; none of nothing."""
        if not self._n:
            return {}
        mean = self._sum / self._n
        # Rounding may leave a constant's variance below 0.
        std = max(self._squares / self._n - mean**2, 0.0) ** 0.5
        return {f"{name}_mean": mean, f"{name}_std": max(std, _LEAST_STD)}
