"""How far a posterior lies from its prior: Kullback-Leibler divergences, in float32 whatever the precision around.

B batch, C channels, T frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sampled_kl(
    z_p: Tensor, posterior_log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor
) -> Tensor:
    """The divergence of the posterior from a prior behind a volume-preserving flow, by one sample (VITS, eqs. 3, 4).

    The posterior's entropy is exact, the prior's likelihood is that of the sample: the value is right on average, and
    can fall below zero.
    z_p: [B, C, T], the posterior's sample taken through the flow; posterior_log_std, prior_mean, prior_log_std:
    [B, C, T]; mask: [B, 1, T]. Returns float32 [B], summed over channels and real frames.
    """
    with torch.autocast(z_p.device.type, enabled=False):
        z_p, posterior_log_std = z_p.float(), posterior_log_std.float()
        prior_mean, prior_log_std = prior_mean.float(), prior_log_std.float()
        kl = prior_log_std - posterior_log_std - 0.5 + 0.5 * ((z_p - prior_mean) * torch.exp(-prior_log_std)) ** 2
        return (kl * mask.float()).sum(dim=(1, 2))


def gaussian_surprise(z: Tensor, mean: Tensor, log_std: Tensor, mask: Tensor) -> Tensor:
    """The negative log-likelihood of values under a diagonal Gaussian, in nats.

    z, mean, log_std: [B, C, T]; mask: [B, 1, T]. Returns float32 [B], summed over channels and real frames.
    """
    with torch.autocast(z.device.type, enabled=False):
        z, mean, log_std = z.float(), mean.float(), log_std.float()
        apart = (z - mean) * torch.exp(-log_std)
        return ((0.5 * (apart**2 + math.log(2 * math.pi)) + log_std) * mask.float()).sum(dim=(1, 2))


def gaussian_kl(
    posterior_mean: Tensor, posterior_log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor
) -> Tensor:
    """The divergence of one diagonal Gaussian from another, exactly.

    The Gaussians: [B, C, T]; mask: [B, 1, T]. Returns float32 [B], summed over channels and real frames.
    """
    with torch.autocast(posterior_mean.device.type, enabled=False):
        posterior_mean, posterior_log_std = posterior_mean.float(), posterior_log_std.float()
        prior_mean, prior_log_std = prior_mean.float(), prior_log_std.float()
        wider = posterior_log_std - prior_log_std
        apart = (posterior_mean - prior_mean) * torch.exp(-prior_log_std)
        return ((0.5 * (torch.exp(2 * wider) + apart**2 - 1) - wider) * mask.float()).sum(dim=(1, 2))
