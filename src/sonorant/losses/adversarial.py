"""Least-squares adversarial losses (Mao et al. 2017, arXiv:1611.04076; VITS, eqs. 8 to 10).

B batch. Each is a mean over what one discriminator says of one item, added up over discriminators. Values are computed
in float32 whatever the precision around.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sonorant.nn.discriminators import Judgement


def discriminator_loss(real: Sequence[Judgement], generated: Sequence[Judgement]) -> Tensor:
    """How far the discriminators are from calling the real 1 and the generated 0. Returns float32 [B]."""
    of_each = [
        ((1 - r.logits.float()) ** 2).mean(dim=1) + (g.logits.float() ** 2).mean(dim=1)
        for r, g in zip(real, generated, strict=True)
    ]
    return torch.stack(of_each).sum(dim=0)


def generator_loss(generated: Sequence[Judgement]) -> Tensor:
    """How far the discriminators are from calling the generated 1. Returns float32 [B]."""
    return torch.stack([((1 - g.logits.float()) ** 2).mean(dim=1) for g in generated]).sum(dim=0)


def feature_distance(real: Sequence[Judgement], generated: Sequence[Judgement]) -> Tensor:
    """How differently the discriminators' layers respond: mean distances, added up over layers. VITS weighs it by 2.

    No gradient flows to the real side. Returns float32 [B].
    """
    of_each = [
        F.l1_loss(g.float(), r.detach().float(), reduction="none").mean(dim=tuple(range(1, g.ndim)))
        for of_real, of_generated in zip(real, generated, strict=True)
        for r, g in zip(of_real.features, of_generated.features, strict=True)
    ]
    return torch.stack(of_each).sum(dim=0)
