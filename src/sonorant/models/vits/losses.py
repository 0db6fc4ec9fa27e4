"""What VITS minimises (Kim et al. 2021, 2.1 to 2.4), as named terms.

Each is a sum over a part's items, divided by what the whole batch holds: items, tokens or frames.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sonorant.data.batch import Totals
from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.losses.divergence import sampled_kl
from sonorant.losses.spectral import mel_distance
from sonorant.models.slices import Judgements
from sonorant.models.vits.model import VitsOutput

TERMS = ("mel", "kl", "duration", "adversarial", "feature")
ADVERSARIAL = frozenset({"adversarial", "feature"})


def generator_terms(
    out: VitsOutput,
    *,
    mel: Tensor,
    generated_mel: Tensor,
    judge: Callable[[], Judgements],
    totals: Totals,
    wanted: frozenset[str],
) -> dict[str, Tensor]:
    """The generator's terms, of those wanted; the discriminators are asked only if an adversarial one is.

    mel, generated_mel: [B, M, segment_frames], of the slices.
    """
    computed = {
        "mel": lambda: mel_distance(generated_mel, mel).sum() / totals.items,  # eq. 2
        "kl": lambda: _kl(out).sum() / totals.frames,  # eqs. 3 and 4
        "duration": lambda: out.duration_loss.sum() / totals.tokens,  # eq. 7
    }
    terms = {name: term() for name, term in computed.items() if name in wanted}
    if wanted & ADVERSARIAL:
        real, generated = judge()
        terms["adversarial"] = generator_loss(generated).sum() / totals.items  # eq. 9
        terms["feature"] = feature_distance(real, generated).sum() / totals.items  # eq. 10
    return terms


def discriminator_terms(judgements: Judgements, *, totals: Totals) -> dict[str, Tensor]:
    """The discriminators' one term (eq. 8)."""
    return {"loss": discriminator_loss(judgements.real, judgements.generated).sum() / totals.items}


def _kl(out: VitsOutput) -> Tensor:
    return sampled_kl(
        z_p=out.z_p,
        posterior_log_std=out.posterior.log_std,
        prior_mean=out.prior_mean,
        prior_log_std=out.prior_log_std,
        mask=out.frame_mask,
    )
