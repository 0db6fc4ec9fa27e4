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


class Two(torch.nn.Module):
    """A sum of two vectors, of which the second was used last, made in the order asked for."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            self.register_parameter(name, torch.nn.Parameter(torch.ones(4)))

    def forward(self) -> torch.Tensor:
        return (self.first + 2.0 * self.second).sum()


def stepped(network: torch.nn.Module) -> Player:
    fabric = Fabric(accelerator="cpu", devices=1)
    player = set_up(fabric, "generator", network, OptimizerConfig(learning_rate=0.1))
    fabric.backward(player())
    player.update(fabric, 0, is_finite=True)
    return player


def test_an_optimizers_state_goes_by_the_names_of_parameters_not_by_their_order() -> None:
    state = stepped(Two("first", "second")).optimizer_state()
    assert set(state["state"]) == {"first", "second"}
    other = stepped(Two("second", "first"))
    other.load_optimizer_state(state)
    moments = {name: other.optimizer.state[value]["exp_avg"] for name, value in other.network.named_parameters()}
    torch.testing.assert_close(moments["second"], 2.0 * moments["first"])
    assert float(other.optimizer.state_dict()["state"][0]["exp_avg"][0]) == pytest.approx(2.0 * (1 - 0.8))


def test_an_optimizers_state_of_other_parameters_is_refused() -> None:
    state = stepped(Two("first", "second")).optimizer_state()
    learned = stepped(Learned())
    with pytest.raises(ValueError, match=r"the generator's optimizer and its network differ in first \(3 in all\)"):
        learned.load_optimizer_state(state)
