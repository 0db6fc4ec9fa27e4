"""How far a posterior lies from its prior: Kullback-Leibler divergences, in float32 whatever the precision around.

B batch, C channels, T frames; of pairs, M rows and S columns.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sampled_kl(
    *, z_p: Tensor, posterior_log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor
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


def pairwise_kl(
    z: Tensor, z_log_std: Tensor, mean: Tensor, log_std: Tensor, *, z_mask: Tensor, mean_mask: Tensor
) -> Tensor:
    """What `sampled_kl` gives for a frame, for every pair of a Gaussian's frame and a sample's (NaturalSpeech, 3.4).

    z, z_log_std: [B, C, S], samples and the log-deviations of what they were drawn from; mean, log_std: [B, C, M], the
    Gaussians; z_mask: [B, 1, S]; mean_mask: [B, 1, M]. Returns float32 [B, M, S], summed over channels: its diagonal is
    what `sampled_kl` sums over frames. What it holds where either mask is 0 is finite and means nothing.

    Both of the paper's divergences, of frames i of a prior and frames j of a posterior, are this one with roles
    exchanged. Backward, with the posterior's sample z_p taken through the flow, it is pairwise_kl(z_p,
    posterior_log_std, prior_mean, prior_log_std), whose value at [i, j] is, summed over channels,

        prior_log_std_i - posterior_log_std_j - 1/2 + ((z_p_j - prior_mean_i) / prior_std_i)^2 / 2

    Forward, with the prior's sample z taken back through the flow, it is pairwise_kl(z, prior_log_std, posterior_mean,
    posterior_log_std), whose value at [j, i] is

        posterior_log_std_j - prior_log_std_i - 1/2 + ((z_i - posterior_mean_j) / posterior_std_j)^2 / 2

    The square is multiplied out, so that nothing larger than the result is made: two matrix products over channels. It
    would lose digits where means are far from zero, so the mean of each item's Gaussians is taken off both sides first.
    Digits are lost where means lie many deviations from each other: of 192 channels with means of +-50 a third of a nat
    at a deviation of 1 and a hundred nats at one of 0.05; where they are of the size of their deviations, none that
    count. Bounds of log_std keep a training from there.
    """
    with torch.autocast(z.device.type, enabled=False):
        z, z_log_std = (torch.where(z_mask > 0, x.float(), 0.0) for x in (z, z_log_std))
        mean, log_std = (torch.where(mean_mask > 0, x.float(), 0.0) for x in (mean, log_std))
        # Differences are the same without it, so no gradient passes through it.
        middle = (mean.sum(dim=2, keepdim=True) / mean_mask.float().sum(dim=2, keepdim=True).clamp(min=1)).detach()
        z, mean = z - middle, mean - middle
        precision = torch.exp(-2 * log_std)
        of_row = (log_std - 0.5 + 0.5 * mean**2 * precision).sum(dim=1).unsqueeze(2)
        kl = torch.baddbmm(of_row, precision.transpose(1, 2), 0.5 * z**2)
        kl.baddbmm_((mean * precision).transpose(1, 2), z, alpha=-1)
        return kl.sub_(z_log_std.sum(dim=1).unsqueeze(1))


def gaussian_surprise(z: Tensor, mean: Tensor, log_std: Tensor, mask: Tensor) -> Tensor:
    """The negative log-likelihood of values under a diagonal Gaussian, in nats.

    z, mean, log_std: [B, C, T]; mask: [B, 1, T]. Returns float32 [B], summed over channels and real frames.
    """
    with torch.autocast(z.device.type, enabled=False):
        z, mean, log_std = z.float(), mean.float(), log_std.float()
        apart = (z - mean) * torch.exp(-log_std)
        return ((0.5 * (apart**2 + math.log(2 * math.pi)) + log_std) * mask.float()).sum(dim=(1, 2))


def gaussian_kl(
    *, posterior_mean: Tensor, posterior_log_std: Tensor, prior_mean: Tensor, prior_log_std: Tensor, mask: Tensor
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
