from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import sonorant.losses
from sonorant.errors import MissingExtraError, ParameterError
from sonorant.losses import _soft_dtw_kernel
from sonorant.losses.divergence import pairwise_kl, sampled_kl
from sonorant.losses.soft_dtw import (
    PAPER_CHANNELS,
    PAPER_GAMMA,
    PAPER_WARP,
    of_summed_channels,
    soft_dtw,
    soft_dtw_torch,
    warp_of_sampled,
    windows,
)
from tests.nn.random_weights import normal

Recursion = Callable[..., Tensor]
both = pytest.mark.parametrize("recursion", [soft_dtw, soft_dtw_torch], ids=["compiled", "torch"])
bands = pytest.mark.parametrize("band", [None, 1, 3])
scales = pytest.mark.parametrize(("gamma", "warp"), [(1.0, 0.5), (0.01, 0.07), (1.92, 13.44), (5.0, 0.0)])

ROWS, COLUMNS = torch.tensor([6, 4, 1, 6, 1, 2]), torch.tensor([7, 7, 5, 1, 1, 6])
"""Lengths of the items of `costs()`."""


def costs(dtype: torch.dtype = torch.float32) -> Tensor:
    """[6, 6, 7], some of them below zero, as sampled divergences can be."""
    return (1 + 2 * normal(6, 6, 7)).to(dtype)


def cells(n_rows: int, n_columns: int, band: int | None) -> set[tuple[int, int]]:
    """Those inside lengths and band, as the definition has it."""
    reach = math.inf if band is None else band * (max(n_rows, n_columns) - 1)
    everywhere = ((i, j) for i in range(n_rows) for j in range(n_columns))
    return {(i, j) for i, j in everywhere if abs(i * (n_columns - 1) - j * (n_rows - 1)) <= reach}


def by_loops(cost: Tensor, *, gamma: float, warp: float, band: int | None = None) -> float:
    """The value of one item [M, S], cell by cell."""
    inside = cells(*cost.shape, band)
    r = {(-1, -1): 0.0}
    for i, j in sorted(inside):
        sources = {(i - 1, j - 1): 0.0, (i - 1, j): warp, (i, j - 1): warp}
        reached = [(r[cell] + price) / gamma for cell, price in sources.items() if cell in r]
        if reached:
            least = min(reached)
            softened = least - math.log(sum(math.exp(least - x) for x in reached))
            r[i, j] = float(cost[i, j]) + gamma * softened
    return r[cost.shape[0] - 1, cost.shape[1] - 1]


def with_gradient(recursion: Recursion, cost: Tensor, rows: Tensor, columns: Tensor, **options: float | None) -> Tensor:
    """Values [B] and, after them, the gradient of their sum; float64 [B, 1 + M * S]."""
    cost = cost.clone().requires_grad_()
    value = recursion(cost, rows, columns, **options)
    (gradient,) = torch.autograd.grad(value.sum(), cost)
    assert gradient.dtype == value.dtype == cost.dtype
    return torch.cat((value.detach().unsqueeze(1), gradient.flatten(1)), dim=1).double()


