"""How many frames each token lasts: a deterministic and a stochastic predictor (VITS, 2.2.2 and appendix B.1).

B batch, C channels, L tokens.

Both predictors have the same two methods, `loss` and `log_duration`, and both detach what they are given:
no gradient of theirs reaches the text encoder or the speaker table. `d_noise` says how many channels of standard
normal noise they take per token; the deterministic one takes none.
"""

from __future__ import annotations

import math
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_above_zero, check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.conv import ChannelNorm, DepthSeparableConvs, same_padding
from sonorant.nn.spline import MIN_BIN, inverse_spline, knots, spline


@config
class DurationConfig:
    kind: Literal["deterministic"] = "deterministic"
    d_filter: int = 256
    kernel: int = 3
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_filter")
        check_odd(self, "kernel")
        check_share(self, "dropout")


@config
class StochasticDurationConfig:
    kind: Literal["stochastic"] = "stochastic"
    kernel: int = 3
    dropout: float = 0.5
    n_layers: int = 3
    """Layers of each depth-separable stack."""
    n_couplings: int = 4
    n_bins: int = 10
    bound: float = 5.0
    """The splines bend inside [-bound, bound] and are the identity outside."""

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_layers", "n_couplings", "n_bins")
        check_odd(self, "kernel")
        check_share(self, "dropout")
        if self.n_bins * MIN_BIN >= 1:
            raise ValueError(f"n_bins is {self.n_bins}: it must be below {1 / MIN_BIN:g}")
        check_above_zero(self, "bound")


