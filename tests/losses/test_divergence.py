from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from sonorant.losses.divergence import gaussian_kl, gaussian_surprise, pairwise_kl, sampled_kl
from sonorant.nn.latent import sample
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal

LENGTHS = torch.tensor([9, 13, 4])
MASK = length_mask(LENGTHS, 13)
Divergence = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def sampled(z_p: Tensor, log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor) -> Tensor:
    return sampled_kl(z_p=z_p, posterior_log_std=log_std, prior_mean=prior_mean, prior_log_std=prior_log_std, mask=mask)


def exact(mean: Tensor, log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor) -> Tensor:
    return gaussian_kl(
        posterior_mean=mean, posterior_log_std=log_std, prior_mean=prior_mean, prior_log_std=prior_log_std, mask=mask
    )


BOTH = pytest.mark.parametrize("divergence", [sampled, exact])


def gaussians() -> list[Tensor]:
    """Four [3, 5, 13]: a mean or sample, a log-deviation, and a prior's mean and log-deviation."""
    mean, log_std, prior_mean, prior_log_std = (normal(3, 5, 13, seed=seed) for seed in range(4))
    return [mean, 0.5 * log_std, prior_mean, 0.5 * prior_log_std]


def test_gaussians_diverge_as_torch_says() -> None:
    mean, log_std, prior_mean, prior_log_std = gaussians()
    each = kl_divergence(Normal(mean, log_std.exp()), Normal(prior_mean, prior_log_std.exp()))
    torch.testing.assert_close(exact(mean, log_std, prior_mean, prior_log_std, MASK), (each * MASK).sum(dim=(1, 2)))


def test_the_sampled_divergence_is_right_on_average() -> None:
    """Averaged over many samples through a flow that only shifts, it is the exact one."""
    n = 40_000
    mean, log_std, prior_mean, prior_log_std = (x[:1, :2, :3].expand(n, 2, 3) for x in gaussians())
    z_p = sample(mean, log_std, normal(n, 2, 3, seed=9)) + 0.7
    ones = torch.ones(n, 1, 3)
    found = sampled(z_p, log_std, prior_mean + 0.7, prior_log_std, ones)
    expected = exact(mean[:1], log_std[:1], prior_mean[:1], prior_log_std[:1], ones[:1])
    error = found.std() / n**0.5
    assert abs(float(found.mean() - expected)) < 4 * float(error)
    assert float(error) < 0.02 * float(expected)


def test_one_sample_may_lie_below_zero() -> None:
    zeros = torch.zeros(1, 5, 13)
    assert sampled(zeros, zeros, zeros, zeros, torch.ones(1, 1, 13)).tolist() == [-0.5 * 5 * 13]
    assert exact(zeros, zeros, zeros, zeros, torch.ones(1, 1, 13)).tolist() == [0.0]


def test_a_value_surprises_a_gaussian_as_torch_says() -> None:
    z, log_std, mean, _ = gaussians()
    each = -Normal(mean, log_std.exp()).log_prob(z)
    torch.testing.assert_close(gaussian_surprise(z, mean, log_std, MASK), (each * MASK).sum(dim=(1, 2)))


@BOTH
def test_padding_is_invisible(divergence: Divergence) -> None:
    padded = [F.pad(x, (0, 20), value=3.0) for x in gaussians()]
    torch.testing.assert_close(divergence(*padded, F.pad(MASK, (0, 20))), divergence(*gaussians(), MASK))


@BOTH
def test_a_batch_may_be_split(divergence: Divergence) -> None:
    parts = [divergence(*(x[part] for x in (*gaussians(), MASK))) for part in (slice(0, 1), slice(1, 3))]
    torch.testing.assert_close(torch.cat(parts), divergence(*gaussians(), MASK))


@BOTH
def test_gradients_reach_every_real_frame_and_no_other(divergence: Divergence) -> None:
    inputs = [x.requires_grad_() for x in gaussians()]
    for gradient in torch.autograd.grad(divergence(*inputs, MASK).sum(), inputs):
        assert torch.equal(gradient != 0, (MASK == 1).expand_as(gradient))


@BOTH
def test_precision_is_full_under_autocast(divergence: Divergence) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = divergence(*gaussians(), MASK)
    assert torch.equal(found, divergence(*gaussians(), MASK))
    halves = divergence(*(x.bfloat16() for x in gaussians()), MASK.bfloat16())
    assert halves.dtype == torch.float32
    assert torch.equal(halves, divergence(*(x.bfloat16().float() for x in gaussians()), MASK))


ROW_LENGTHS = torch.tensor([7, 3, 5])
ROW_MASK = length_mask(ROW_LENGTHS, 7)


