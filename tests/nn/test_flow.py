from __future__ import annotations

import pytest
import torch

from sonorant.nn.flow import FlowConfig, ResidualCoupling, residual_flow
from sonorant.nn.mask import length_mask
from sonorant.nn.wavenet import WaveNetConfig
from tests.nn.random_weights import normal, randomized

CFG = FlowConfig(n_couplings=4, wavenet=WaveNetConfig(n_layers=2))


def test_reverse_undoes_forward() -> None:
    flow = randomized(residual_flow(CFG, 6, 8, 5), scale=0.2)
    mask = length_mask(torch.tensor([9, 12]), 12)
    z, speaker = normal(2, 6, 12) * mask, normal(2, 5, 1, seed=1)
    z_p = flow(z, mask, speaker)
    assert not torch.allclose(z_p, z, atol=0.1)
    torch.testing.assert_close(flow.reverse(z_p, mask, speaker), z, atol=1e-5, rtol=1e-5)


def test_a_fresh_flow_is_the_identity() -> None:
    z, mask = normal(1, 6, 9), torch.ones(1, 1, 9)
    torch.testing.assert_close(residual_flow(CFG, 6, 8)(z, mask), z)


def test_volume_is_preserved() -> None:
    flow = randomized(residual_flow(CFG, 4, 8), scale=0.3).double()
    mask = torch.ones(1, 1, 3, dtype=torch.double)
    z = normal(1, 4, 3, dtype=torch.double)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x, mask), z).view(12, 12)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, torch.zeros((), dtype=torch.double))


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_padding_is_invisible(direction: str) -> None:
    flow = randomized(residual_flow(CFG, 6, 8, 5), scale=0.2)
    run = getattr(flow, direction)
    mask = length_mask(torch.tensor([7, 12]), 12)
    z, speaker = normal(2, 6, 12) * mask, normal(2, 5, 1, seed=1)
    padded = run(z, mask, speaker)
    torch.testing.assert_close(padded[:1, :, :7], run(z[:1, :, :7], torch.ones(1, 1, 7), speaker[:1]))
    assert not padded[0, :, 7:].any()


def test_an_odd_width_has_no_halves() -> None:
    with pytest.raises(ValueError, match="there are 5"):
        ResidualCoupling(WaveNetConfig(n_layers=1), 5, 8)
