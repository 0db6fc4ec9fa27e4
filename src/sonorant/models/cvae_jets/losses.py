"""What CVAE-JETS minimises, as named terms.

Each is a sum over a part's items, divided by what the whole batch holds: items, tokens or frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from sonorant.data.batch import Totals
from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.losses.alignment import binarization, forward_sum
from sonorant.losses.divergence import sampled_kl
from sonorant.losses.spectral import StftLossConfig, mel_distance, stft_distance
from sonorant.models.cvae_jets.model import CvaeJetsOutput, Explained
from sonorant.models.slices import Judgements, known

TERMS = (
    "mel",
    "spectral",
    "kl",
    "duration",
    "pitch",
    "pitch_statistics",
    "voicing",
    "energy",
    "forward_sum",
    "binarization",
    "adversarial",
    "feature",
)
ADVERSARIAL = frozenset({"adversarial", "feature"})
OPTIONAL = ADVERSARIAL | {"spectral", "mel", "binarization"}


def generator_terms(
    out: CvaeJetsOutput,
    *,
    recorded: Tensor,
    mel: Tensor,
    generated_mel: Tensor,
    spectral: StftLossConfig,
    level: Literal["frame", "token"],
    token_lengths: Tensor,
    frame_lengths: Tensor,
    judge: Callable[[], Judgements],
    totals: Totals,
    wanted: frozenset[str],
) -> dict[str, Tensor]:
    """The generator's terms, of those wanted; the discriminators are asked only if an adversarial one is.

    recorded: [B, 1, N] and mel, generated_mel: [B, M, segment_frames], of the slices.
    """
    explained = out.explained
    n_positions = totals.frames if level == "frame" else totals.tokens

    computed = {
        "mel": lambda: mel_distance(generated_mel, mel).sum() / totals.items,
        "spectral": lambda: stft_distance(out.samples[:, 0], recorded[:, 0], spectral).sum() / totals.items,
        # Of decoders that find the pitch of what they say.
        "source": lambda: known(out.source_loss).sum() / totals.items,
        "kl": lambda: kl(explained).sum() / totals.frames,
        "duration": lambda: duration_error(explained).sum() / totals.tokens,
        "pitch": lambda: explained.pitch.curve.sum() / n_positions,
        "pitch_statistics": lambda: explained.pitch.statistics.sum() / totals.items,
        "voicing": lambda: explained.pitch.presence.sum() / n_positions,
        "energy": lambda: explained.energy.curve.sum() / n_positions,
        "forward_sum": lambda: (
            forward_sum(explained.log_attention, token_lengths=token_lengths, frame_lengths=frame_lengths).sum()
            / totals.frames
        ),
        "binarization": lambda: (
            binarization(explained.log_attention, explained.durations, explained.frame_mask).sum() / totals.frames
        ),
    }
    terms = {name: term() for name, term in computed.items() if name in wanted}
    if wanted & ADVERSARIAL:
        real, generated = judge()
        terms["adversarial"] = generator_loss(generated).sum() / totals.items
        terms["feature"] = feature_distance(real, generated).sum() / totals.items
    return terms


def discriminator_terms(judgements: Judgements, *, totals: Totals) -> dict[str, Tensor]:
    """The discriminators' one term."""
    return {"loss": discriminator_loss(judgements.real, judgements.generated).sum() / totals.items}


def duration_error(explained: Explained) -> Tensor:
    """The squared error of the logarithms of one frame more than a token has: [B], summed over tokens."""
    target = torch.log1p(explained.durations.unsqueeze(1).float())
    return ((explained.log_duration.float() - target) ** 2 * explained.token_mask).sum(dim=(1, 2))


def kl(explained: Explained) -> Tensor:
    """The divergence of posterior from prior, float32 [B], summed over real frames; 0 without a latent."""
    latents, mask = explained.latents, explained.frame_mask
    if latents is None:
        return mask.new_zeros(len(mask))
    summed = sampled_kl(
        z_p=latents.z_p,
        posterior_log_std=latents.posterior.log_std,
        prior_mean=latents.prior_mean,
        prior_log_std=latents.prior_log_std,
        mask=mask,
    )
    return summed - latents.log_det * mask.float().sum(dim=(1, 2)) if latents.log_det else summed