def pairs(*, shift: float = 0.0) -> dict[str, Tensor]:
    """Three items' samples [3, 5, 13] and Gaussians [3, 5, 7], their means and samples moved by as much."""
    z, z_log_std, mean, log_std = (normal(3, 5, n, seed=seed) for seed, n in enumerate((13, 13, 7, 7)))
    return {"z": z + shift, "z_log_std": 0.5 * z_log_std, "mean": mean + shift, "log_std": 0.5 * log_std}


def by_loops(z: Tensor, z_log_std: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """[B, M, S], each pair by itself, in the precision of what it is given."""
    rows = []
    for i in range(mean.shape[2]):
        apart = (z - mean[:, :, i : i + 1]) / log_std[:, :, i : i + 1].exp()
        rows.append((log_std[:, :, i : i + 1] - z_log_std - 0.5 + 0.5 * apart**2).sum(dim=1))
    return torch.stack(rows, dim=1)


@pytest.mark.parametrize("shift", [0.0, 50.0, -50.0])
def test_divergences_of_pairs_are_those_of_loops(shift: float) -> None:
    """Also where means are far from zero, and so the square of each is far above that of their difference."""
    inputs = pairs(shift=shift)
    found = pairwise_kl(**inputs, z_mask=MASK, mean_mask=ROW_MASK)
    exact = by_loops(**{name: x.double() for name, x in inputs.items()})
    is_real = (ROW_MASK.transpose(1, 2) * MASK) > 0
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[is_real].double(), exact[is_real], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("spread", "log_std", "error"), [(1.0, -3.0, 0.2), (50.0, 0.0, 1.0)])
def test_means_many_deviations_apart_cost_pairs_no_more_than_is_said(
    spread: float, log_std: float, error: float
) -> None:
    """On the diagonal of 192 channels, where small divergences lie."""
    mean = spread * normal(1, 192, 40)
    z = mean + torch.exp(torch.tensor(log_std)) * normal(1, 192, 40, seed=1)
    same, ones = torch.full_like(mean, log_std), torch.ones(1, 1, 40)
    found = pairwise_kl(z, same, mean, same, z_mask=ones, mean_mask=ones)[0].diagonal()
    exact = by_loops(*(x.double() for x in (z, same, mean, same)))[0].diagonal()
    assert float((found - exact).abs().max()) < error


def test_gradients_of_pairs_are_those_of_loops() -> None:
    inputs = {name: x.requires_grad_() for name, x in pairs(shift=50.0).items()}
    weights = normal(3, 7, 13, seed=7) * ROW_MASK.transpose(1, 2) * MASK
    found = torch.autograd.grad(
        (pairwise_kl(**inputs, z_mask=MASK, mean_mask=ROW_MASK) * weights).sum(), list(inputs.values())
    )
    doubles = {name: x.detach().double().requires_grad_() for name, x in inputs.items()}
    exact = torch.autograd.grad((by_loops(**doubles) * weights).sum(), list(doubles.values()))
    for ours, theirs in zip(found, exact, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


def test_each_pair_on_the_diagonal_diverges_as_a_frame_does() -> None:
    z, log_std, prior_mean, prior_log_std = gaussians()
    found = pairwise_kl(z, log_std, prior_mean, prior_log_std, z_mask=MASK, mean_mask=MASK)
    on_diagonal = (found.diagonal(dim1=1, dim2=2) * MASK[:, 0]).sum(dim=1)
    torch.testing.assert_close(on_diagonal, sampled(z, log_std, prior_mean, prior_log_std, MASK))


@pytest.mark.parametrize("garbage", [3.0, float("nan"), float("inf")])
def test_padding_is_invisible_to_pairs(garbage: float) -> None:
    """Even what is no number, to values and to gradients."""
    weights = normal(3, 7, 13, seed=7) * ROW_MASK.transpose(1, 2) * MASK
    found = []
    for padding in (0.0, garbage):
        inputs = {
            name: torch.where((MASK if name.startswith("z") else ROW_MASK) > 0, x, padding).requires_grad_()
            for name, x in pairs().items()
        }
        kl = pairwise_kl(**inputs, z_mask=MASK, mean_mask=ROW_MASK)
        found.append((kl, *torch.autograd.grad((kl * weights).sum(), list(inputs.values()))))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
        assert one.isfinite().all()


def test_divergences_of_pairs_keep_their_precision_under_autocast() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pairwise_kl(**pairs(), z_mask=MASK, mean_mask=ROW_MASK)
    assert torch.equal(found, pairwise_kl(**pairs(), z_mask=MASK, mean_mask=ROW_MASK))
