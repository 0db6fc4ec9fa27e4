"""An alignment that is learned: how much each frame sounds like each token.

Badlani et al. 2021 ("One TTS Alignment To Rule Them All"), arXiv:2108.10447, sections 2.1 and 2.2; JETS (Lim, Jung and
Kim 2022, arXiv:2203.16852) takes it over with another distance.

B batch, L tokens, T frames, M mel bands.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_above_zero, check_at_least, check_finite
from sonorant.config import config
from sonorant.nn.attention import MASKED_SCORE
from sonorant.nn.mask import pair_mask


@config
class AlignerConfig:
    d_attention: int = 256
    distance: Literal["squared", "euclidean"] = "squared"
    """Squared and scaled by `temperature` (Badlani et al.), or as it is (JETS)."""
    temperature: float = 5e-4
    """As published; with 0.2 an alignment forms in some 500 steps: docs/training.md."""
    prior_scale: float = 1.0
    """How narrow the prior's diagonal is; 0 leaves the prior out."""

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_attention")
        check_finite(self, "prior_scale")
        check_at_least(0, self, "prior_scale")
        check_above_zero(self, "temperature")
        if self.distance != "squared" and self.temperature != AlignerConfig.temperature:
            raise ValueError(
                f"temperature is {self.temperature:g}, but distances of kind {self.distance} have none: leave it out, "
                f"or at {AlignerConfig.temperature:g}"
            )


class Aligner(nn.Module):
    """Compares what tokens are with a mel spectrogram's frames, each through convolutions of its own.

    Tokens come without their context (Badlani et al.: text embeddings). Of a text encoder's features, as JETS has them,
    the last token of each word learned to stand for most of the word's frames: docs/training.md.
    """

    def __init__(self, cfg: AlignerConfig, d_hidden: int, n_mels: int, d_cond: int = 0) -> None:
        super().__init__()
        self.cfg = cfg
        self.keys = nn.Sequential(
            nn.Conv1d(d_hidden, 2 * d_hidden, 3, padding=1), nn.ReLU(), nn.Conv1d(2 * d_hidden, cfg.d_attention, 1)
        )
        self.queries = nn.Sequential(
            nn.Conv1d(n_mels, 2 * n_mels, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(2 * n_mels, n_mels, 1),
            nn.ReLU(),
            nn.Conv1d(n_mels, cfg.d_attention, 1),
        )
        self.key_speaker = nn.Conv1d(d_cond, d_hidden, 1) if d_cond else None
        self.query_speaker = nn.Conv1d(d_cond, n_mels, 1) if d_cond else None

    def forward(
        self, symbols: Tensor, mel: Tensor, *, token_mask: Tensor, frame_mask: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """The logarithm of how much each frame belongs to each token: float32 [B, L, T].

        Over the real tokens of a real frame the probabilities sum to one; for padding they are next to nothing.
        symbols: [B, d_hidden, L]; mel: [B, M, T]; masks: [B, 1, L], [B, 1, T]; speaker: [B, d_cond, 1] if conditioned.
        """
        if self.key_speaker is not None and self.query_speaker is not None:
            assert speaker is not None, "conditioned on a speaker, but none was given"
            symbols, mel = symbols + self.key_speaker(speaker), mel + self.query_speaker(speaker)
        key, query = self.keys(symbols * token_mask), self.queries(mel * frame_mask)
        with torch.autocast(symbols.device.type, enabled=False):
            score = self._closeness(key.float(), query.float())
            is_token = token_mask.transpose(1, 2) > 0
            score = torch.log_softmax(score.masked_fill(~is_token, MASKED_SCORE), dim=1)
            if self.cfg.prior_scale:
                score = score + beta_binomial_prior(
                    token_mask=token_mask, frame_mask=frame_mask, scale=self.cfg.prior_scale
                )
                score = torch.log_softmax(score.masked_fill(~is_token, MASKED_SCORE), dim=1)
            return score

    def _closeness(self, key: Tensor, query: Tensor) -> Tensor:
        """[B, D, L] and [B, D, T] -> [B, L, T], without a [B, D, L, T] in between."""
        squared = (key**2).sum(1).unsqueeze(2) + (query**2).sum(1).unsqueeze(1) - 2 * key.transpose(1, 2) @ query
        if self.cfg.distance == "squared":
            return -self.cfg.temperature * squared
        return -torch.sqrt(squared.clamp(min=1e-6))


def beta_binomial_prior(*, token_mask: Tensor, frame_mask: Tensor, scale: float = 1.0) -> Tensor:
    """A diagonal to begin with: for frame t = 1 to T, the logarithm of a beta-binomial over the tokens 0 to L - 1.

    Its n is L - 1, its alpha scale * t, its beta scale * (T - t + 1) (Badlani et al., 2.2), with each item's own L
    and T. token_mask: [B, 1, L]; frame_mask: [B, 1, T]. Returns float32 [B, L, T], 0 where either is padding.
    """
    n = token_mask.float().sum(dim=2, keepdim=True) - 1  # [B, 1, 1]
    total = frame_mask.float().sum(dim=2, keepdim=True)
    device = token_mask.device
    k = torch.minimum(torch.arange(token_mask.shape[2], device=device, dtype=torch.float32)[None, :, None], n)
    t = torch.minimum(torch.arange(1, frame_mask.shape[2] + 1, device=device, dtype=torch.float32), total)
    alpha, beta = scale * t, scale * (total - t + 1)
    choose = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    log_prior = choose + _log_beta(k + alpha, n - k + beta) - _log_beta(alpha, beta)
    return log_prior * pair_mask(token_mask, frame_mask)


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)


def gaussian_weights(durations: Tensor, token_mask: Tensor, n_frames: int, *, sharpness: float) -> Tensor:
    """How much each frame hears of each token, softly: a Gaussian about the token's middle (JETS, 2.2; EATS).

    durations: [B, L], in frames; token_mask: [B, 1, L]; sharpness: the factor of the squared distance in frames.
    Returns float32 [B, L, n_frames], which sums to one over an item's real tokens.
    """
    durations = durations.float()
    middle = durations.cumsum(dim=1) - durations / 2
    frame = torch.arange(n_frames, device=durations.device) + 0.5
    closeness = -sharpness * (frame - middle.unsqueeze(2)) ** 2
    return F.softmax(closeness.masked_fill(token_mask.transpose(1, 2) == 0, float("-inf")), dim=1)
