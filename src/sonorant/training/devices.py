"""Where a run computes: in one process, or several started by torchrun, on CPUs or GPUs. Lightning Fabric does it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import torch

from sonorant.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Precision = Literal["fp32", "bf16", "fp16"]
_FABRIC_NAMES: dict[Precision, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


def build_fabric(precision: Precision, *, accelerator: str = "auto") -> Fabric:
    """Fabric for this process, which is one of torchrun's if that started it.

    Raises ConfigError for a device that is not there, or a precision that it has not.
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError:
        raise MissingExtraError("training", package="lightning-fabric", extra="train") from None
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise ConfigError("the device is cuda, but PyTorch finds no GPU here: use cpu")
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    fabric = Fabric(
        accelerator=accelerator,
        devices=local,
        num_nodes=max(world // local, 1),
        # One process prepares while the others wait, for hours.
        strategy=DDPStrategy(timeout=timedelta(days=7)) if world > 1 else "auto",
        precision=_FABRIC_NAMES[precision],
    )
    if precision == "fp16" and fabric.device.type == "cpu":
        raise ConfigError("precision is fp16, which needs a GPU: on a CPU use fp32")
    fabric.launch()
    return fabric
