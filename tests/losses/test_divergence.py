from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from sonorant.losses.divergence import gaussian_kl, gaussian_surprise, sampled_kl
from sonorant.nn.latent import sample
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal

LENGTHS = torch.tensor([9, 13, 4])
MASK = length_mask(LENGTHS, 13)
Divergence = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
BOTH = pytest.mark.parametrize("divergence", [sampled_kl, gaussian_kl])


def gaussians() -> list[Tensor]:
    """Four [3, 5, 13]: a mean or sample, a log-deviation, and a prior's mean and log-deviation."""
    mean, log_std, prior_mean, prior_log_std = (normal(3, 5, 13, seed=seed) for seed in range(4))
    return [mean, 0.5 * log_std, prior_mean, 0.5 * prior_log_std]


def test_gaussians_diverge_as_torch_says() -> None:
    mean, log_std, prior_mean, prior_log_std = gaussians()
    each = kl_divergence(Normal(mean, log_std.exp()), Normal(prior_mean, prior_log_std.exp()))
    torch.testing.assert_close(
        gaussian_kl(mean, log_std, prior_mean, prior_log_std, MASK), (each * MASK).sum(dim=(1, 2))
    )


def test_the_sampled_divergence_is_right_on_average() -> None:
    """Averaged over many samples through a flow that only shifts, it is the exact one."""
    n = 40_000
    mean, log_std, prior_mean, prior_log_std = (x[:1, :2, :3].expand(n, 2, 3) for x in gaussians())
    z_p = sample(mean, log_std, normal(n, 2, 3, seed=9)) + 0.7
    ones = torch.ones(n, 1, 3)
    found = sampled_kl(z_p, log_std, prior_mean + 0.7, prior_log_std, ones)
    exact = gaussian_kl(mean[:1], log_std[:1], prior_mean[:1], prior_log_std[:1], ones[:1])
    error = found.std() / n**0.5
    assert abs(float(found.mean() - exact)) < 4 * float(error)
    assert float(error) < 0.02 * float(exact)


def test_one_sample_may_lie_below_zero() -> None:
    zeros = torch.zeros(1, 5, 13)
    assert sampled_kl(zeros, zeros, zeros, zeros, torch.ones(1, 1, 13)).tolist() == [-0.5 * 5 * 13]
    assert gaussian_kl(zeros, zeros, zeros, zeros, torch.ones(1, 1, 13)).tolist() == [0.0]


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
