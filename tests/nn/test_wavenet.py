from __future__ import annotations

import pytest
import torch

from sonorant.nn.mask import length_mask
from sonorant.nn.wavenet import WaveNet, WaveNetConfig
from tests.nn.random_weights import normal, randomized


@pytest.mark.parametrize("dilation_rate", [1, 2])
def test_padding_is_invisible(dilation_rate: int) -> None:
    net = randomized(WaveNet(WaveNetConfig(n_layers=3, dilation_rate=dilation_rate), 8, 5))
    x, speaker = normal(2, 8, 14), normal(2, 5, 1, seed=1)
    mask = length_mask(torch.tensor([9, 14]), 14)
    alone = net(x[:1, :, :9], torch.ones(1, 1, 9), speaker[:1])
    padded = net(x * mask, mask, speaker)
    torch.testing.assert_close(padded[:1, :, :9], alone)
    assert not padded[0, :, 9:].any()


def test_the_speaker_is_heard() -> None:
    net = randomized(WaveNet(WaveNetConfig(n_layers=2), 8, 5))
    x, mask = normal(1, 8, 6), torch.ones(1, 1, 6)
    assert not torch.allclose(net(x, mask, normal(1, 5, 1)), net(x, mask, normal(1, 5, 1, seed=1)))
