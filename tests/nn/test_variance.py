"""Curves over speech: bridged, averaged, predicted and given back."""

from __future__ import annotations

import math

import pytest
import torch

from sonorant.nn.alignment import path_of
from sonorant.nn.mask import length_mask
from sonorant.nn.variance import (
    BinsConfig,
    Contour,
    ContourEmbedding,
    CurveConfig,
    DirectConfig,
    PredictorConfig,
    WaveletConfig,
    averaged,
    bridged,
    build_contour,
)
from sonorant.nn.wavelet import wavelet_transform

SMALL = PredictorConfig(d_filter=32, dropout=0.0)
LENGTHS = torch.tensor([20, 13])


def contour() -> Contour:
    t = torch.arange(20.0)
    value = torch.stack((torch.sin(t / 4), torch.cos(t / 3))).unsqueeze(1)
    present = (torch.stack((t % 7, t % 5)) > 1).float().unsqueeze(1)
    return Contour(value, present)


def test_gaps_are_bridged_by_lines_and_ends_prolonged() -> None:
    value = torch.tensor([[[9.0, 9.0, 1.0, 9.0, 9.0, 4.0, 9.0]], [[9.0] * 7]])
    present = torch.tensor([[[0.0, 0, 1, 0, 0, 1, 0]], [[0.0] * 7]])
    assert bridged(value, present).squeeze(1).tolist() == [[1.0, 1, 1, 2, 3, 4, 4], [0.0] * 7]


def test_a_tokens_value_is_the_mean_of_what_is_there() -> None:
    path = path_of(torch.tensor([[2, 3, 1]]), 6)
    curve = Contour(
        torch.tensor([[[1.0, 3.0, 5.0, 7.0, 100.0, 4.0]]]), torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0, 0.0]]])
    )
    found = averaged(curve, path)
    assert found.value.flatten().tolist() == [2, 6, 4]
    assert found.present.flatten().tolist() == [1, 1, 0]


@pytest.mark.parametrize("cfg", [DirectConfig(predictor=SMALL), WaveletConfig(predictor=SMALL)])
def test_a_curve_is_learned(cfg: DirectConfig | WaveletConfig) -> None:
    torch.manual_seed(0)
    part = build_contour(cfg, 24, 0)
    hidden, mask, target = torch.randn(2, 24, 20), length_mask(LENGTHS, 20), contour()
    optimizer = torch.optim.Adam(part.parameters(), lr=3e-3)
    for _ in range(300):
        loss = part.loss(hidden, mask, target)
        optimizer.zero_grad()
        (loss.curve + loss.presence + loss.statistics).sum().backward()
        optimizer.step()
    found = part.eval().predict(hidden, mask)
    assert torch.equal(found.present * mask, target.present * mask)
    assert ((found.value - target.value).abs() * mask).max() < (0.25 if isinstance(cfg, DirectConfig) else 0.6)
    assert ((found.value - target.value) * mask).pow(2).mean().sqrt() < 0.2


def test_a_wavelet_loss_is_a_mean_over_scales_and_a_sum_over_positions() -> None:
    """Of a predictor that says nothing, the squares of the transform and of the curve's statistics themselves."""
    part = build_contour(WaveletConfig(predictor=SMALL), 24, 0).requires_grad_(False)
    for module in (part.predictor.output, part.statistics[-1]):
        torch.nn.init.zeros_(module.weight)
        torch.nn.init.zeros_(module.bias)
    mask, target = length_mask(LENGTHS, 20), contour()
    loss = part.loss(torch.randn(2, 24, 20), mask, target)
    for item, n in enumerate(LENGTHS.tolist()):
        value = target.value[item : item + 1, :, :n]
        ones = torch.ones(1, 1, n)
        shape = wavelet_transform((value - value.mean()) / value.std(correction=0), ones)
        assert float(loss.curve[item]) == pytest.approx(float((shape**2).mean(dim=1).sum()), rel=1e-3)
        of_utterance = float(value.mean() ** 2 + value.std(correction=0).log() ** 2)
        assert float(loss.statistics[item]) == pytest.approx(of_utterance, rel=1e-3)
    assert float(loss.presence[1]) == pytest.approx(13 * math.log(2), rel=1e-5)
    nowhere = part.loss(torch.randn(2, 24, 20), mask, Contour(torch.zeros(2, 1, 20), torch.zeros(2, 1, 20)))
    assert nowhere.statistics.tolist() == [0, 0]


