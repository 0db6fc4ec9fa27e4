"""Convolutional pieces shared by the blocks: channel layer norm, depth-separable stack, weight norm.

B batch, C channels, T positions.
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

AnyConv = TypeVar("AnyConv", nn.Conv1d, nn.ConvTranspose1d)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of [B, C, T], each position on its own."""

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, C, T]. Returns [B, C, T]."""
        normed: Tensor = super().forward(x.transpose(1, 2))
        return normed.transpose(1, 2)


class DepthSeparableConvs(nn.Module):
    """Residual layers of dilated depthwise convolution and 1x1 convolution (VITS, appendix B.1).

    Layer i has dilation kernel**i, so the receptive field grows with the power of the depth.
    """

    def __init__(self, d: int, kernel: int, n_layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_DepthSeparable(d, kernel, kernel**i, dropout) for i in range(n_layers))

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """x, condition: [B, C, T]; mask: [B, 1, T]. The condition is added to the input. Returns [B, C, T]."""
        if condition is not None:
            x = x + condition
        for layer in self.layers:
            x = layer(x, mask)
        return x * mask


class _DepthSeparable(nn.Module):
    def __init__(self, d: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(d, d, kernel, groups=d, dilation=dilation, padding=same_padding(kernel, dilation))
        self.depthwise_norm = ChannelNorm(d)
        self.pointwise = nn.Conv1d(d, d, 1)
        self.pointwise_norm = ChannelNorm(d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]. Returns [B, C, T]."""
        y = F.gelu(self.depthwise_norm(self.depthwise(x * mask)))
        y = F.gelu(self.pointwise_norm(self.pointwise(y)))
        return x + cast(Tensor, self.dropout(y))


def same_padding(kernel: int, dilation: int = 1) -> int:
    """The padding on each side with which an odd, stride-one convolution keeps the length."""
    return dilation * (kernel - 1) // 2


def weight_normed(conv: AnyConv) -> AnyConv:
    """The convolution with its weight split into direction and length (Salimans and Kingma 2016).

    The length is per slice of dimension 0: output channels, but *input* channels of a transposed convolution.
    """
    normed: AnyConv = weight_norm(conv)
    return normed


def fold_weight_norm(module: nn.Module) -> None:
    """Replace, in place, every weight-normed weight inside the module by its product, for inference.

    The outputs are unchanged; the weights are no longer recomputed at every pass.
    Never fold a deep copy: torch gives copies of a parametrized module one class with the original, which would break.
    """
    for part in module.modules():
        if parametrize.is_parametrized(part, "weight"):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)


def folded_state(module: nn.Module) -> dict[str, Tensor]:
    """The state the module would have if its weight norm were folded; the module itself is not changed."""
    state: dict[str, Tensor] = {
        name: value for name, value in module.state_dict().items() if ".parametrizations." not in name
    }
    for name, part in module.named_modules():
        if parametrize.is_parametrized(part, "weight"):
            state[f"{name}.weight"] = cast(Tensor, part.weight).detach()
    return state


def widen(module: nn.Module) -> nn.Module:
    """The module with each convolution over [B, C, T] replaced by the same one over [B, C, 1, T], channels-last.

    For inference: weights become plain tensors of another shape, taken from the module, which is changed in place.
    """
    if isinstance(module, nn.ConvTranspose1d):
        return _widened(module, nn.ConvTranspose2d)
    if isinstance(module, nn.Conv1d):
        return _widened(module, nn.Conv2d)
    for name, part in list(module.named_children()):
        setattr(module, name, widen(part))
    return module


def _widened(conv: AnyConv, kind: type[nn.Conv2d] | type[nn.ConvTranspose2d]) -> nn.Module:
    assert not parametrize.is_parametrized(conv), "fold weight norm first"
    assert isinstance(conv.padding, tuple), "the padding must be a number of positions"
    wide = kind(
        conv.in_channels,
        conv.out_channels,
        (1, conv.kernel_size[0]),
        stride=(1, conv.stride[0]),
        padding=(0, conv.padding[0]),
        dilation=(1, conv.dilation[0]),
        bias=conv.bias is not None,
        device="meta",
    )
    weight = conv.weight.detach().unsqueeze(2).contiguous(memory_format=torch.channels_last)
    wide.weight = nn.Parameter(weight, requires_grad=False)
    if conv.bias is not None:
        wide.bias = nn.Parameter(conv.bias.detach(), requires_grad=False)
    return wide
