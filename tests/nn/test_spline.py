from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from sonorant.nn.spline import inverse_spline, knots, spline
from tests.nn.random_weights import normal

K, BOUND = 10, 5.0


@given(st.integers(0, 10_000), st.floats(0.1, 8.0))
def test_the_spline_rises(seed: int, spread: float) -> None:
    at = knots(spread * normal(1, 3 * K - 1, seed=seed).expand(2001, -1), K, BOUND)
    y, log_slope = spline(torch.linspace(-7, 7, 2001), at)
    assert (y.diff() > -1e-6).all()  # less than zero only by rounding
    assert log_slope.isfinite().all()


@given(st.integers(0, 10_000), st.floats(0.1, 3.0))
def test_the_inverse_undoes_the_spline(seed: int, spread: float) -> None:
    x = 3 * normal(300, seed=seed + 1)
    at = knots(spread * normal(300, 3 * K - 1, seed=seed), K, BOUND)
    y, log_slope = spline(x, at)
    # Where the spline is flat, y tells little of x.
    error = (inverse_spline(y, at) - x).abs() * log_slope.exp().clamp(max=1.0)
    assert error.max() < 1e-4


def test_the_log_slope_is_that_of_autograd() -> None:
    x = (3 * normal(500)).requires_grad_()
    y, log_slope = spline(x, knots(normal(500, 3 * K - 1, seed=1), K, BOUND))
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(log_slope, slope.log(), atol=1e-4, rtol=1e-4)


def test_the_tails_are_the_identity() -> None:
    x = torch.tensor([-1e4, -5.001, -5.0, 5.0, 5.001, 1e4])
    y, log_slope = spline(x, knots(normal(6, 3 * K - 1), K, BOUND))
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(log_slope, torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(inverse_spline(x, knots(normal(6, 3 * K - 1), K, BOUND)), x)


def test_extreme_knots_give_no_nan() -> None:
    for seed in range(5):
        at = knots(200 * normal(1, 3 * K - 1, seed=seed).expand(1001, -1), K, BOUND)
        x = torch.linspace(-5, 5, 1001)
        assert spline(x, at)[0].isfinite().all()
        assert inverse_spline(x, at).isfinite().all()
