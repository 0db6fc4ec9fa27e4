from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sonorant.errors import VoiceError
from sonorant.models.durations import MAX_FRAMES_PER_TOKEN, real_frames, rounded_ends, whole_frames
from sonorant.nn.mask import length_mask


def frames(rows: list[list[float]], *, lengths: list[int] | None = None, length_scale: float = 1.0) -> list[list[int]]:
    """From frames that are no whole ones."""
    n = torch.tensor(lengths or [len(row) for row in rows])
    log_duration = torch.log(torch.tensor(rows)).unsqueeze(1)
    mask = length_mask(n, log_duration.shape[2])
    found: Tensor = whole_frames(log_duration, mask, n, length_scale=length_scale)
    assert found.dtype == torch.int64
    return found.tolist()


def test_frames_are_rounded_up() -> None:
    assert frames([[0.2, 1.7, 3.01, 9.5]]) == [[1, 2, 4, 10]]


def test_padding_gets_none() -> None:
    assert frames([[2.5, 1.5, 7.5], [2.5, 1.5, 7.5]], lengths=[3, 2]) == [[3, 2, 8], [3, 2, 0]]


def test_a_scale_stretches_before_rounding() -> None:
    assert frames([[1.2, 2.7]], length_scale=2.0) == [[3, 6]]
    assert frames([[1.2, 2.7]], length_scale=0.1) == [[1, 1]]


def test_an_item_lasts_at_least_a_frame() -> None:
    """Where even the exponential is zero; another item is not lengthened."""
    log_duration = torch.full((2, 1, 3), -200.0)
    log_duration[1, 0, 1] = 1.0
    found = whole_frames(log_duration, torch.ones(2, 1, 3), torch.tensor([3, 3]))
    assert found.tolist() == [[1, 0, 0], [0, 3, 0]]


@given(st.lists(st.floats(0.01, 200), min_size=1, max_size=8), st.floats(0.1, 1.4))
def test_each_token_lasts_as_long_as_said_to_a_frame(durations: list[float], scale: float) -> None:
    (found,) = frames([durations], length_scale=scale)
    for asked, given_ in zip(durations, found, strict=True):
        assert asked * scale * (1 - 1e-5) <= given_ < asked * scale * (1 + 1e-5) + 1


@pytest.mark.parametrize("endless", [20.0, float("inf"), float("nan")])
def test_endless_speech_is_refused_even_where_one_item_of_several_is(endless: float) -> None:
    log_duration = torch.zeros(2, 1, 4)
    log_duration[1, 0, 2] = endless
    with pytest.raises(VoiceError, match="to say 8 tokens: its weights are broken, or what was asked for"):
        whole_frames(log_duration, torch.ones(2, 1, 4), torch.tensor([4, 4]))


def test_the_longest_speech_there_is_depends_on_its_tokens() -> None:
    longest = torch.full((1, 1, 2), math.log(MAX_FRAMES_PER_TOKEN - 0.5))
    mask, lengths = torch.ones(1, 1, 2), torch.tensor([2])
    assert whole_frames(longest, mask, lengths).tolist() == [[MAX_FRAMES_PER_TOKEN] * 2]
    with pytest.raises(VoiceError, match="602 frames to say 2 tokens"):
        whole_frames(longest, mask, lengths, length_scale=1.003)
    one_long = torch.tensor([[[math.log(2 * MAX_FRAMES_PER_TOKEN - 1.5), 0.0]]])
    assert whole_frames(one_long, mask, lengths).tolist() == [[2 * MAX_FRAMES_PER_TOKEN - 1, 1]]


@given(st.lists(st.floats(0.0, 30.0), min_size=1, max_size=20))
def test_rounded_ends_are_off_by_less_than_half_a_frame(durations: list[float]) -> None:
    frames = rounded_ends(torch.tensor([durations]))[0]
    assert int(frames.min()) >= 0
    assert int(frames.sum()) == max(1, round(float(torch.tensor(durations).double().sum())))
    if int(frames.sum()) > 1:
        apart = frames.cumsum(0) - torch.tensor(durations).double().cumsum(0)
        assert float(apart.abs().max()) <= 0.5 + 1e-9


def test_a_token_with_a_floor_takes_what_it_lacks_from_those_after_it() -> None:
    durations = torch.tensor([[0.2, 0.1, 3.0, 0.2, 2.0], [2.0, 0.1, 0.2, 0.0, 0.0]])
    assert rounded_ends(durations).tolist() == [[0, 0, 3, 1, 2], [2, 0, 0, 0, 0]]
    floor = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert rounded_ends(durations, floor).tolist() == [[1, 1, 1, 1, 2], [2, 1, 1, 0, 0]]
    assert rounded_ends(durations, torch.zeros(2, 5)).tolist() == rounded_ends(durations).tolist()


def test_real_frames_are_not_rounded_and_endless_ones_are_refused() -> None:
    mask = torch.ones(1, 1, 3)
    logs = torch.tensor([[[0.3, -2.0, 1.0]]])
    torch.testing.assert_close(
        real_frames(logs, mask, torch.tensor([3]), length_scale=2.0), 2 * torch.exp(logs).squeeze(1)
    )
    with pytest.raises(VoiceError, match="weights are broken"):
        real_frames(logs + 20, mask, torch.tensor([3]))
