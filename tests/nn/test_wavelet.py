"""A contour through the wavelet transform and back."""

from __future__ import annotations

import math

import pytest
import torch

from sonorant.nn.mask import length_mask
from sonorant.nn.wavelet import N_SCALES, inverse_transform, mean_and_std, wavelet_transform


def contour(n: int) -> torch.Tensor:
    """A falling melody with accents, as a sentence has them: [1, 1, n], mean 0, deviation 1."""
    t = torch.arange(n, dtype=torch.float32)
    curve = torch.sin(t / 17) + 0.5 * torch.sin(t / 6 + 1) - 1.5 * t / n + 0.3 * torch.sin(t / 3)
    return ((curve - curve.mean()) / curve.std(unbiased=False)).view(1, 1, -1)


@pytest.mark.parametrize(("n", "correlation"), [(60, 0.99), (150, 0.995), (600, 0.995)])
def test_what_comes_back_is_what_went_in(n: int, correlation: float) -> None:
    mask = torch.ones(1, 1, n)
    back = inverse_transform(wavelet_transform(contour(n), mask), mask)
    assert float((back * contour(n)).mean()) > correlation  # both have mean 0 and deviation 1
    mean, std = mean_and_std(back, mask)
    assert (float(mean), float(std)) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-3))


def test_it_is_the_sum_of_its_definition() -> None:
    x, n = contour(40), 40
    found = wavelet_transform(x, torch.ones(1, 1, n))
    assert found.shape == (1, N_SCALES, n)
    for j, t in ((0, 0), (3, 17), (9, 39)):
        scale = 2 * 2**j
        lag = (torch.arange(n) - t) / scale
        wavelet = 2 / math.sqrt(3) * math.pi**-0.25 * (1 - lag**2) * torch.exp(-(lag**2) / 2)
        assert float(found[0, j, t]) == pytest.approx(float((x[0, 0] * wavelet).sum()) / math.sqrt(scale), abs=1e-4)


def test_padding_changes_nothing() -> None:
    x, mask = contour(60), torch.ones(1, 1, 60)
    longer = torch.cat((x, torch.randn(1, 1, 17)), dim=2)
    wide = length_mask(torch.tensor([60]), 77)
    transformed = wavelet_transform(longer, wide)
    torch.testing.assert_close(transformed[:, :, :60], wavelet_transform(x, mask), rtol=1e-4, atol=1e-4)
    assert not transformed[:, :, 60:].any()
    back = inverse_transform(transformed, wide)
    expected = inverse_transform(wavelet_transform(x, mask), mask)
    torch.testing.assert_close(back[:, :, :60], expected, rtol=1e-4, atol=1e-4)


def test_a_flat_contour_stays_one() -> None:
    """As of an utterance without any voice, whose deviation is none."""
    flat, mask = torch.zeros(1, 1, 20), torch.ones(1, 1, 20)
    assert not inverse_transform(wavelet_transform(flat, mask), mask).any()