def test_a_flatter_curve_is_as_flat_as_it_says_about_the_same_mean() -> None:
    usual, flat = (build_contour(WaveletConfig(predictor=SMALL, std_scale=scale), 24, 0).eval() for scale in (1, 0.8))
    flat.load_state_dict(usual.state_dict())
    hidden, mask = torch.randn(1, 24, 20), torch.ones(1, 1, 20)
    with torch.no_grad():
        one, other = usual.predict(hidden, mask).value, flat.predict(hidden, mask).value
        mean = usual._statistics(hidden, mask)[0, 0]
    assert one.std() > 1e-3
    torch.testing.assert_close(other - mean, 0.8 * (one - mean))


@pytest.mark.parametrize("cfg", [DirectConfig(predictor=SMALL), WaveletConfig(predictor=SMALL)])
def test_padding_changes_nothing(cfg: DirectConfig | WaveletConfig) -> None:
    """Public code counts padding in its losses and in the statistics of its contours."""
    torch.manual_seed(0)
    part = build_contour(cfg, 24, 3)
    hidden, mask, target, speaker = torch.randn(2, 24, 20), length_mask(LENGTHS, 20), contour(), torch.randn(2, 3, 1)
    wide = length_mask(LENGTHS, 37)
    more = torch.cat((hidden * mask, torch.randn(2, 24, 17)), dim=2)
    longer = Contour(*(torch.cat((x * mask, torch.rand(2, 1, 17).round()), 2) for x in (target.value, target.present)))
    for name in ("curve", "presence", "statistics"):
        expected = getattr(part.loss(hidden, mask, target, speaker), name)
        found = getattr(part.loss(more, wide, longer, speaker), name)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    expected, found = part.predict(hidden, mask, speaker), part.predict(more, wide, speaker)
    torch.testing.assert_close((found.value * wide)[:, :, :20], expected.value * mask, rtol=1e-3, atol=1e-3)
    assert torch.equal((found.present * wide)[:, :, :20], expected.present * mask)


@pytest.mark.parametrize("cfg", [BinsConfig(n_bins=64), CurveConfig(kernel=3)])
def test_where_there_is_nothing_the_value_is_not_looked_at(cfg: BinsConfig | CurveConfig) -> None:
    torch.manual_seed(0)
    embedding, mask, curve = ContourEmbedding(cfg, 8), length_mask(LENGTHS, 20), contour()
    other = Contour(torch.where(curve.present > 0, curve.value, 99.0), curve.present)
    torch.testing.assert_close(embedding(other, mask), embedding(curve, mask))
    assert not torch.allclose(embedding(Contour(curve.value + 1, curve.present), mask), embedding(curve, mask))
    assert not embedding(curve, mask)[1, :, 13:].any()


def test_beyond_the_outermost_bins_a_curve_is_said_to_end() -> None:
    curve = Contour(torch.tensor([[[-9.0, -2.0, 0.5, 2.0, 9.0]]]), torch.ones(1, 1, 5))
    bins, mask = ContourEmbedding(BinsConfig(n_bins=16, reach=2.0), 8), torch.ones(1, 1, 5)
    told = bins.told_apart(curve)
    assert told.value.tolist() == [[[-2.0, -2.0, 0.5, 2.0, 2.0]]]
    torch.testing.assert_close(bins(told, mask), bins(curve, mask))
    free = ContourEmbedding(CurveConfig(kernel=1), 8)
    assert torch.equal(free.told_apart(curve).value, curve.value)
    assert not torch.allclose(free(told, mask), free(curve, mask))


def test_energy_is_everywhere() -> None:
    part = build_contour(DirectConfig(predictor=SMALL), 24, 0, has_gaps=False)
    hidden, mask = torch.randn(2, 24, 20), length_mask(LENGTHS, 20)
    assert torch.equal(part.predict(hidden, mask).present, mask)
    assert not part.loss(hidden, mask, contour()).presence.any()


def test_means_over_tokens_are_exact_in_half_precision_too() -> None:
    """Sums of 300 frames need more digits than bfloat16 has."""
    value = 1 + torch.arange(300.0).reshape(1, 1, 300) / 1000
    path = torch.ones(1, 1, 300)
    with torch.autocast("cpu", torch.bfloat16):
        mean = averaged(Contour(value, torch.ones_like(value)), path)
    torch.testing.assert_close(mean.value, value.mean().reshape(1, 1, 1))
