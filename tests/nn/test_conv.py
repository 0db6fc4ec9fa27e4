from __future__ import annotations

import pytest
import torch
from torch import nn

from sonorant.nn.conv import ChannelNorm, DepthSeparableConvs, fold_weight_norm, folded_state, weight_normed
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized


def test_channel_norm_makes_each_position_standard() -> None:
    y = ChannelNorm(64)(3 + 5 * normal(2, 64, 7))
    torch.testing.assert_close(y.mean(dim=1), torch.zeros(2, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std(dim=1, unbiased=False), torch.ones(2, 7), atol=1e-3, rtol=0)


@pytest.mark.parametrize("conv", [nn.Conv1d(4, 6, 3), nn.ConvTranspose1d(4, 6, 4, stride=2)])
def test_folding_weight_norm_changes_no_output(conv: nn.Conv1d | nn.ConvTranspose1d) -> None:
    module = randomized(nn.Sequential(weight_normed(conv)))
    x = normal(2, 4, 9)
    before, folded = module(x), folded_state(module)
    fold_weight_norm(module)
    assert all(torch.equal(value, folded[name]) for name, value in module.state_dict().items())
    assert set(module.state_dict()) == {"0.weight", "0.bias"}
    torch.testing.assert_close(module(x), before)


def test_length_of_a_transposed_weight_is_per_input_channel() -> None:
    conv = weight_normed(nn.ConvTranspose1d(4, 6, 3))
    assert conv.state_dict()["parametrizations.weight.original0"].shape == (4, 1, 1)


def test_padding_is_invisible_to_the_depth_separable_stack() -> None:
    convs = randomized(DepthSeparableConvs(8, 3, 3))
    x, condition = normal(1, 8, 12), normal(1, 8, 12, seed=1)
    alone = convs(x[:, :, :7], torch.ones(1, 1, 7), condition[:, :, :7])
    padded = convs(x, length_mask(torch.tensor([7]), 12), condition)
    torch.testing.assert_close(padded[:, :, :7], alone)
    assert not padded[:, :, 7:].any()
