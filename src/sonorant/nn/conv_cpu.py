"""Convolutions for training on a CPU: the same functions, in forms that run closer to the speed of matrix products.

B batch, C channels in, O channels out, K taps of a kernel, S stride, T positions, T' positions out.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

COLUMNS_FROM = 512
"""Channels in, and out, from which a product with columns is faster than torch's own convolution."""
GROUP_WIDTH = 8
"""Channels out of a group below which torch's own grouped convolution does not use the CPU's vectors."""


def activated_conv(conv: nn.Conv1d, x: Tensor, slope: float) -> Tensor:
    """The leaky ReLU of a weight-normed convolution.

    On a CPU in full precision by whichever way is fastest there; elsewhere by torch's own.
    x: [B, C, T]. Returns [B, O, T'].
    """
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        y = conv(x)
    elif conv.groups == 1 and min(conv.in_channels, conv.out_channels) >= COLUMNS_FROM:
        return conv_by_columns(conv, x, slope)
    elif conv.groups > 1 and conv.stride[0] > 1:
        y = conv_by_phases(conv, x)
    else:
        y = conv(x)
    return F.leaky_relu(y, slope, inplace=True)


def conv_by_columns(conv: nn.Conv1d, x: Tensor, slope: float) -> Tensor:
    """The leaky ReLU of a weight-normed convolution, as one matrix product; for many channels.

    Neither the columns nor the normed weight are kept for the gradient. Without groups and dilation only.
    x: [B, C, T]. Returns [B, O, T'].
    """
    assert conv.groups == 1
    assert conv.dilation == (1,)
    weight = cast(Any, conv).parametrizations.weight
    length, direction = weight.original0, weight.original1
    y: Tensor = _ConvByColumns.apply(x, direction, length, conv.bias, conv.stride[0], conv.padding[0], slope)
    return y


class _ConvByColumns(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, direction: Tensor, length: Tensor, bias: Tensor, stride: int, padding: int, slope: float
    ) -> Tensor:
        matrix = direction.flatten(1)  # [O, C * K]
        norm = torch.linalg.vector_norm(matrix, dim=1, keepdim=True)
        columns = _columns(x, direction.shape[2], stride, padding)
        # The weight is (length / norm) * direction; that factor is as well put on the output, which is smaller.
        y = (matrix @ columns).mul_(length.flatten(1) / norm).add_(bias.unsqueeze(1))
        F.leaky_relu(y, slope, inplace=True)
        ctx.save_for_backward(x, direction, length, bias, norm, y)
        ctx.stride, ctx.padding, ctx.slope = stride, padding, slope
        return y.view(y.shape[0], x.shape[0], -1).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, direction, length, bias, norm, y = ctx.saved_tensors
        matrix, length = direction.flatten(1), length.flatten(1)
        is_positive = y > 0
        grad = grad.transpose(0, 1).reshape(y.shape)
        grad = torch.where(is_positive, grad, ctx.slope * grad)
        scaled = grad * (length / norm)
        of_x = of_direction = of_length = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _add_columns(matrix.T @ scaled, x.shape, direction.shape[2], ctx.stride, ctx.padding)
        if any(ctx.needs_input_grad[1:4]):
            of_bias = grad.sum(dim=1)
            # What the convolution gave before bias and leaky ReLU, both undone.
            product = torch.where(is_positive, y, y / ctx.slope) - bias.unsqueeze(1)
            of_length = (grad * product).sum(dim=1, keepdim=True) / length
            of_direction = scaled @ _columns(x, direction.shape[2], ctx.stride, ctx.padding).T
            # Only what turns the direction changes the weight, not what stretches it.
            of_direction.addcmul_(matrix, of_length * length / norm**2, value=-1)
            of_direction, of_length = of_direction.view(direction.shape), of_length.unsqueeze(2)
        return of_x, of_direction, of_length, of_bias, None, None, None


