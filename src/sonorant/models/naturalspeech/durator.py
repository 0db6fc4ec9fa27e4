"""The differentiable durator: how long each phoneme lasts, and what that makes of each frame (NaturalSpeech, 3.3).

Frame i, counted by its middle, lies S_ij = i - (start of phoneme j) behind the phoneme's start and
E_ij = (end of phoneme j) - i before its end, in real-valued frames, so what the frames hear has a gradient with respect
to the durations. From S, E and the phonemes' features two small perceptrons give weights W over the phonemes and a
context C; the frame is a weighted sum of phonemes and of contexts.

B batch, C channels, L tokens, T frames, Q heads of weights, P contexts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.attention import MASKED_SCORE
from sonorant.nn.conv import ChannelNorm, same_padding
from sonorant.nn.latent import LogStdBounds, bounded
from sonorant.nn.variance import PredictorConfig

DISTANCE_UNIT = 10.0
"""Frames that count as one in the perceptrons: distances then are no larger than features."""


@config
class DurationConfig(PredictorConfig):
    """Of the convolutions to one log-duration per phoneme; unlike VITS's they pass their gradient on to the encoder."""

    n_layers: int = 3


@config
class UpsamplingConfig:
    n_weights: int = 4
    """Heads of weights over the phonemes (q in the paper)."""
    n_contexts: int = 2
    """Contexts of each phoneme and frame (p in the paper)."""
    d_features: int = 8
    """What the perceptrons know of a phoneme."""
    kernel: int = 3
    dropout: float = 0.0
    log_std_bounds: LogStdBounds | None = None

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_weights", "n_contexts", "d_features")
        check_odd(self, "kernel")
        check_share(self, "dropout")


@dataclass(frozen=True)
class FramePrior:
    """A Gaussian for each frame, and which phonemes it is made of."""

    mean: Tensor  # [B, d_latent, T], 0 at padding
    log_std: Tensor  # [B, d_latent, T], 0 at padding
    weights: Tensor  # [B, Q, T, L], over the phonemes they sum to 1


class LearnedUpsampling(nn.Module):
    """From phonemes and real-valued durations to a prior for each frame (3.3).

    Two departures. Features are not batch-normalised, for padding would enter the statistics; they are
    layer-normalised, as the paper has it afterwards. And a frame's weight for a phoneme falls by `guide` for each frame
    it lies outside of it, so that from the first step on each frame hears its own phoneme: guide is learned, one
    number a head, and with 0 the formula is the paper's.
    """

    def __init__(self, cfg: UpsamplingConfig, d_hidden: int, d_latent: int) -> None:
        super().__init__()
        self.log_std_bounds = cfg.log_std_bounds
        self.weighing = _PairPerceptron(cfg, d_hidden, cfg.n_weights)
        self.contexts = _PairPerceptron(cfg, d_hidden, cfg.n_contexts)
        self.guide = nn.Parameter(torch.ones(cfg.n_weights))
        self.of_phonemes = nn.Linear(cfg.n_weights * d_hidden, d_hidden)
        self.of_contexts = nn.Linear(cfg.n_weights * cfg.n_contexts, d_hidden)
        self.norm = ChannelNorm(d_hidden)
        self.output = nn.Conv1d(d_hidden, 2 * d_latent, 1)

    def forward(self, hidden: Tensor, token_mask: Tensor, durations: Tensor, frame_mask: Tensor) -> FramePrior:
        """hidden: [B, d_hidden, L]; token_mask: [B, 1, L]; durations: [B, L], in frames, real-valued, 0 at padding;
        frame_mask: [B, 1, T], of the frames wanted."""
        with torch.autocast(hidden.device.type, enabled=False):  # sums of hundreds of frames
            durations = durations.float()
            ends = durations.cumsum(dim=1)
            middles = torch.arange(frame_mask.shape[2], device=hidden.device) + 0.5
        starts = ends - durations
        behind = middles[:, None] - starts[:, None, :]  # S, [B, T, L]
        before = ends[:, None, :] - middles[:, None]  # E, [B, T, L]
        outside = F.relu(-behind) + F.relu(-before)

        scores = self.weighing(hidden, token_mask, starts, ends, middles)
        scores = scores - self.guide[:, None, None] * outside[:, None]
        weights = scores.masked_fill(token_mask.unsqueeze(1) == 0, MASKED_SCORE).softmax(dim=3)
        contexts = self.contexts(hidden, token_mask, starts, ends, middles)

        x = self._mixed(weights, hidden)
        x = x + self.of_contexts(torch.einsum("bqtl,bptl->btqp", weights, contexts).flatten(2))
        x = self.norm(x.transpose(1, 2)) * frame_mask
        mean, log_std = (self.output(x) * frame_mask).chunk(2, dim=1)
        return FramePrior(mean, bounded(log_std, self.log_std_bounds) * frame_mask, weights)

    def _mixed(self, weights: Tensor, hidden: Tensor) -> Tensor:
        """Each head's weighted sum of the phonemes, all heads projected together: [B, T, d_hidden].

        The phonemes are projected first, for there are fewer of them than frames.
        """
        b, q, n_frames, n_tokens = weights.shape
        projection = self.of_phonemes.weight.view(-1, q, hidden.shape[1])  # [d_hidden, Q, C]
        projected = torch.einsum("dqc,bcl->bqld", projection, hidden).reshape(b, q * n_tokens, -1)
        mixed = weights.transpose(1, 2).reshape(b, n_frames, q * n_tokens) @ projected
        return mixed + self.of_phonemes.bias


class _PairPerceptron(nn.Module):
    """Three layers over every pair of a frame and a phoneme: features of the phoneme, and S and E.

    The first layer is linear in S and E, hence in the frame's place: a part for the phoneme and a part for the frame
    are added, and no tensor of all inputs to all pairs is made.
    """

    def __init__(self, cfg: UpsamplingConfig, d_hidden: int, d_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(d_hidden, cfg.d_features, cfg.kernel, padding=same_padding(cfg.kernel))
        self.dropout = nn.Dropout(cfg.dropout)
        self.norm = ChannelNorm(cfg.d_features)
        self.input = nn.Linear(2 + cfg.d_features, d_out)
        self.middle = nn.Linear(d_out, d_out)
        self.output = nn.Linear(d_out, d_out)

    def forward(self, hidden: Tensor, token_mask: Tensor, starts: Tensor, ends: Tensor, middles: Tensor) -> Tensor:
        """starts, ends: [B, L], in frames; middles: [T]. Returns [B, d_out, T, L]."""
        features = self.norm(self.dropout(F.silu(self.conv(hidden * token_mask))))  # [B, d_features, L]
        of_behind, of_before = self.input.weight[:, 0] / DISTANCE_UNIT, self.input.weight[:, 1] / DISTANCE_UNIT
        of_phoneme = F.linear(features.transpose(1, 2), self.input.weight[:, 2:], self.input.bias).transpose(1, 2)
        of_phoneme = of_phoneme - of_behind[:, None] * starts[:, None] + of_before[:, None] * ends[:, None]
        of_frame = (of_behind - of_before)[:, None] * middles
        x = F.silu(of_phoneme.unsqueeze(2) + of_frame.unsqueeze(2).unsqueeze(0))
        x = F.silu(_over_channels(self.middle, x))
        return _over_channels(self.output, x)


def _over_channels(linear: nn.Linear, x: Tensor) -> Tensor:
    """[B, C, T, L] -> [B, D, T, L]."""
    y: Tensor = linear.weight @ x.flatten(2) + linear.bias[:, None]
    return y.view(*y.shape[:2], *x.shape[2:])
