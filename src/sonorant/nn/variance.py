"""Curves that a voice draws over speech, such as its pitch and its energy: predicted, and given back to the network.

FastSpeech 2 (Ren et al. 2021, arXiv:2006.04558, section 2.3). A curve is counted in deviations from its speaker's mean.

B batch, C channels, T positions: frames, or tokens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_above_zero, check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.conv import ChannelNorm, same_padding
from sonorant.nn.wavelet import N_SCALES, inverse_transform, mean_and_std, wavelet_transform


@config
class PredictorConfig:
    d_filter: int = 256
    kernel: int = 3
    n_layers: int = 2
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_at_least(1, self, "d_filter", "n_layers")
        check_odd(self, "kernel")
        check_share(self, "dropout")


@config
class BinsConfig:
    """A curve's value becomes one of so many learned vectors."""

    kind: Literal["bins"] = "bins"
    n_bins: int = 256
    reach: float = 4.0
    """The outermost bins lie so many deviations from the mean."""

    def __post_init__(self) -> None:
        check_at_least(2, self, "n_bins")
        check_above_zero(self, "reach")


@config
class CurveConfig:
    """A curve goes through a convolution: between two values lies what is between them."""

    kind: Literal["curve"] = "curve"
    kernel: int = 9

    def __post_init__(self) -> None:
        check_odd(self, "kernel")


EmbeddingConfig = BinsConfig | CurveConfig


@config
class DirectConfig:
    """The predictor says the curve itself."""

    kind: Literal["direct"] = "direct"
    predictor: PredictorConfig = PredictorConfig()
    embedding: EmbeddingConfig = CurveConfig()


@config
class WaveletConfig:
    """The predictor says the curve's wavelet transform, and another its mean and deviation in this utterance."""

    kind: Literal["wavelet"] = "wavelet"
    predictor: PredictorConfig = PredictorConfig()
    embedding: EmbeddingConfig = BinsConfig()
    std_scale: float = 1.0
    """Below 1 the predicted curve is flatter; public code has 0.8."""

    def __post_init__(self) -> None:
        check_above_zero(self, "std_scale")


ContourConfig = DirectConfig | WaveletConfig


@dataclass(frozen=True)
class Contour:
    """A curve. value is counted in deviations from the speaker's mean, and goes on where there is nothing."""

    value: Tensor  # [B, 1, T]
    present: Tensor  # [B, 1, T], 1 where there is something, as voice for pitch; else 0


@dataclass(frozen=True)
class ContourLoss:
    """How far a prediction is from a curve."""

    curve: Tensor  # [B], summed over positions
    presence: Tensor  # [B], summed over positions
    statistics: Tensor  # [B]; 0 where a curve is predicted as it is, or is nowhere


