from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sonorant.audio.pitch import tracker
from sonorant.nn.excitation import pulse_train, white_noise

HOP = 64


def steady(cycles: float, n_frames: int = 20) -> Tensor:
    return torch.full((1, n_frames), cycles, dtype=torch.double)


@pytest.mark.parametrize("cycles", [1 / 400, 0.0137, 1 / 64, 0.1, 0.24])
def test_pulses_are_the_sum_of_all_harmonics_below_half_the_rate(cycles: float) -> None:
    n_harmonics = math.ceil(0.5 / cycles) - 1
    time = torch.arange(20 * HOP, dtype=torch.double)
    wanted = sum(torch.cos(2 * math.pi * m * cycles * time) for m in range(1, n_harmonics + 1))
    found = pulse_train(steady(cycles), HOP)[0].double()
    torch.testing.assert_close(found, 2 * wanted / math.sqrt(2 * n_harmonics), atol=1e-4, rtol=0)


@pytest.mark.parametrize("cycles", [1 / 200, 1 / 64, 0.11])
def test_their_power_is_1_whatever_the_pitch(cycles: float) -> None:
    assert float(pulse_train(steady(cycles, 400), HOP).square().mean()) == pytest.approx(1, abs=0.03)


def test_there_is_silence_where_there_is_no_voice_and_every_stretch_begins_alike() -> None:
    pitch = torch.tensor([[0.0, 0.01, 0.01, 0.0, 0.0, 0.01, 0.01, 0.02, 0.0]])
    found = pulse_train(pitch, HOP)[0].unflatten(0, (-1, HOP))
    assert not found[[0, 3, 4, 8]].any()
    assert found[1, 0] == found[1].max()
    torch.testing.assert_close(found[5], found[1])
    alone = pulse_train(pitch[:, 5:], HOP)[0].unflatten(0, (-1, HOP))
    torch.testing.assert_close(alone, found[5:])


def test_a_phase_moves_the_pulses() -> None:
    period = 50
    still, moved = (
        pulse_train(steady(1 / period), HOP, phase=phase)[0]
        for phase in (None, torch.tensor([0.2], dtype=torch.double))
    )
    torch.testing.assert_close(moved[:-10], still[10:], atol=1e-4, rtol=0)


def test_the_pitch_glides_from_middle_to_middle() -> None:
    """A tracker that was not made here hears a glide of an octave as it was asked for."""
    n_frames, rate = 250, 16_000
    asked = 120 * 2 ** (torch.arange(n_frames) / n_frames)
    samples = 0.3 * pulse_train(asked.unsqueeze(0) / rate, 128)[0].numpy()
    heard = tracker()(samples.astype(np.float32), rate)[:n_frames]
    cents = 1200 * np.abs(np.log2(heard[20:-20] / asked.numpy()[20:-20]))
    assert np.median(cents) < 15


def test_pitches_too_high_for_pulses_are_lowered() -> None:
    torch.testing.assert_close(pulse_train(steady(3.0), HOP), pulse_train(steady(0.25), HOP))


def test_noise_is_the_same_whenever_it_is_asked_for() -> None:
    long = white_noise(5000, torch.device("cpu"))
    for start, n in [(0, 1), (0, 300), (7, 15), (100, 4900), (4096, 10), (4090, 20)]:
        assert torch.equal(white_noise(n, torch.device("cpu"), start=start), long[start : start + n])
    assert float(long.std()) == pytest.approx(1, abs=0.1)
