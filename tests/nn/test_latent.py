from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal

from sonorant.nn.latent import (
    ItemNoise,
    LogStdBounds,
    StillNoise,
    bounded,
    expand,
    log_likelihood,
    padded_to,
    random_starts,
    sample,
    slice_segments,
    token_of_frame,
)
from tests.nn.random_weights import normal

durations = st.integers(1, 7).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=1, max_size=4)
)


@given(durations)
def test_expanding_is_a_product_with_the_path(rows: list[list[int]]) -> None:
    d = torch.tensor(rows)
    n_frames = max(int(d.sum(1).max()), 1)
    ends, frames = d.cumsum(1).unsqueeze(2), torch.arange(n_frames)
    path = ((frames < ends) & (frames >= ends - d.unsqueeze(2))).float()  # [B, L, T]
    x = normal(len(rows), 3, d.shape[1])
    real = path.sum(1, keepdim=True)
    torch.testing.assert_close(expand(x, d, n_frames) * real, x @ path)


def test_each_frame_knows_its_token() -> None:
    assert token_of_frame(torch.tensor([[2, 0, 1], [1, 1, 1]]), 4).tolist() == [[0, 0, 2, 2], [0, 1, 2, 2]]


def test_slices_start_where_they_are_told() -> None:
    x = torch.arange(20.0).view(2, 1, 10)
    assert slice_segments(x, torch.tensor([0, 7]), 3).tolist() == [[[0, 1, 2]], [[17, 18, 19]]]


def test_starts_reach_every_slice_and_no_farther() -> None:
    starts = random_starts(torch.full((2000,), 10), 8, torch.linspace(0, 1, 2001)[:-1])
    assert torch.bincount(starts).tolist() == [667, 667, 666]
    assert random_starts(torch.tensor([3, 8]), 8, torch.tensor([0.999, 0.999])).tolist() == [0, 0]


def test_an_items_noise_depends_on_neither_its_neighbours_nor_its_padding() -> None:
    device = torch.device("cpu")
    both = ItemNoise([7, 8], n_tokens=[3, 5], n_frames=[9, 20], device=device)
    alone = ItemNoise([7], n_tokens=[3], n_frames=[9], device=device)
    of_both, of_one = both.per_frame(6, 20), alone.per_frame(6, 9)
    assert torch.equal(of_both[:1, :, :9], of_one)
    assert not of_both[0, :, 9:].any()
    assert torch.equal(both.per_token(2, 5)[:1, :, :3], alone.per_token(2, 3))
    assert torch.equal(both.uniform()[:1], alone.uniform())
    assert not torch.equal(of_both[0, :, :9], of_both[1, :, :9])


def test_noise_of_pairs_depends_on_neither_neighbours_nor_padding() -> None:
    device = torch.device("cpu")
    both = ItemNoise([7, 8], n_tokens=[3, 5], n_frames=[9, 20], device=device)
    alone = ItemNoise([7], n_tokens=[3], n_frames=[9], device=device)
    of_both, of_one = both.per_pair(6, 25), alone.per_pair(3, 9)
    assert of_both.shape == (2, 6, 25)
    assert torch.equal(of_both[:1, :3, :9], of_one)
    for item, (n_tokens, n_frames) in enumerate(((3, 9), (5, 20))):
        assert of_both[item, :n_tokens, :n_frames].all()
        assert not of_both[item, n_tokens:].any()
        assert not of_both[item, :, n_frames:].any()
    assert not torch.equal(of_both[0, :3, :9], of_both[1, :3, :9])
    assert torch.equal(both.uniform()[:1], alone.uniform())
    large = ItemNoise([1], n_tokens=[200], n_frames=[200], device=device).per_pair(200, 200)
    assert abs(float(large.mean())) < 0.02
    assert abs(float(large.std()) - 1) < 0.02


def test_still_noise_is_none() -> None:
    still = StillNoise(3, torch.device("cpu")).per_frame(5, 7)
    assert still.shape == (3, 5, 7)
    assert not still.any()


def test_bounds_bend_what_is_far_and_hardly_touch_what_is_near() -> None:
    bounds = LogStdBounds(low=-6.0, high=2.0)
    x = torch.linspace(-40, 40, 801, dtype=torch.float64).requires_grad_()
    bent = bounded(x, bounds)
    bent.sum().backward()
    assert x.grad is not None
    at, y, slope = x.detach(), bent.detach(), x.grad
    assert float(y[0]) == pytest.approx(-6, abs=1e-6)
    assert float(y[-1]) == pytest.approx(2, abs=1e-6)
    assert (y.diff() >= 0).all()
    middle = (at + 2).abs() < 0.15
    torch.testing.assert_close(y[middle], at[middle], atol=1e-4, rtol=0)
    torch.testing.assert_close(slope[middle], torch.ones_like(slope[middle]), atol=2e-3, rtol=0)
    assert (slope[(at > -14) & (at < 10)] > 0).all()


def test_without_bounds_nothing_is_bent() -> None:
    x = normal(2, 3, 4) * 100
    assert bounded(x, None) is x


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, -2.0), (float("nan"), 1.0), (0.0, float("nan"))])
def test_bounds_that_hold_nothing_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"they must be low < high|is nan: it must be a number"):
        LogStdBounds(low=low, high=high)


def test_padding_reaches_a_length_and_shortens_nothing() -> None:
    x = normal(2, 3, 4)
    longer = padded_to(x, 6)
    assert longer.shape == (2, 3, 6)
    assert torch.equal(longer[:, :, :4], x)
    assert not longer[:, :, 4:].any()
    assert (padded_to(x, 6, value=7.0)[:, :, 4:] == 7).all()
    assert torch.equal(padded_to(x, 4), x)
    assert torch.equal(padded_to(x, 2), x)


def test_likelihood_is_that_of_a_gaussian() -> None:
    z_p, mean, log_std = normal(2, 5, 7), normal(2, 5, 4, seed=1), normal(2, 5, 4, seed=2)
    pairs = Normal(mean.unsqueeze(3), log_std.exp().unsqueeze(3)).log_prob(z_p.unsqueeze(2)).sum(1)
    torch.testing.assert_close(log_likelihood(z_p, mean, log_std), pairs, atol=1e-3, rtol=1e-4)


def test_a_sample_has_its_mean_and_deviation() -> None:
    mean, log_std = torch.full((1, 1, 20_000), 3.0), torch.full((1, 1, 20_000), -1.0)
    x = sample(mean, log_std, normal(1, 1, 20_000))
    assert abs(float(x.mean()) - 3) < 0.02
    assert abs(float(x.std().log()) + 1) < 0.02
