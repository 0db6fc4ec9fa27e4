"""What NaturalSpeech minimises (Tan et al. 2022, 3.4 and 3.6), as named terms.

Each is a sum over a part's items, divided by what the whole batch holds: items, tokens or frames.
B batch, C channels, L tokens, S frames of the recording, T frames of the prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from sonorant.bounds import check_above_zero, check_at_least, check_finite
from sonorant.config import config
from sonorant.losses.divergence import pairwise_kl, sampled_kl
from sonorant.losses.soft_dtw import PAPER_GAMMA, PAPER_WARP, of_summed_channels, soft_dtw, warp_of_sampled
from sonorant.models.naturalspeech.model import NaturalSpeechOutput
from sonorant.training.schedule import Schedule

TERMS = ("mel", "spectral", "source", "kl", "kl_forward", "duration", "adversarial", "feature", "end_to_end")
ADVERSARIAL = frozenset({"adversarial", "feature", "end_to_end"})
OF_IMAGINED = frozenset({"kl_forward", "end_to_end"})
"""Terms of the prior's own speech."""


def default_weights() -> Mapping[str, Schedule]:
    """The paper gives none. These are those under which a public implementation trained, before what is ramped up.

    `source` comes beside with decoders that find the pitch of what they say.
    """
    return {
        "mel": 45.0,
        "spectral": 0.0,
        "kl": 1.0,
        "kl_forward": 0.0,
        "duration": 5.0,
        "adversarial": 1.0,
        "feature": 2.0,
        "end_to_end": 0.0,
    }


@config
class FrameByFrame:
    """Frame t of the prior is held against frame t of the posterior: they must be equally long."""

    kind: Literal["frame_by_frame"] = "frame_by_frame"


@config
class SoftlyWarped:
    """The prior is held against the posterior along all monotonic paths, the cheaper ones above all (3.4)."""

    kind: Literal["softly_warped"] = "softly_warped"
    gamma: float = PAPER_GAMMA
    """How soft the minimum is, for divergences that are means over channels."""
    warp: float = PAPER_WARP
    """What a step costs that moves in one of the two only, for means over the paper's 192 channels: with fewer it falls
    as the scatter of divergences does, see `warp_of_sampled`."""
    band: int | None = 60
    """Frames that a path may leave the diagonal by; None for any."""

    def __post_init__(self) -> None:
        check_above_zero(self, "gamma")
        check_finite(self, "warp")
        check_at_least(0, self, "warp")
        check_at_least(1, self, "band")


DivergenceConfig = FrameByFrame | SoftlyWarped


def backward_divergence(out: NaturalSpeechOutput, cfg: DivergenceConfig) -> Tensor:
    """How far the posterior, taken through the flow, lies from the prior: float32 [B], summed over frames (3.4)."""
    n_frames = out.frame_mask.float().sum(dim=(1, 2))
    return _divergence(
        cfg,
        mean=out.prior.mean,
        log_std=out.prior.log_std,
        mask=out.prior_mask,
        z=out.z_p,
        z_log_std=out.posterior.log_std,
        z_mask=out.frame_mask,
    ) - (out.log_det * n_frames if out.log_det else 0.0)


def forward_divergence(out: NaturalSpeechOutput, cfg: DivergenceConfig) -> Tensor:
    """How far the prior, taken through the flow the other way, lies from the posterior: float32 [B] (3.4)."""
    assert out.imagined is not None, "nothing was imagined"
    n_frames = out.prior_mask.float().sum(dim=(1, 2))
    return _divergence(
        cfg,
        mean=out.posterior.mean,
        log_std=out.posterior.log_std,
        mask=out.frame_mask,
        z=out.imagined.z,
        z_log_std=out.prior.log_std,
        z_mask=out.prior_mask,
    ) + (out.log_det * n_frames if out.log_det else 0.0)


def duration_error(out: NaturalSpeechOutput, labels: Tensor) -> Tensor:
    """The squared error of the log-durations, float32 [B], summed over tokens.

    labels: [B, L], in frames; a token that lasted none is taken to have lasted half a frame.
    """
    target = torch.log(labels.float().clamp(min=0.5)).unsqueeze(1)
    return ((out.log_duration.float() - target).square() * out.token_mask).sum(dim=(1, 2))


def _divergence(
    cfg: DivergenceConfig, *, mean: Tensor, log_std: Tensor, mask: Tensor, z: Tensor, z_log_std: Tensor, z_mask: Tensor
) -> Tensor:
    """Of samples z, drawn with z_log_std, from Gaussians: float32 [B].

    mean, log_std: [B, C, R]; mask: [B, 1, R]; z, z_log_std: [B, C, K]; z_mask: [B, 1, K].
    """
    match cfg:
        case FrameByFrame():
            assert mean.shape == z.shape, "held against each other frame by frame, but of other lengths"
            return sampled_kl(z_p=z, posterior_log_std=z_log_std, prior_mean=mean, prior_log_std=log_std, mask=mask)
        case SoftlyWarped():
            rows, columns = mask.sum(dim=(1, 2)).long(), z_mask.sum(dim=(1, 2)).long()
            cost = pairwise_kl(z, z_log_std, mean, log_std, z_mask=z_mask, mean_mask=mask)
            gamma, warp = of_summed_channels(cfg.gamma, mean.shape[1]), warp_of_sampled(cfg.warp, mean.shape[1])
            return soft_dtw(cost, rows, columns, gamma=gamma, warp=warp, band=cfg.band)