def _columns(x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """What each output position looks at. x: [B, C, T]. Returns [C * K, B * T']."""
    windows = F.pad(x, (padding, padding)).unfold(2, kernel, stride)  # [B, C, T', K]
    return windows.permute(1, 3, 0, 2).reshape(x.shape[1] * kernel, -1)


def _add_columns(columns: Tensor, shape: torch.Size, kernel: int, stride: int, padding: int) -> Tensor:
    """The transpose of `_columns`: each position gets the sum of all that looked at it. Returns [B, C, T], `shape`."""
    b, c, t = shape
    taps = columns.view(c, kernel, b, -1)
    x = columns.new_zeros(c, b, t + 2 * padding)
    reach = stride * (taps.shape[3] - 1) + 1
    for k in range(kernel):
        x[:, :, k : k + reach : stride] += taps[:, k]
    return x[:, :, padding : padding + t].transpose(0, 1)


def conv_by_phases(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """A strided convolution as one of stride one over the S phases of its input; for narrow groups.

    With S times the channels and an S-th of the taps, a group is wide enough for the CPU's vectors. Groups of fewer
    than GROUP_WIDTH channels out are joined, with zeros for what they do not see of each other.
    x: [B, C, T]. Returns [B, O, T'].
    """
    assert conv.dilation == (1,)
    b, c, t = x.shape
    stride, padding, groups, kernel = conv.stride[0], int(conv.padding[0]), conv.groups, conv.kernel_size[0]
    n_out, n_taps = (t + 2 * padding - kernel) // stride + 1, -(-kernel // stride)
    n = n_out + n_taps - 1
    phases = F.pad(x, (padding, n * stride - padding - t)).view(b, c, n, stride).transpose(2, 3).flatten(1, 2)
    weight = F.pad(conv.weight, (0, n_taps * stride - kernel))
    weight = weight.view(conv.out_channels, -1, n_taps, stride).transpose(2, 3).flatten(1, 2)
    d_group = conv.out_channels // groups
    joined = min(groups, -(-GROUP_WIDTH // d_group))
    if groups % joined == 0 and joined > 1:
        groups //= joined
        own = torch.eye(joined, dtype=weight.dtype, device=weight.device)[:, None, :, None, None]
        weight = weight.view(groups, joined, d_group, 1, -1, n_taps) * own
        weight = weight.view(conv.out_channels, -1, n_taps)
    return F.conv1d(phases, weight, conv.bias, groups=groups)


def by_position(x: Tensor) -> Tensor:
    """The same x, [B, C, T], with a position's channels beside each other in memory if `conv_of_activated` wants so."""
    return x.transpose(1, 2).contiguous().transpose(1, 2) if _learns_on_cpu(x) else x


def conv_of_activated(conv: nn.Conv1d, x: Tensor, slope: float) -> Tensor:
    """A convolution of the leaky ReLU of x; for few channels over many positions, with stride one and length kept.

    Where gradients are wanted, on a CPU in full precision, its result lies in memory as `by_position` has it: torch's
    convolutions of few channels are up to three times as fast so. For the gradient it keeps x, not its leaky ReLU.
    x: [B, C, T]. Returns [B, O, T].
    """
    y: Tensor
    if _learns_on_cpu(x):
        assert conv.groups == 1
        assert conv.stride == (1,)
        y = _ConvByPosition.apply(x, conv.weight, conv.bias, conv.dilation[0], slope)
    else:
        y = conv(F.leaky_relu(x, slope))
    return y


def _learns_on_cpu(x: Tensor) -> bool:
    return torch.is_grad_enabled() and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


class _ConvByPosition(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, dilation: int, slope: float) -> Tensor:
        padding = dilation * (weight.shape[2] - 1) // 2
        ctx.save_for_backward(x, weight)
        ctx.dilation, ctx.padding, ctx.slope = dilation, padding, slope
        wide = F.leaky_relu(_wide(x), slope)
        return F.conv2d(wide, _wide(weight), bias, padding=(0, padding), dilation=(1, dilation)).squeeze(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = _wide(grad)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            wide = _wide(x)
            of_x, _, _ = torch.ops.aten.convolution_backward(
                grad,
                wide,
                _wide(weight),
                None,
                (1, 1),
                (0, ctx.padding),
                (1, ctx.dilation),
                False,
                (0, 0),
                1,
                (True, False, False),
            )
            of_x = torch.ops.aten.leaky_relu_backward(of_x, wide, ctx.slope, False).squeeze(2)
        rows = grad.squeeze(2).transpose(1, 2)  # [B, T, O]
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(rows, x.transpose(1, 2), weight, ctx.dilation, ctx.padding, ctx.slope)
        if ctx.needs_input_grad[2]:
            of_bias = rows.sum(dim=(0, 1))
        return of_x, of_weight, of_bias, None, None


def _wide(x: Tensor) -> Tensor:
    """[B, C, T] -> [B, C, 1, T], channels last in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _of_weight(grad: Tensor, x: Tensor, weight: Tensor, dilation: int, padding: int, slope: float) -> Tensor:
    """The weight's gradient, one matrix product over all items for each tap. grad: [B, T, O]; x: [B, T, C]."""
    # Items one after another, with zeros between: what a tap sees beyond an item's end is multiplied by zero.
    activated = F.leaky_relu_(F.pad(x, (0, 0, padding, padding)), slope).flatten(0, 1)
    grad = F.pad(grad, (0, 0, 0, 2 * padding)).flatten(0, 1)
    n = len(grad) - 2 * padding
    turned = grad[:n].T
    taps = weight.new_empty(weight.shape[2], weight.shape[0], weight.shape[1])
    for tap, into in enumerate(taps):
        torch.mm(turned, activated[tap * dilation : tap * dilation + n], out=into)
    return taps.permute(1, 2, 0)