@both
@bands
@scales
def test_values_are_those_of_the_recursion(recursion: Recursion, gamma: float, warp: float, band: int | None) -> None:
    found = recursion(costs(), ROWS, COLUMNS, gamma=gamma, warp=warp, band=band)
    options = {"gamma": gamma, "warp": warp, "band": band}
    expected = [
        by_loops(cost[:m, :s], **options) for cost, m, s in zip(costs(), ROWS.tolist(), COLUMNS.tolist(), strict=True)
    ]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-6, atol=1e-6)
    in_double = recursion(costs(torch.float64), ROWS, COLUMNS, **options)
    assert in_double.dtype == torch.float64
    torch.testing.assert_close(in_double, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@bands
@pytest.mark.parametrize(("gamma", "warp"), [(1.0, 0.5), (0.2, 0.07)])
def test_the_gradient_is_that_of_the_value(gamma: float, warp: float, band: int | None) -> None:
    cost = costs(torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: soft_dtw(x, ROWS, COLUMNS, gamma=gamma, warp=warp, band=band), cost, atol=1e-7
    )


@both
@bands
@scales
def test_float32_gives_what_float64_gives(recursion: Recursion, gamma: float, warp: float, band: int | None) -> None:
    """On matrices large enough for every kind of vector, strip and chunk, and not all of one size."""
    rows, columns = torch.tensor([70, 33, 1, 64, 50]), torch.tensor([90, 90, 41, 17, 50])
    cost = 5 * normal(5, 70, 90, seed=1) + 20
    options = {"gamma": gamma, "warp": warp, "band": band}
    found = with_gradient(recursion, cost, rows, columns, **options)
    exact = with_gradient(soft_dtw_torch, cost.double(), rows, columns, **options)
    torch.testing.assert_close(found[:, 0], exact[:, 0], rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(found[:, 1:], exact[:, 1:], rtol=0, atol=1e-4)


def test_large_costs_leave_the_gradient_of_long_items_exact() -> None:
    """Costs as a sum of 192 channels has them: values of 10^5, where float32 cannot tell what decides a path."""
    cost, rows, columns = 300 + 2 * normal(1, 400, 300, seed=2), torch.tensor([400]), torch.tensor([300])
    options = {"gamma": 1.92, "warp": 1.0}
    exact = with_gradient(soft_dtw_torch, cost.double(), rows, columns, **options)
    assert float(exact[0, 0]) > 1e5
    assert int(((exact > 0.05) & (exact < 0.95)).sum()) > 400, "there is more than one path to tell apart"
    for recursion in (soft_dtw, soft_dtw_torch):
        found = with_gradient(recursion, cost, rows, columns, **options)
        torch.testing.assert_close(found[:, 1:], exact[:, 1:], rtol=0, atol=2e-4)
        torch.testing.assert_close(found[:, 0], exact[:, 0], rtol=1e-6, atol=0)


@both
@bands
def test_occupancy_is_that_of_paths(recursion: Recursion, band: int | None) -> None:
    gradient = with_gradient(recursion, costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5, band=band)[:, 1:].view(6, 6, 7)
    for item, m, s in zip(gradient, ROWS.tolist(), COLUMNS.tolist(), strict=True):
        occupancy = item[:m, :s]
        assert float(occupancy.min()) >= 0
        assert float(occupancy.max()) <= 1 + 1e-4
        torch.testing.assert_close(occupancy[[0, m - 1], [0, s - 1]], torch.ones(2).double(), rtol=0, atol=1e-4)
        # A path passes each row and each column, and is as long as the longer length at least.
        assert float(occupancy.sum(dim=0).min()) >= 1 - 1e-4
        assert float(occupancy.sum(dim=1).min()) >= 1 - 1e-4
        assert max(m, s) - 1e-3 <= float(occupancy.sum()) <= m + s - 1 + 1e-3
        is_outside = torch.ones(6, 7, dtype=torch.bool)
        for i, j in cells(m, s, band):
            is_outside[i, j] = False
        assert (item[is_outside] == 0).all()


def test_what_a_dearer_step_costs_is_the_number_of_steps() -> None:
    """A path of n cells takes 2 (n - 1) - (M + S - 2) steps that are not diagonal, and the gradient sums to n."""
    item = slice(0, 1)
    options = {"gamma": 1.0, "warp": 0.5}
    found = with_gradient(soft_dtw_torch, costs(torch.float64)[item], ROWS[item], COLUMNS[item], **options)
    more, less = (
        soft_dtw(costs(torch.float64)[item], ROWS[item], COLUMNS[item], gamma=1.0, warp=warp)
        for warp in (0.5 + 1e-4, 0.5 - 1e-4)
    )
    steps = 2 * (found[0, 1:].sum() - 1) - (6 + 7 - 2)
    torch.testing.assert_close((more - less)[0] / 2e-4, steps, rtol=1e-6, atol=1e-6)


@both
@pytest.mark.parametrize("garbage", [1e30, -1e30, math.nan, math.inf, -math.inf])
def test_padding_is_invisible(recursion: Recursion, garbage: float) -> None:
    options = {"gamma": 1.0, "warp": 0.5}
    alone = [
        with_gradient(recursion, cost[None, :m, :s].contiguous(), torch.tensor([m]), torch.tensor([s]), **options)
        for cost, m, s in zip(costs(), ROWS.tolist(), COLUMNS.tolist(), strict=True)
    ]
    padded = torch.full((6, 9, 40), garbage)
    is_real = torch.zeros(6, 9, 40, dtype=torch.bool)
    for item, (cost, m, s) in enumerate(zip(costs(), ROWS.tolist(), COLUMNS.tolist(), strict=True)):
        padded[item, :m, :s], is_real[item, :m, :s] = cost[:m, :s], True
    together = with_gradient(recursion, padded, ROWS, COLUMNS, **options)
    gradient = together[:, 1:].view(6, 9, 40)
    assert (gradient[~is_real] == 0).all()
    for item, (m, s) in enumerate(zip(ROWS.tolist(), COLUMNS.tolist(), strict=True)):
        torch.testing.assert_close(together[item, :1], alone[item][0, :1])
        torch.testing.assert_close(gradient[item, :m, :s].flatten(), alone[item][0, 1:], rtol=0, atol=2e-5)


@both
def test_costs_need_not_lie_in_order(recursion: Recursion) -> None:
    """Exchanging rows and columns exchanges those of the gradient."""
    options = {"gamma": 1.0, "warp": 0.5, "band": 2}
    found = with_gradient(recursion, costs(), ROWS, COLUMNS, **options)
    other = with_gradient(recursion, costs().transpose(1, 2), COLUMNS, ROWS, **options)
    torch.testing.assert_close(other[:, 0], found[:, 0])
    torch.testing.assert_close(
        other[:, 1:].view(6, 7, 6).transpose(1, 2), found[:, 1:].view(6, 6, 7), rtol=0, atol=5e-5
    )


@both
def test_hard_and_unwarped_it_is_the_sum_of_the_diagonal(recursion: Recursion) -> None:
    lengths = torch.tensor([6, 3])
    cost = costs()[:2, :, :6].contiguous()
    found = with_gradient(recursion, cost, lengths, lengths, gamma=1e-6, warp=1e9)
    real = torch.arange(6) < lengths[:, None]
    torch.testing.assert_close(found[:, 0].float(), (cost.diagonal(dim1=1, dim2=2) * real).sum(dim=1))
    assert torch.equal(found[:, 1:].view(2, 6, 6).float(), torch.diag_embed(real.float()))


@both
def test_of_pairwise_divergences_it_is_the_divergence_frame_by_frame(recursion: Recursion) -> None:
    z, z_log_std, mean, log_std = (0.5 * normal(3, 5, 13, seed=seed) for seed in range(4))
    lengths = torch.tensor([9, 13, 4])
    mask = (torch.arange(13) < lengths[:, None]).float().unsqueeze(1)
    cost = pairwise_kl(z, z_log_std, mean, log_std, z_mask=mask, mean_mask=mask)
    found = recursion(cost, lengths, lengths, gamma=1e-6, warp=1e9)
    expected = sampled_kl(z_p=z, posterior_log_std=z_log_std, prior_mean=mean, prior_log_std=log_std, mask=mask)
    torch.testing.assert_close(found, expected)


@both
def test_hard_it_is_the_cheapest_path(recursion: Recursion) -> None:
    """With no softness left the value is that of hard warping, and the gradient a path."""
    found = with_gradient(recursion, costs(), ROWS, COLUMNS, gamma=1e-5, warp=0.5)
    for item, (cost, m, s) in enumerate(zip(costs(), ROWS.tolist(), COLUMNS.tolist(), strict=True)):
        r = {(-1, -1): 0.0}
        for i in range(m):
            for j in range(s):
                sources = {(i - 1, j - 1): 0.0, (i - 1, j): 0.5, (i, j - 1): 0.5}
                r[i, j] = float(cost[i, j]) + min(r[cell] + price for cell, price in sources.items() if cell in r)
        assert float(found[item, 0]) == pytest.approx(r[m - 1, s - 1], abs=1e-4)
    assert set(found[:, 1:].flatten().tolist()) == {0.0, 1.0}


@both
def test_the_value_scales_with_costs_gamma_and_warp(recursion: Recursion) -> None:
    n_channels = 192
    of_mean = with_gradient(recursion, costs(), ROWS, COLUMNS, gamma=PAPER_GAMMA, warp=PAPER_WARP)
    of_sum = with_gradient(
        recursion,
        costs() * n_channels,
        ROWS,
        COLUMNS,
        gamma=of_summed_channels(PAPER_GAMMA, n_channels),
        warp=of_summed_channels(PAPER_WARP, n_channels),
    )
    torch.testing.assert_close(of_sum[:, 0], n_channels * of_mean[:, 0])
    torch.testing.assert_close(of_sum[:, 1:], of_mean[:, 1:], rtol=0, atol=5e-5)


def test_the_scale_for_192_summed_channels_is_ten_times_below_what_is_in_circulation() -> None:
    """0.07 times 192; a public implementation writes 134.4."""
    assert of_summed_channels(PAPER_WARP, 192) == pytest.approx(13.44)
    assert of_summed_channels(PAPER_GAMMA, 192) == pytest.approx(1.92)
    assert warp_of_sampled(PAPER_WARP, 192) == pytest.approx(13.44)


@pytest.mark.parametrize("n_channels", [16, 64, 192])
def test_a_sample_held_against_what_it_was_drawn_from_is_no_distance_away(n_channels: int) -> None:
    """Whatever the number of channels: by one sample each pair's divergence scatters, and no path may feed on that."""
    n_frames, n_items = 200, 8
    mean = normal(n_items, n_channels, n_frames // 20).repeat_interleave(20, dim=2)
    z, still = mean + normal(n_items, n_channels, n_frames, seed=1), torch.zeros(n_items, n_channels, n_frames)
    mask, lengths = torch.ones(n_items, 1, n_frames), torch.full((n_items,), n_frames)

    def per_frame(warp: float) -> tuple[float, float]:
        """How far the value is below that of the straight path, and how many cells a path visits."""
        cost = pairwise_kl(z, still, mean, still, z_mask=mask, mean_mask=mask).requires_grad_()
        gamma = of_summed_channels(PAPER_GAMMA, n_channels)
        value = soft_dtw(cost, lengths, lengths, gamma=gamma, warp=warp, band=60).sum()
        value.backward()
        assert cost.grad is not None
        below = cost.diagonal(dim1=1, dim2=2).sum() - value
        return float(below.detach()) / n_frames / n_items, float(cost.grad.sum()) / n_frames / n_items

    below, n_cells = per_frame(warp_of_sampled(PAPER_WARP, n_channels))
    assert -1e-3 < below < 0.3
    assert n_cells < 1.08
    if n_channels < PAPER_CHANNELS:  # for which the price of a mean over channels is too low
        below, n_cells = per_frame(of_summed_channels(PAPER_WARP, n_channels))
        assert below > 1
        assert n_cells > 1.3


@both
def test_a_wide_band_is_none(recursion: Recursion) -> None:
    free, banded, narrow = (
        with_gradient(recursion, costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5, band=band) for band in (None, 7, 1)
    )
    assert torch.equal(free, banded)
    assert (narrow[:, 0] >= free[:, 0]).all()
    assert not torch.equal(free, narrow)


def test_windows_hold_the_cells_of_the_band_and_a_path_through_it() -> None:
    """For all lengths up to 12, and from every cell of a band a step leads on to another."""
    lengths = np.array([(m, s) for m in range(1, 13) for s in range(1, 13)])
    for band in (None, 1, 2, 5):
        for (m, s), window in zip(lengths.tolist(), windows(lengths, band), strict=True):
            held = {(i, k - i) for k, (first, last) in enumerate(window.tolist()) for i in range(first, last + 1)}
            assert held == cells(m, s, band)
            assert {(0, 0), (m - 1, s - 1)} <= held
            for i, j in held - {(m - 1, s - 1)}:
                assert {(i + 1, j), (i, j + 1), (i + 1, j + 1)} & held
            real = window[: m + s - 1]
            assert ((real[1:] - real[:-1] == 0) | (real[1:] - real[:-1] == 1)).all()


@both
def test_a_forbidden_cell_is_passed_by(recursion: Recursion) -> None:
    cost = costs()
    cost[:, 2, :5] = math.inf
    dear = costs()
    dear[:, 2, :5] = 1e6
    rows, columns = torch.full((6,), 6), torch.full((6,), 7)
    found = with_gradient(recursion, cost, rows, columns, gamma=1.0, warp=0.5)
    assert found.isfinite().all()
    assert (found[:, 1:].view(6, 6, 7)[:, 2, :5] == 0).all()
    torch.testing.assert_close(found, with_gradient(recursion, dear, rows, columns, gamma=1.0, warp=0.5))


@both
@pytest.mark.parametrize(
    ("fault", "where", "value"),
    [
        (math.nan, (slice(2, 3), slice(3, 4)), math.nan),
        (math.nan, (slice(5, 6), slice(0, 1)), math.nan),
        (-math.inf, (slice(2, 3), slice(3, 4)), math.nan),
        (math.inf, (slice(2, 3), slice(None)), math.inf),
    ],
)
def test_a_fault_spoils_its_item_alone(
    recursion: Recursion, fault: float, where: tuple[slice, slice], value: float
) -> None:
    """NaN anywhere, even where no likely path comes, and a row that none may pass."""
    cost = costs()
    cost[0][where] = fault
    found = with_gradient(recursion, cost, ROWS, COLUMNS, gamma=1.0, warp=0.5)
    whole = with_gradient(recursion, costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5)
    assert torch.equal(found[1:], whole[1:])
    torch.testing.assert_close(found[0, :1].float(), torch.tensor([value]), equal_nan=True)
    assert found[0, 1:].isnan().all()


@both
def test_each_item_has_its_own_share_of_the_loss(recursion: Recursion) -> None:
    weights = torch.tensor([1.0, -2.0, 0.0, 3.0, 0.5, 100.0])
    cost = costs().requires_grad_()
    weighted, plain = (
        torch.autograd.grad((recursion(cost, ROWS, COLUMNS, gamma=1.0, warp=0.5) * w).sum(), cost)[0]
        for w in (weights, torch.ones(6))
    )
    torch.testing.assert_close(weighted, plain * weights[:, None, None])


@both
def test_precision_is_full_under_autocast(recursion: Recursion) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = recursion(costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5)
        halves = recursion(costs(torch.bfloat16), ROWS, COLUMNS, gamma=1.0, warp=0.5)
    assert torch.equal(found, recursion(costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5))
    assert halves.dtype == torch.float32


@both
def test_a_batch_may_be_empty(recursion: Recursion) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    assert recursion(torch.zeros(0, 6, 7), none, none, gamma=1.0, warp=0.5).shape == (0,)


def test_several_threads_give_what_one_gives() -> None:
    cost, n_threads = normal(9, 40, 50), torch.get_num_threads()
    rows, columns = torch.arange(32, 41), torch.arange(50, 41, -1)
    try:
        torch.set_num_threads(3)
        several = with_gradient(soft_dtw, cost, rows, columns, gamma=0.1, warp=0.5)
        torch.set_num_threads(1)
        one = with_gradient(soft_dtw, cost, rows, columns, gamma=0.1, warp=0.5)
    finally:
        torch.set_num_threads(n_threads)
    assert torch.equal(several, one)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 0.0}, "gamma of soft-DTW is 0: expected a number above 0"),
        ({"gamma": math.nan}, "gamma of soft-DTW is nan"),
        ({"warp": -1.0}, "warp of soft-DTW is -1: expected 0 or more"),
        ({"warp": math.inf}, "warp of soft-DTW is inf"),
        ({"band": 0}, "band of soft-DTW is 0: expected 1 frame or more, or None for no band"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        soft_dtw(costs(), ROWS, COLUMNS, **{"gamma": 1.0, "warp": 0.5, **options})


@pytest.mark.parametrize(("item", "rows", "columns"), [(0, 0, 7), (2, 7, 7), (5, 6, 8), (1, -1, 3)])
def test_lengths_out_of_range_are_refused(item: int, rows: int, columns: int) -> None:
    row_lengths, column_lengths = ROWS.clone(), COLUMNS.clone()
    row_lengths[item], column_lengths[item] = rows, columns
    with pytest.raises(ParameterError, match=f"item {item} of the batch has {rows} rows and {columns} columns"):
        soft_dtw(costs(), row_lengths, column_lengths, gamma=1.0, warp=0.5)


def test_what_the_kernel_has_for_exp_and_log_is_right_to_float32() -> None:
    below = np.linspace(-40, 0, 20_001, dtype=np.float32)
    found = np.array([_soft_dtw_kernel.exp_of_negative(x) for x in below])
    assert np.abs(found / np.exp(below.astype(np.float64)) - 1).max() < 2e-7
    assert _soft_dtw_kernel.exp_of_negative(np.float32(-np.inf)) == found[0] < 1e-17
    above = np.concatenate((np.geomspace(1e-18, 2, 5000), np.linspace(0.001, 2, 5000))).astype(np.float32)
    found = np.array([_soft_dtw_kernel.log_of_one_plus(x) for x in above])
    assert np.abs(found / np.log1p(above.astype(np.float64)) - 1).max() < 3e-7
    assert _soft_dtw_kernel.log_of_one_plus(np.float32(0)) == 0


@pytest.mark.parametrize("recursion", [soft_dtw, soft_dtw_torch], ids=["compiled", "torch"])
def test_four_bytes_a_cell_are_kept_of_the_cells_inside(recursion: Recursion) -> None:
    """Neither the costs nor their sums, and of a band only the band."""
    lengths, n_cells = torch.tensor([300, 300]), 2 * 300 * 300

    def kept(band: int | None) -> int:
        kept_bytes = 0

        def note(tensor: Tensor) -> Tensor:
            nonlocal kept_bytes
            kept_bytes += tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            recursion(normal(2, 300, 300).requires_grad_(), lengths, lengths, gamma=1.0, warp=0.5, band=band)
        return kept_bytes

    # By chunks in torch, whose corners lie outside.
    assert 4 <= kept(None) / n_cells < 5
    assert kept(20) < 0.25 * kept(None)


def test_without_numba_costs_on_a_cpu_in_float32_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "sonorant.losses._soft_dtw_kernel")
    monkeypatch.delattr(sonorant.losses, "_soft_dtw_kernel")
    with pytest.raises(MissingExtraError, match=r"needs the package 'numba'.*sonorant\[train\]"):
        soft_dtw(costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5)
    assert soft_dtw_torch(costs(), ROWS, COLUMNS, gamma=1.0, warp=0.5).isfinite().all()


def test_importing_it_does_not_import_numba() -> None:
    command = "import sys; import sonorant.losses.soft_dtw; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
