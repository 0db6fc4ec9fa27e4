"""One optimizer of one network, its learning rate a function of the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sonorant.bounds import check_above_zero, check_at_least
from sonorant.config import config
from sonorant.training.schedule import Exponential, Schedule, extremes, value_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# An epoch of LJ Speech in the official recipe: 12,500 clips in batches of 64 on each of 4 GPUs.
STEPS_PER_REFERENCE_EPOCH = 49


@config
class OptimizerConfig:
    """AdamW as the official VITS sets it (appendix B.3), its decay counted in steps."""

    learning_rate: Schedule = Exponential(value=2e-4, gamma=0.999875, every=STEPS_PER_REFERENCE_EPOCH)
    betas: tuple[float, float] = (0.8, 0.99)
    eps: float = 1e-9
    weight_decay: float = 0.01
    clip_norm: float | None = None
    """Gradients longer than this are shortened to it; None leaves them."""

    def __post_init__(self) -> None:
        least, greatest = extremes(self.learning_rate)
        if not 0 <= least <= greatest < math.inf:
            wrong = greatest if least >= 0 else least
            raise ValueError(f"learning_rate is {wrong}: it must not be below 0, nor infinite")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}: they must lie in 0 to 1, 1 excluded")
        check_above_zero(self, "eps", "clip_norm")
        check_at_least(0, self, "weight_decay")


class NonFiniteError(ArithmeticError):
    """A loss or a gradient of a network is not a number, so that network was not updated."""


class _Boxed(nn.Module):
    """A network whose result Fabric cannot look into: it would take frozen dataclasses apart and fail."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *arguments: Any, **named: Any) -> _Box:
        return _Box(self.network(*arguments, **named))


class _Box:
    def __init__(self, content: Any) -> None:
        self.content = content


@dataclass(frozen=True)
class Player:
    """A network with its optimizer. Calling it runs the network in the run's precision, gradients shared."""

    name: str
    network: nn.Module
    module: nn.Module
    """The network as Fabric set it up."""
    optimizer: torch.optim.Optimizer
    cfg: OptimizerConfig

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The network's forward pass; at most once for each backward pass where several processes share gradients."""
        return self.module(*arguments, **named).content

    def update(self, fabric: Fabric, step: int, *, is_finite: bool) -> dict[str, float]:
        """Apply the gradients, then forget them. Returns what is worth logging.

        is_finite: whether the loss was. Raises NonFiniteError, with nothing changed, if it was not, or if the
        gradients are not. Half precision overflows as a matter of course: its scaler skips such a step and scales less.
        """
        bound = math.inf if self.cfg.clip_norm is None else self.cfg.clip_norm
        # Unscales the gradients, too, where they are scaled.
        total = fabric.clip_gradients(self.module, self.optimizer, max_norm=bound, error_if_nonfinite=False)
        norm = float(total) if total is not None else 0.0
        scaler = _scaler(fabric)
        if not is_finite or (not math.isfinite(norm) and scaler is None):
            self.optimizer.zero_grad(set_to_none=True)
            if scaler is not None:  # it must forget that it unscaled these gradients; the scale is not to blame
                scaler.update(scaler.get_scale())
            raise NonFiniteError(f"the {self.name}'s {'gradient' if is_finite else 'loss'} is not finite")
        rate = value_at(self.cfg.learning_rate, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {f"norm/{self.name}": norm, f"rate/{self.name}": rate}

    def optimizer_state(self) -> dict[str, Any]:
        """The optimizer's state dict, its parameters by their names in the network, not by their order."""
        held = self.optimizer.state_dict()
        names = self._names()
        return {
            "state": {names[index]: state for index, state in held["state"].items()},
            "param_groups": [
                {**group, "params": [names[index] for index in group["params"]]} for group in held["param_groups"]
            ],
        }

    def load_optimizer_state(self, held: Mapping[str, Any]) -> None:
        """Take over what `optimizer_state` gave. Raises ValueError if it is of other parameters."""
        names = self._names()
        theirs = {name for group in held["param_groups"] for name in group["params"]}
        if unlike := sorted(theirs ^ set(names), key=str):
            which = f"{unlike[0]} ({len(unlike)} in all)"
            raise ValueError(f"the {self.name}'s optimizer and its network differ in {which}")
        (group,) = held["param_groups"]
        state = {index: held["state"][name] for index, name in enumerate(names) if name in held["state"]}
        self.optimizer.load_state_dict({"state": state, "param_groups": [{**group, "params": list(range(len(names)))}]})

    def _names(self) -> list[str]:
        return [name for name, _ in self.network.named_parameters()]


def set_up(fabric: Fabric, name: str, network: nn.Module, cfg: OptimizerConfig) -> Player:
    """Give a network its optimizer, its device and its place among the processes."""
    # A fused optimizer unscales gradients by itself, where nobody can look at their norm.
    is_scaled = _scaler(fabric) is not None
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=value_at(cfg.learning_rate, 0),
        betas=cfg.betas,
        eps=cfg.eps,
        weight_decay=cfg.weight_decay,
        fused=not is_scaled,
    )
    module, wrapped = fabric.setup(_Boxed(network), optimizer)
    return Player(name=name, network=network, module=module, optimizer=wrapped, cfg=cfg)


def _scaler(fabric: Fabric) -> torch.amp.GradScaler | None:
    """What scales the losses in half precision, so that small gradients do not vanish."""
    return getattr(fabric.strategy.precision, "scaler", None)
