"""What curves are counted in, measured over a corpus."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sonorant.models.cvae_jets import statistics
from sonorant.models.cvae_jets.curves import Statistics
from tests.models.batches import examples, whole
from tests.models.cvae_jets.small import HOP, SMALL


class Said:
    """Of a prepared utterance, what is looked at."""

    def __init__(self, speaker: int, id_: str = "") -> None:
        self.speaker = speaker
        self.id = id_


def measured() -> statistics.CorpusStatistics:
    items = examples(6, hop=HOP)
    found = []
    for item in items:
        n = len(item.samples) // HOP
        pitch = torch.zeros(n)
        if item.speaker != 2:
            pitch[: n // 2] = 100.0
            pitch[n // 2 : n // 2 * 2] = 200.0
        louder = replace(item, pitch=pitch, samples=item.samples * (10 if item.speaker == 1 else 1))
        found.append((Said(item.speaker), whole([louder], hop=HOP)))
    return statistics.measure(found, speakers=("ann", "bob", "cem"), spectrogram=SMALL.spectrogram, say=pytest.fail)  # type: ignore[arg-type]


def test_they_are_means_and_deviations_of_each_speaker() -> None:
    ann, bob, cem = measured().speakers
    assert (ann.name, ann.pitch_mean, ann.pitch_std) == ("ann", pytest.approx(6.0), pytest.approx(6.0))
    assert bob.energy_mean - ann.energy_mean == pytest.approx(20, abs=1.0)
    assert (cem.pitch_mean, cem.pitch_std) == (6.0, 3.0)  # who never has a voice


def test_what_holds_no_numbers_is_left_out_and_named() -> None:
    told: list[str] = []
    items = [replace(item, pitch=torch.full((len(item.samples) // HOP,), 200.0)) for item in examples(2, hop=HOP)]
    broken = replace(items[1], samples=torch.where(torch.arange(len(items[1].samples)) == 9, torch.nan, 0.1))
    found = []
    for utterances in (items[:1], [items[0], broken]):
        batches = [(Said(0, item.id), whole([item], hop=HOP)) for item in utterances]
        found.append(
            statistics.measure(batches, speakers=("ann",), spectrogram=SMALL.spectrogram, say=told.append)  # type: ignore[arg-type]
        )
    assert found[0] == found[1]
    assert told == [f"left out {broken.id}: a sample is no finite number"]


def test_a_monotone_speaker_has_a_little_deviation() -> None:
    """However its squares are rounded: in some of these the mean of squares is less than the square of the mean."""
    for hz in torch.arange(180, 260, 0.7).tolist():
        found = []
        for item in examples(3, hop=HOP):
            monotone = replace(item, pitch=torch.full((len(item.samples) // HOP,), hz))
            found.append((Said(0), whole([monotone], hop=HOP)))
        spectrogram = SMALL.spectrogram
        [speaker] = statistics.measure(found, speakers=("ann",), spectrogram=spectrogram, say=pytest.fail).speakers  # type: ignore[arg-type]
        assert speaker.pitch_mean == pytest.approx(12 * math.log2(hz / 100), abs=1e-5)
        assert speaker.pitch_std == 0.1


def test_they_come_back_and_fill_a_network(tmp_path: Path) -> None:
    found = measured()
    statistics.write(found, tmp_path)
    assert statistics.read(tmp_path) == found
    network = Statistics(3)
    statistics.fill(found, network)
    assert network.energy_std.tolist() == pytest.approx([speaker.energy_std for speaker in found.speakers])
