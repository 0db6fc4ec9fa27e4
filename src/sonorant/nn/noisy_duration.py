"""A duration predictor that draws: the deterministic one with noise among its inputs (VITS2, arXiv:2307.16430, 2.1).

B batch, C channels, L tokens.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.duration import DurationConfig, DurationPredictor


@config
class NoisyDurationConfig:
    kind: Literal["adversarial"] = "adversarial"
    d_filter: int = 256
    kernel: int = 3
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_filter")
        check_odd(self, "kernel")
        check_share(self, "dropout")


class NoisyDurationPredictor(DurationPredictor):
    """The deterministic predictor, to whose input noise is added through a convolution that starts at zero.

    So one that takes up a deterministic predictor's weights is that predictor, whatever the noise, until it is trained.
    Squared errors alone would keep it so: it learns to use the noise from a discriminator.
    """

    def __init__(self, cfg: NoisyDurationConfig, d_hidden: int, d_cond: int = 0) -> None:
        plain = DurationConfig(d_filter=cfg.d_filter, kernel=cfg.kernel, dropout=cfg.dropout)
        super().__init__(plain, d_hidden, d_cond)
        self.d_noise = d_hidden
        self.noise = nn.Conv1d(d_hidden, d_hidden, 1, bias=False)
        nn.init.zeros_(self.noise.weight)

    def log_duration(self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None = None) -> Tensor:
        """A draw of the logarithm of each token's frames.

        hidden, noise: [B, C, L], the noise already scaled; mask: [B, 1, L]; speaker: [B, d_cond, 1].
        Returns [B, 1, L].
        """
        x = hidden.detach() + self.noise(noise.to(hidden.dtype))
        if self.condition is not None:
            assert speaker is not None, "conditioned on a speaker, but none was given"
            x = x + self.condition(speaker.detach())
        return self._predict(x, mask)