class VariancePredictor(nn.Module):
    """Convolutions, each with its ReLU, norm and dropout, and a projection (FastSpeech 2, figure 1c)."""

    def __init__(self, cfg: PredictorConfig, d_hidden: int, d_out: int, d_cond: int = 0) -> None:
        super().__init__()
        widths = [d_hidden] + [cfg.d_filter] * cfg.n_layers
        self.condition = nn.Conv1d(d_cond, d_hidden, 1) if d_cond else None
        self.convs = nn.ModuleList(
            nn.Conv1d(d_in, d, cfg.kernel, padding=same_padding(cfg.kernel)) for d_in, d in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(ChannelNorm(d) for d in widths[1:])
        self.output = nn.Conv1d(widths[-1], d_out, 1)
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """hidden: [B, d_hidden, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, d_out, T]."""
        x = hidden
        if self.condition is not None:
            assert speaker is not None, "conditioned on a speaker, but none was given"
            x = x + self.condition(speaker)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = self.dropout(norm(F.relu(conv(x * mask))))
        y: Tensor = self.output(x) * mask
        return y


class ContourEmbedding(nn.Module):
    """What a curve adds to the positions it lies over. Where there is nothing, its value is not looked at."""

    def __init__(self, cfg: EmbeddingConfig, d: int) -> None:
        super().__init__()
        self.cfg = cfg
        match cfg:
            case BinsConfig():  # the first is for nothing
                self.bins: nn.Module = nn.Embedding(cfg.n_bins + 1, d)
                nn.init.normal_(self.bins.weight, 0.0, d**-0.5)
            case CurveConfig():
                self.curve = nn.Conv1d(2, d, cfg.kernel, padding=same_padding(cfg.kernel))

    def told_apart(self, contour: Contour) -> Contour:
        """A curve as far as it is: beyond the outermost bins one value is as another."""
        if isinstance(self.cfg, CurveConfig):
            return contour
        return replace(contour, value=contour.value.clamp(-self.cfg.reach, self.cfg.reach))

    def forward(self, contour: Contour, mask: Tensor) -> Tensor:
        """mask: [B, 1, T]. Returns [B, d, T]."""
        y: Tensor
        match self.cfg:
            case BinsConfig(n_bins=n, reach=reach):
                place = ((contour.value / reach + 1) / 2 * (n - 1)).round().clamp(0, n - 1).long() + 1
                y = self.bins(torch.where(contour.present > 0, place, 0).squeeze(1)).transpose(1, 2)
            case CurveConfig():
                y = self.curve(torch.cat((contour.value * contour.present, contour.present), dim=1) * mask)
        return y * mask


class DirectContour(nn.Module):
    """A curve and, if it can have gaps, where it is."""

    def __init__(self, cfg: DirectConfig, d_hidden: int, d_cond: int = 0, *, has_gaps: bool) -> None:
        super().__init__()
        self.has_gaps = has_gaps
        self.predictor = VariancePredictor(cfg.predictor, d_hidden, 1 + has_gaps, d_cond)
        self.embedding = ContourEmbedding(cfg.embedding, d_hidden)

    def loss(self, hidden: Tensor, mask: Tensor, target: Contour, speaker: Tensor | None = None) -> ContourLoss:
        """hidden: [B, d_hidden, T]; mask: [B, 1, T]."""
        said = self.predictor(hidden, mask, speaker).float()
        curve = ((said[:, :1] - target.value) ** 2 * mask).sum(dim=(1, 2))
        presence = torch.zeros_like(curve)
        if self.has_gaps:
            presence = _presence_loss(said[:, 1:], target.present, mask)
        return ContourLoss(curve, presence, torch.zeros_like(curve))

    def predict(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Contour:
        """The curve that suits the positions."""
        said = self.predictor(hidden, mask, speaker)
        present = (said[:, 1:] > 0).to(mask) * mask if self.has_gaps else mask
        return Contour(said[:, :1], present)


class WaveletContour(nn.Module):
    """A curve with gaps, by its wavelet transform at ten scales, its mean and its deviation."""

    def __init__(self, cfg: WaveletConfig, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        self.cfg = cfg
        self.predictor = VariancePredictor(cfg.predictor, d_hidden, N_SCALES + 1, d_cond)
        self.statistics = nn.Sequential(
            nn.Linear(d_hidden, d_hidden), nn.ReLU(), nn.Linear(d_hidden, d_hidden), nn.ReLU(), nn.Linear(d_hidden, 2)
        )
        self.embedding = ContourEmbedding(cfg.embedding, d_hidden)

    def loss(self, hidden: Tensor, mask: Tensor, target: Contour, speaker: Tensor | None = None) -> ContourLoss:
        """hidden: [B, d_hidden, T]; mask: [B, 1, T]."""
        said = self.predictor(hidden, mask, speaker).float()
        mean, std = mean_and_std(target.value, mask)
        transformed = wavelet_transform((target.value - mean) / std * mask, mask)
        curve = ((said[:, :N_SCALES] - transformed) ** 2 * mask).mean(dim=1).sum(dim=1)
        of_utterance = torch.cat((mean, std.log()), dim=1).squeeze(2)
        has_any = (target.present * mask).amax(dim=(1, 2))  # of what is nowhere there is neither mean nor deviation
        statistics = ((self._statistics(hidden, mask).float() - of_utterance) ** 2).sum(dim=1) * has_any
        return ContourLoss(curve, _presence_loss(said[:, N_SCALES:], target.present, mask), statistics)

    def predict(self, hidden: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Contour:
        """The curve that suits the positions."""
        said = self.predictor(hidden, mask, speaker)
        mean, log_std = self._statistics(hidden, mask).unsqueeze(2).chunk(2, dim=1)
        shape = inverse_transform(said[:, :N_SCALES], mask)
        value = (shape * log_std.exp() * self.cfg.std_scale + mean) * mask
        return Contour(value, (said[:, N_SCALES:] > 0).to(mask) * mask)

    def _statistics(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Mean and log-deviation of the utterance's curve: [B, 2]."""
        mean = (hidden * mask).sum(dim=2) / mask.sum(dim=2).clamp(min=1)
        y: Tensor = self.statistics(mean)
        return y


def build_contour(
    cfg: ContourConfig, d_hidden: int, d_cond: int, *, has_gaps: bool = True
) -> DirectContour | WaveletContour:
    """The part a configuration names."""
    match cfg:
        case DirectConfig():
            return DirectContour(cfg, d_hidden, d_cond, has_gaps=has_gaps)
        case WaveletConfig():
            return WaveletContour(cfg, d_hidden, d_cond)


def bridged(value: Tensor, present: Tensor) -> Tensor:
    """A curve with its gaps bridged by straight lines, and its ends prolonged; 0 where there is nothing at all.

    value, present: [B, 1, T]. Returns [B, 1, T].
    """
    n = value.shape[2]
    place = torch.arange(n, device=value.device).expand_as(value)
    before = torch.where(present > 0, place, -1).cummax(dim=2).values
    after = torch.where(present > 0, place, n).flip(2).cummin(dim=2).values.flip(2)
    has_before, has_after = before >= 0, after < n
    left, right = torch.where(has_before, before, after), torch.where(has_after, after, before)
    left, right = left.clamp(0, n - 1), right.clamp(0, n - 1)
    low, high = value.gather(2, left), value.gather(2, right)
    way = (place - left) / (right - left).clamp(min=1)
    return torch.where(has_before | has_after, low + (high - low) * way, 0.0)


def averaged(contour: Contour, path: Tensor) -> Contour:
    """A curve over frames as one over tokens: the mean of what is there, the curve itself where nothing is.

    contour: [B, 1, T]; path: [B, L, T], 1 where a frame belongs to a token. A token has a value if most of it has.
    """
    with torch.autocast(path.device.type, enabled=False):  # counts and sums are more than half precision holds
        value, is_there, of_token = contour.value.float(), contour.present.float(), path.float().transpose(1, 2)
        frames = (torch.ones_like(value) @ of_token).clamp(min=1)
        present = is_there @ of_token
        mean = torch.where(
            present > 0,
            (value * is_there) @ of_token / present.clamp(min=1),
            value @ of_token / frames,
        )
    return Contour(mean, (2 * present >= frames).to(mean))


def _presence_loss(logit: Tensor, present: Tensor, mask: Tensor) -> Tensor:
    loss = F.binary_cross_entropy_with_logits(logit.float(), present.float(), reduction="none")
    return (loss * mask).sum(dim=(1, 2))
