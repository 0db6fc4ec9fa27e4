"""What VITS2 minimises (Kong et al. 2023, section 2; VITS, 2.1 to 2.4), as named terms.

Each is a sum over a part's items, divided by what the whole batch holds: items, tokens or frames.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sonorant.data.batch import Totals
from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.losses.divergence import sampled_kl
from sonorant.losses.spectral import StftLossConfig, mel_distance, stft_distance
from sonorant.models.slices import Judgements, known
from sonorant.models.vits2.model import Explained, Vits2Output

TERMS = ("mel", "spectral", "kl", "duration", "adversarial", "feature")
ADVERSARIAL = frozenset({"adversarial", "feature"})
OPTIONAL = ADVERSARIAL | {"spectral"}


def generator_terms(
    out: Vits2Output,
    *,
    recorded: Tensor,
    mel: Tensor,
    generated_mel: Tensor,
    spectral: StftLossConfig,
    judge: Callable[[], Judgements],
    totals: Totals,
    wanted: frozenset[str],
) -> dict[str, Tensor]:
    """The generator's terms, of those wanted; the discriminators are asked only if an adversarial one is.

    recorded: [B, 1, N] and mel, generated_mel: [B, M, segment_frames], of the slices.
    """
    computed = {
        "mel": lambda: mel_distance(generated_mel, mel).sum() / totals.items,
        # Not the paper's: what carries the young decoder until there are discriminators.
        "spectral": lambda: stft_distance(out.samples[:, 0], recorded[:, 0], spectral).sum() / totals.items,
        # Not the paper's: of decoders that find the pitch of what they say.
        "source": lambda: known(out.source_loss).sum() / totals.items,
        "kl": lambda: kl(out.explained).sum() / totals.frames,
        "duration": lambda: out.duration_loss.sum() / totals.tokens,
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


def kl(explained: Explained) -> Tensor:
    """The divergence of posterior from prior, float32 [B], summed over real frames.

    Of a flow that stretches its space, the log-determinant is part of it.
    """
    summed = sampled_kl(
        z_p=explained.z_p,
        posterior_log_std=explained.posterior.log_std,
        prior_mean=explained.prior_mean,
        prior_log_std=explained.prior_log_std,
        mask=explained.frame_mask,
    )
    if not explained.log_det:
        return summed
    return summed - explained.log_det * explained.frame_mask.float().sum(dim=(1, 2))