class DurationPredictor(nn.Module):
    """Two convolutions to one log-duration per token (the paper's VITS-DDP; FastSpeech 2)."""

    d_noise = 0

    def __init__(self, cfg: DurationConfig, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        padding = same_padding(cfg.kernel)
        self.condition = nn.Conv1d(d_cond, d_hidden, 1) if d_cond else None
        self.conv_1 = nn.Conv1d(d_hidden, cfg.d_filter, cfg.kernel, padding=padding)
        self.norm_1 = ChannelNorm(cfg.d_filter)
        self.conv_2 = nn.Conv1d(cfg.d_filter, cfg.d_filter, cfg.kernel, padding=padding)
        self.norm_2 = ChannelNorm(cfg.d_filter)
        self.output = nn.Conv1d(cfg.d_filter, 1, 1)
        self.dropout = nn.Dropout(cfg.dropout)

    def loss(
        self, hidden: Tensor, mask: Tensor, durations: Tensor, noise: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """The squared error of the log-durations, summed over the tokens of each item.

        hidden: [B, C, L]; mask: [B, 1, L]; durations: int64 [B, L]; noise: [B, 0, L]; speaker: [B, d_cond, 1].
        Returns [B]: divide the sum by the number of tokens.
        """
        target = torch.log(durations.unsqueeze(1).float() + 1e-6) * mask
        error = self.log_duration(hidden, mask, noise, speaker).float() - target
        return error.pow(2).sum(dim=(1, 2))

    def log_duration(self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None = None) -> Tensor:
        """The logarithm of each token's frames.

        hidden: [B, C, L]; mask: [B, 1, L]; noise: [B, 0, L]; speaker: [B, d_cond, 1]. Returns [B, 1, L].
        """
        return self._predict(_conditioned(hidden.detach(), self.condition, speaker), mask)

    def _predict(self, x: Tensor, mask: Tensor) -> Tensor:
        """The layers behind everything that is given: [B, C, L] -> [B, 1, L]."""
        x = self.dropout(self.norm_1(F.relu(self.conv_1(x * mask))))
        x = self.dropout(self.norm_2(F.relu(self.conv_2(x * mask))))
        y: Tensor = self.output(x * mask) * mask
        return y


class StochasticDurationPredictor(nn.Module):
    """A conditional flow over durations, trained by variational dequantization and data augmentation.

    Durations d are whole numbers and one-dimensional. Training draws u in (0, 1), to make d - u continuous, and v, to
    give the flow a second channel, both from a second flow: the posterior q(u, v | d, text).

    The posterior, and the flow's first coupling, are for training only: see `drop_training_parts`.
    """

    d_noise = 2

    def __init__(self, cfg: StochasticDurationConfig, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        d = d_hidden
        self.input = nn.Conv1d(d, d, 1)
        self.condition = nn.Conv1d(d_cond, d, 1) if d_cond else None
        self.convs = DepthSeparableConvs(d, cfg.kernel, cfg.n_layers, cfg.dropout)
        self.output = nn.Conv1d(d, d, 1)
        self.flow = DurationFlow(cfg, d)
        self.posterior: _DurationPosterior | None = _DurationPosterior(cfg, d)

    def drop_training_parts(self) -> None:
        """Give up, for good, what `loss` needs and `log_duration` does not."""
        self.posterior = None
        self.flow.first = None

    def loss(
        self, hidden: Tensor, mask: Tensor, durations: Tensor, noise: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """The negative variational lower bound of each item's log-likelihood, summed over its tokens (eq. 7).

        hidden: [B, C, L]; mask: [B, 1, L]; durations: int64 [B, L], in frames, not their logarithms;
        noise: [B, 2, L]; speaker: [B, d_cond, 1]. Returns [B], which may be negative: densities exceed 1.
        """
        assert self.posterior is not None, "made for inference: there is no duration posterior to train"
        condition = self._condition(hidden, mask, speaker)
        d = durations.unsqueeze(1).float() * mask
        noise = noise.float() * mask

        uv, log_det = self.posterior(noise, d, mask, condition)
        u_raw, v = uv.chunk(2, dim=1)
        log_det = log_det + _total((F.logsigmoid(u_raw) + F.logsigmoid(-u_raw)) * mask)
        log_q = -_total(0.5 * (math.log(2 * math.pi) + noise**2) * mask) - log_det

        log_du = torch.log((d - torch.sigmoid(u_raw)).clamp(min=1e-5)) * mask
        z, log_det = self.flow(torch.cat([log_du, v], dim=1), mask, condition)
        log_p = -_total(0.5 * (math.log(2 * math.pi) + z**2) * mask) + log_det - _total(log_du)
        bound: Tensor = log_q - log_p
        return bound

    def log_duration(self, hidden: Tensor, mask: Tensor, noise: Tensor, speaker: Tensor | None = None) -> Tensor:
        """A draw of the logarithm of each token's frames.

        hidden: [B, C, L]; mask: [B, 1, L]; noise: [B, 2, L], already scaled; speaker: [B, d_cond, 1].
        Returns [B, 1, L].
        """
        return self.flow.reverse(noise.float(), mask, self._condition(hidden, mask, speaker))[:, :1]

    def _condition(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        x = _conditioned(self.input(hidden.detach()), self.condition, speaker)
        y: Tensor = self.output(self.convs(x, mask)) * mask
        return y


class _DurationPosterior(nn.Module):
    """q(u, v | d, text): a flow from noise to (logit of u, v)."""

    def __init__(self, cfg: StochasticDurationConfig, d: int) -> None:
        super().__init__()
        self.input = nn.Conv1d(1, d, 1)
        self.convs = DepthSeparableConvs(d, cfg.kernel, cfg.n_layers, cfg.dropout)
        self.output = nn.Conv1d(d, d, 1)
        self.flow = DurationFlow(cfg, d)

    def forward(self, noise: Tensor, durations: Tensor, mask: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """noise: [B, 2, L]; durations, mask: [B, 1, L]; condition: [B, C, L]. Returns [B, 2, L] and log-det [B]."""
        h = self.output(self.convs(self.input(durations), mask)) * mask
        result: tuple[Tensor, Tensor] = self.flow(noise, mask, condition + h)
        return result


class DurationFlow(nn.Module):
    """An affine map, then couplings each followed by a flip of the two channels.

    Going backwards, the first coupling comes last and bends channel 1; the log-duration is channel 0. So speaking does
    without it, as the official code and every exported voice do.
    """

    def __init__(self, cfg: StochasticDurationConfig, d: int) -> None:
        super().__init__()
        self.affine = ElementwiseAffine(2)
        self.first: SplineCoupling | None = SplineCoupling(cfg, d)
        self.couplings = nn.ModuleList(SplineCoupling(cfg, d) for _ in range(cfg.n_couplings - 1))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """x: [B, 2, L]; mask: [B, 1, L]; condition: [B, C, L]. Returns [B, 2, L] and log-determinant [B]."""
        assert self.first is not None, "made for inference: the first coupling was dropped"
        x, total = self.affine(x, mask)
        for coupling in (self.first, *self.couplings):
            x, log_det = coupling(x, mask, condition)
            x, total = x.flip(1), total + log_det
        return x, total

    def reverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """Undo `forward` in channel 0; channel 1 is left as the first coupling bent it.

        y: [B, 2, L]. Returns [B, 2, L].
        """
        for coupling in reversed(self.couplings):
            y = cast(SplineCoupling, coupling).reverse(y.flip(1), mask, condition)
        return self.affine.reverse(y.flip(1), mask)


class ElementwiseAffine(nn.Module):
    """A learned shift and scale of each channel."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(d, 1))
        self.log_scale = nn.Parameter(torch.zeros(d, 1))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """x: [B, C, L]; mask: [B, 1, L]. Returns [B, C, L] and log-determinant [B]."""
        y = (self.shift + torch.exp(self.log_scale) * x) * mask
        return y, _total(self.log_scale * mask)

    def reverse(self, y: Tensor, mask: Tensor) -> Tensor:
        """Undo `forward`."""
        return (y - self.shift) * torch.exp(-self.log_scale) * mask


class SplineCoupling(nn.Module):
    """Bends the second channel by a spline whose knots depend on the first channel and the condition.

    The last convolution starts at zero: a fresh coupling bends every token in the same gentle way.
    """

    def __init__(self, cfg: StochasticDurationConfig, d: int) -> None:
        super().__init__()
        self.n_bins = cfg.n_bins
        self.bound = cfg.bound
        self.scale = 1 / math.sqrt(d)
        self.input = nn.Conv1d(1, d, 1)
        self.convs = DepthSeparableConvs(d, cfg.kernel, cfg.n_layers)
        self.output = nn.Conv1d(d, 3 * cfg.n_bins - 1, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(cast(Tensor, self.output.bias))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """x: [B, 2, L]; mask: [B, 1, L]; condition: [B, C, L]. Returns [B, 2, L] and log-determinant [B]."""
        fixed, moved = x.chunk(2, dim=1)
        raw = self._raw_knots(fixed, mask, condition)
        y, log_slope = spline(moved, knots(raw, self.n_bins, self.bound, scale=self.scale))
        return torch.cat([fixed, y], dim=1) * mask, _total(log_slope * mask)

    def reverse(self, y: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """Undo `forward`."""
        fixed, moved = y.chunk(2, dim=1)
        raw = self._raw_knots(fixed, mask, condition)
        x = inverse_spline(moved, knots(raw, self.n_bins, self.bound, scale=self.scale))
        return torch.cat([fixed, x], dim=1) * mask

    def _raw_knots(self, fixed: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """[B, 1, L] -> [B, 1, L, 3K-1]."""
        raw: Tensor = self.output(self.convs(self.input(fixed), mask, condition)) * mask
        return raw.transpose(1, 2).unsqueeze(1)


def _conditioned(x: Tensor, condition: nn.Module | None, speaker: Tensor | None) -> Tensor:
    if condition is None:
        return x
    assert speaker is not None, "conditioned on a speaker, but none was given"
    y: Tensor = x + condition(speaker.detach())
    return y


def _total(x: Tensor) -> Tensor:
    """[B, C, L] -> [B]."""
    return x.sum(dim=(1, 2))
