from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.nn.conv import weight_normed
from sonorant.nn.conv_cpu import activated_conv, by_position, conv_by_columns, conv_by_phases, conv_of_activated
from tests.nn.random_weights import normal, randomized

SLOPE = 0.1
COLUMN_CONVS = [
    ({"in_channels": 6, "out_channels": 4, "kernel_size": 5, "stride": 3, "padding": 2}, 20),
    ({"in_channels": 6, "out_channels": 4, "kernel_size": 5, "stride": 3, "padding": 2}, 1),
    ({"in_channels": 3, "out_channels": 8, "kernel_size": 5, "stride": 1, "padding": 2}, 9),
    ({"in_channels": 3, "out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 0}, 8),
    ({"in_channels": 5, "out_channels": 7, "kernel_size": 1, "stride": 1, "padding": 0}, 6),
]
PHASE_CONVS = [
    ({"in_channels": 4, "out_channels": 16, "kernel_size": 41, "stride": 4, "padding": 20, "groups": 1}, 128),
    ({"in_channels": 8, "out_channels": 32, "kernel_size": 41, "stride": 4, "padding": 20, "groups": 2}, 131),
    ({"in_channels": 16, "out_channels": 16, "kernel_size": 41, "stride": 4, "padding": 20, "groups": 4}, 17),
    ({"in_channels": 6, "out_channels": 6, "kernel_size": 5, "stride": 3, "padding": 2, "groups": 3}, 22),
    ({"in_channels": 8, "out_channels": 8, "kernel_size": 3, "stride": 3, "padding": 0, "groups": 8}, 30),
]


def results(conv: nn.Conv1d, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The output and every gradient, from a random gradient of the output."""
    names = ["x", *dict(conv.named_parameters())]
    gradients = torch.autograd.grad(y, [x, *conv.parameters()], normal(*y.shape, seed=3, dtype=y.dtype))
    return {"y": y.detach(), **dict(zip(names, gradients, strict=True))}


def weight_normed_conv(shape: dict[str, int]) -> nn.Conv1d:
    return randomized(weight_normed(nn.Conv1d(**shape)), scale=0.3).double()  # type: ignore[arg-type]


@pytest.mark.parametrize(("shape", "n"), COLUMN_CONVS)
def test_columns_give_the_convolution_and_its_gradients(shape: dict[str, int], n: int) -> None:
    conv = weight_normed_conv(shape)
    x = normal(3, conv.in_channels, n, dtype=torch.double).requires_grad_()
    expected = results(conv, x, F.leaky_relu(conv(x), SLOPE))
    torch.testing.assert_close(results(conv, x, conv_by_columns(conv, x, SLOPE)), expected)


@pytest.mark.parametrize(("shape", "n"), PHASE_CONVS)
def test_phases_give_the_convolution_and_its_gradients(shape: dict[str, int], n: int) -> None:
    conv = weight_normed_conv(shape)
    x = normal(3, conv.in_channels, n, dtype=torch.double).requires_grad_()
    torch.testing.assert_close(results(conv, x, conv_by_phases(conv, x)), results(conv, x, conv(x)))


def test_columns_of_what_no_contiguous_memory_holds() -> None:
    """A layer takes what another gave, and gives gradients, in whatever order they lie in memory."""
    first, second = weight_normed_conv(COLUMN_CONVS[0][0]), weight_normed_conv(COLUMN_CONVS[2][0] | {"in_channels": 4})
    x = normal(3, 6, 20, dtype=torch.double).requires_grad_()
    weights = [*first.parameters(), *second.parameters()]
    y = conv_by_columns(second, conv_by_columns(first, x, SLOPE), SLOPE)
    expected = F.leaky_relu(second(F.leaky_relu(first(x), SLOPE)), SLOPE)
    gradient = normal(20, 8, 3, dtype=torch.double)[: y.shape[2]].permute(2, 1, 0)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(
        torch.autograd.grad(y, [x, *weights], gradient), torch.autograd.grad(expected, [x, *weights], gradient)
    )


def test_frozen_weights_get_no_gradient_and_pass_it_on() -> None:
    conv = weight_normed_conv(COLUMN_CONVS[0][0]).requires_grad_(False)
    x = normal(2, 6, 20, dtype=torch.double).requires_grad_()
    (found,) = torch.autograd.grad(conv_by_columns(conv, x, SLOPE).sum(), x)
    (expected,) = torch.autograd.grad(F.leaky_relu(conv(x), SLOPE).sum(), x)
    torch.testing.assert_close(found, expected)
    with torch.no_grad():
        assert not conv_by_columns(conv, x, SLOPE).requires_grad


@pytest.mark.parametrize("frozen", ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"])
def test_one_frozen_weight_stops_no_other(frozen: str) -> None:
    conv = weight_normed_conv(COLUMN_CONVS[0][0])
    conv.get_parameter(frozen).requires_grad_(False)
    learning = [parameter for parameter in conv.parameters() if parameter.requires_grad]
    x = normal(2, 6, 20, dtype=torch.double)
    found = torch.autograd.grad(conv_by_columns(conv, x, SLOPE).square().sum(), learning)
    expected = torch.autograd.grad(F.leaky_relu(conv(x), SLOPE).square().sum(), learning)
    torch.testing.assert_close(found, expected)


CHOSEN = [
    {"in_channels": 512, "out_channels": 4, "kernel_size": 5, "stride": 3, "padding": 2},
    {"in_channels": 8, "out_channels": 32, "kernel_size": 41, "stride": 4, "padding": 20, "groups": 2},
    {"in_channels": 1, "out_channels": 4, "kernel_size": 15, "padding": 7},
]


@pytest.mark.parametrize("shape", CHOSEN)
def test_the_way_chosen_changes_nothing(shape: dict[str, int]) -> None:
    conv = weight_normed_conv(shape)
    x = normal(2, conv.in_channels, 40, dtype=torch.double).requires_grad_()
    expected = results(conv, x, F.leaky_relu(conv(x), SLOPE))
    torch.testing.assert_close(results(conv, x, activated_conv(conv, x, SLOPE)), expected)


@pytest.mark.parametrize("shape", CHOSEN)
def test_autocast_is_honoured(shape: dict[str, int]) -> None:
    conv = weight_normed_conv(shape).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert activated_conv(conv, normal(2, conv.in_channels, 40), SLOPE).dtype == torch.bfloat16


KEEPING_CONVS = [
    ({"in_channels": 6, "out_channels": 4, "kernel_size": 5, "padding": 2}, 20),
    ({"in_channels": 4, "out_channels": 4, "kernel_size": 7, "padding": 9, "dilation": 3}, 5),
    ({"in_channels": 1, "out_channels": 3, "kernel_size": 1, "padding": 0}, 1),
]


@pytest.mark.parametrize(("shape", "n"), KEEPING_CONVS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_convolution_of_the_activated_is_one_whatever_the_layout(shape: dict[str, int], n: int, turned: bool) -> None:
    conv = weight_normed_conv(shape)
    x = normal(3, conv.in_channels, n, dtype=torch.double).requires_grad_()
    expected = results(conv, x, conv(F.leaky_relu(x, SLOPE)))
    y = conv_of_activated(conv, by_position(x) if turned else x, SLOPE)
    torch.testing.assert_close(results(conv, x, y), expected)


def test_a_frozen_convolution_of_the_activated_passes_its_gradient_on() -> None:
    conv = weight_normed_conv(KEEPING_CONVS[0][0]).requires_grad_(False)
    x = normal(2, 6, 20, dtype=torch.double).requires_grad_()
    (found,) = torch.autograd.grad(conv_of_activated(conv, x, SLOPE).sum(), x)
    (expected,) = torch.autograd.grad(conv(F.leaky_relu(x, SLOPE)).sum(), x)
    torch.testing.assert_close(found, expected)
    with torch.no_grad():
        assert torch.equal(conv_of_activated(conv, x, SLOPE), conv(F.leaky_relu(x, SLOPE)))


def test_autocast_is_honoured_by_the_convolution_of_the_activated() -> None:
    conv = weight_normed_conv(KEEPING_CONVS[0][0]).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv_of_activated(conv, by_position(normal(2, 6, 20)), SLOPE).dtype == torch.bfloat16
