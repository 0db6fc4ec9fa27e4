"""Half precision without a GPU: its scaler on a CPU, around a network of one number."""

from __future__ import annotations

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from sonorant.training.optim import NonFiniteError, OptimizerConfig, Player, set_up


class Learned(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.ones(()))

    def forward(self) -> torch.Tensor:
        return 1.0 * self.number


def scaled() -> tuple[Fabric, Player, torch.amp.GradScaler]:
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    fabric = Fabric(accelerator="cpu", devices=1, plugins=MixedPrecision("16-mixed", "cpu", scaler=scaler))
    player = set_up(fabric, "generator", Learned(), OptimizerConfig(learning_rate=0.1, weight_decay=0.0))
    return fabric, player, scaler


def test_the_norm_of_scaled_gradients_is_that_of_the_gradients() -> None:
    fabric, player, _ = scaled()
    fabric.backward(3.0 * player())
    assert player.update(fabric, 0, is_finite=True)["norm/generator"] == pytest.approx(3.0)
    assert float(player.network.number.detach()) == pytest.approx(0.9)


def test_an_overflow_skips_the_step_and_scales_less() -> None:
    fabric, player, scaler = scaled()
    fabric.backward(torch.inf * player())
    player.update(fabric, 0, is_finite=True)
    assert float(player.network.number.detach()) == 1.0
    assert scaler.get_scale() == 512.0


def test_after_a_loss_that_is_not_finite_scaled_training_goes_on() -> None:
    fabric, player, scaler = scaled()
    fabric.backward(torch.nan * player())
    with pytest.raises(NonFiniteError, match="the generator's loss is not finite"):
        player.update(fabric, 0, is_finite=False)
    assert scaler.get_scale() == 1024.0
    fabric.backward(3.0 * player())
    player.update(fabric, 1, is_finite=True)
    assert float(player.network.number.detach()) == pytest.approx(0.9)
