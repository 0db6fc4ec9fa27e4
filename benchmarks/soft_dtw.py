"""Speed and memory of soft-DTW beside a float64 recursion as public implementations write it.

    python benchmarks/soft_dtw.py

The peer is written here in their manner: numba, a thread for each item, cell by cell in float64 with exp and log, a
padded matrix of sums kept for the backward pass and two more made in it. It is given the step prices in both passes,
which not all of them do, so that there is one right answer: values and gradients are compared before anything is timed.
Both start from the same float32 costs on the CPU and return a float32 gradient; every round runs each once, in another
order. Times are the best of the rounds and (the median), ratios are of these; above 1 means that sonorant is faster.
CPU time is that of all threads, and says more where other programs run. Items are as long as the batch: shorter ones
cost sonorant less and the peer the same.

Memory is the growth of the process's peak, for the two divergences of NaturalSpeech from latents to gradients, each in
a process of its own; for the peer the divergences are a loop over channels under autograd.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonorant.losses.divergence import pairwise_kl
from sonorant.losses.soft_dtw import PAPER_GAMMA, PAPER_WARP, of_summed_channels, soft_dtw

N_CHANNELS = 192
GAMMA, WARP = of_summed_channels(PAPER_GAMMA, N_CHANNELS), of_summed_channels(PAPER_WARP, N_CHANNELS)
SIZES = [(16, 250, 250), (16, 500, 500), (16, 400, 500), (16, 512, 512), (16, 800, 800), (4, 1000, 1000)]
BAND = 60
MIN_ROUNDS = 7
SOFT = 1000.0
"""A gamma with which no cell is out of reach, so that there is nothing to leave out on the way back."""

Matrices = NDArray[np.float64]
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


@numba.njit(parallel=True)
def peer_sums(cost: Matrices, gamma: float, warp: float) -> Matrices:
    n_items, n_rows, n_columns = cost.shape
    sums = np.full((n_items, n_rows + 2, n_columns + 2), np.inf)
    sums[:, 0, 0] = 0
    for item in numba.prange(n_items):
        for j in range(1, n_columns + 1):
            for i in range(1, n_rows + 1):
                corner = -sums[item, i - 1, j - 1] / gamma
                above = -(sums[item, i - 1, j] + warp) / gamma
                left = -(sums[item, i, j - 1] + warp) / gamma
                most = max(corner, above, left)
                total = math.exp(corner - most) + math.exp(above - most) + math.exp(left - most)
                sums[item, i, j] = cost[item, i - 1, j - 1] - gamma * (math.log(total) + most)
    return sums


@numba.njit(parallel=True)
def peer_occupancy(cost: Matrices, sums: Matrices, gamma: float, warp: float) -> Matrices:
    n_items, n_rows, n_columns = cost.shape
    padded = np.zeros((n_items, n_rows + 2, n_columns + 2))
    padded[:, 1:-1, 1:-1] = cost
    occupancy = np.zeros((n_items, n_rows + 2, n_columns + 2))
    for item in numba.prange(n_items):
        occupancy[item, -1, -1] = 1
        sums[item, :, -1] = -np.inf
        sums[item, -1, :] = -np.inf
        sums[item, -1, -1] = sums[item, -2, -2]
        for j in range(n_columns, 0, -1):
            for i in range(n_rows, 0, -1):
                here = sums[item, i, j]
                below = math.exp((sums[item, i + 1, j] - here - padded[item, i + 1, j] - warp) / gamma)
                right = math.exp((sums[item, i, j + 1] - here - padded[item, i, j + 1] - warp) / gamma)
                corner = math.exp((sums[item, i + 1, j + 1] - here - padded[item, i + 1, j + 1]) / gamma)
                occupancy[item, i, j] = (
                    occupancy[item, i + 1, j] * below
                    + occupancy[item, i, j + 1] * right
                    + occupancy[item, i + 1, j + 1] * corner
                )
    return occupancy[:, 1:-1, 1:-1]


class Peer(torch.autograd.Function):
    """Items as long as the batch, for else public ones pad with costs that bring paths to the last cell."""

    @staticmethod
    def forward(ctx: Any, cost: Tensor, gamma: float, warp: float) -> Tensor:
        sums = torch.from_numpy(peer_sums(cost.double().numpy(), gamma, warp))
        ctx.save_for_backward(cost, sums)
        ctx.options = (gamma, warp)
        return sums[:, -2, -2].float()

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, None, None]:
        cost, sums = ctx.saved_tensors
        occupancy = peer_occupancy(cost.double().numpy(), sums.numpy(), *ctx.options)
        return scale.view(-1, 1, 1) * torch.from_numpy(occupancy).float(), None, None


def peer(cost: Tensor, rows: Tensor, columns: Tensor, *, gamma: float, warp: float) -> Tensor:
    assert cost.shape[1] == rows.min()
    assert cost.shape[2] == columns.min()
    value: Tensor = Peer.apply(cost, gamma, warp)
    return value


def peer_divergences(z: Tensor, z_log_std: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """`pairwise_kl`, a channel after the other."""
    kl = torch.zeros(len(z), mean.shape[2], z.shape[2])
    for c in range(z.shape[1]):
        apart = z[:, c].unsqueeze(1) - mean[:, c].unsqueeze(2)
        row, column = log_std[:, c].unsqueeze(2), z_log_std[:, c].unsqueeze(1)
        kl = kl + (row - column - 0.5 + 0.5 * apart**2 * torch.exp(-2 * row))
    return kl


def latents(
    n_items: int, n_rows: int, n_columns: int, n_channels: int = N_CHANNELS
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples, their log-deviations and the Gaussians they are held against: the same slow course at two tempos."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(n_items, n_channels, 40, generator=generator)
    place = torch.linspace(0, 1, n_columns) ** 1.2 * 38
    whole = place.long()
    course = torch.lerp(points[:, :, whole], points[:, :, whole + 1], place - whole)
    z = course + 0.5 * torch.randn(course.shape, generator=generator)
    mean = torch.nn.functional.interpolate(points[:, :, :39], n_rows, mode="linear", align_corners=True)
    return z, torch.full_like(z, -0.7), mean, torch.full_like(mean, -0.3)


def costs(n_items: int, n_rows: int, n_columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """The divergences of all pairs of `latents`, and the lengths."""
    z, z_log_std, mean, log_std = latents(n_items, n_rows, n_columns)
    ones = torch.ones(n_items, 1, 1)
    kl = pairwise_kl(z, z_log_std, mean, log_std, z_mask=ones, mean_mask=ones.expand(-1, -1, n_rows))
    return kl, torch.full((n_items,), n_rows), torch.full((n_items,), n_columns)


@dataclass(frozen=True, kw_only=True)
class Took:
    """Milliseconds."""

    forward: float
    backward: float
    cpu: float

    @property
    def both(self) -> float:
        return self.forward + self.backward


def run(loss: Loss, cost: Tensor, rows: Tensor, columns: Tensor) -> tuple[Took, Tensor, Tensor]:
    """What it took, the values and the gradient."""
    cost = cost.detach().requires_grad_()
    cpu, started = time.process_time(), time.perf_counter()
    value = loss(cost, rows, columns)
    between = time.perf_counter()
    (gradient,) = torch.autograd.grad(value.sum(), cost)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    took = Took(forward=(between - started) * 1e3, backward=(ended - between) * 1e3, cpu=cpu * 1e3)
    return took, value.detach(), gradient


def check(forms: dict[str, Loss], inputs: tuple[Tensor, Tensor, Tensor]) -> None:
    """All forms give the same; this also compiles them."""
    _, expected, occupancy = run(forms["peer"], *inputs)
    _, value, gradient = run(forms["sonorant"], *inputs)
    if not torch.allclose(value, expected, rtol=1e-5, atol=0.01):
        raise SystemExit(f"values differ by {float((value - expected).abs().max()):g}")
    if not torch.allclose(gradient, occupancy, rtol=0, atol=5e-4):
        raise SystemExit(f"gradients differ by {float((gradient - occupancy).abs().max()):g}")
    run(forms["band"], *inputs)


def measured(forms: dict[str, Loss], inputs: tuple[Tensor, Tensor, Tensor], seconds: float) -> dict[str, list[Took]]:
    took: dict[str, list[Took]] = {name: [] for name in forms}
    ends = time.perf_counter() + seconds
    names = list(forms)
    while time.perf_counter() < ends or len(took["peer"]) < MIN_ROUNDS:
        random.shuffle(names)
        for name in names:
            took[name].append(run(forms[name], *inputs)[0])
    return took


def shown(values: list[float]) -> str:
    return f"{min(values):.1f} ({statistics.median(values):.1f})"


def ratio(of: list[float], to: list[float]) -> str:
    return f"{min(of) / min(to):.1f} ({statistics.median(of) / statistics.median(to):.1f})"


def print_times(seconds: float) -> None:
    columns = ["items, rows, columns", "peer: forward", "backward", "sonorant: forward", "backward"]
    columns += ["ratio, both passes", "of CPU time", f"sonorant, band of {BAND}", "ratio"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for size, gamma in [*((size, GAMMA) for size in SIZES), ((16, 500, 500), SOFT)]:
        options = {"gamma": gamma, "warp": WARP}
        forms: dict[str, Loss] = {
            "peer": partial(peer, **options),
            "sonorant": partial(soft_dtw, **options),
            "band": partial(soft_dtw, **options, band=BAND),
        }
        inputs = costs(*size)
        check(forms, inputs)
        took = measured(forms, inputs, seconds)

        def of(name: str, field: str, took: dict[str, list[Took]] = took) -> list[float]:
            return [getattr(times, field) for times in took[name]]

        row = [", ".join(map(str, size)) + (f", gamma {gamma:g}" if gamma != GAMMA else "")]
        row += [shown(of(name, field)) for name in ("peer", "sonorant") for field in ("forward", "backward")]
        row += [ratio(of("peer", field), of("sonorant", field)) for field in ("both", "cpu")]
        row += [shown(of("band", "both")), ratio(of("peer", "both"), of("band", "both"))]
        print(f"| {' | '.join(row)} |", flush=True)


def both_divergences(form: str, n_items: int, n_frames: int, n_channels: int) -> None:
    """From latents to gradients, both divergences of a step."""
    options = {"gamma": GAMMA, "warp": WARP}
    z, z_log_std, mean, log_std = (x.requires_grad_() for x in latents(n_items, n_frames, n_frames, n_channels))
    lengths, mask = torch.full((n_items,), n_frames), torch.ones(n_items, 1, n_frames)
    total = torch.zeros(())
    for latent, of_latent, middle, width in ((z, z_log_std, mean, log_std), (mean, log_std, z, z_log_std)):
        if form == "peer":
            value = peer(peer_divergences(latent, of_latent, middle, width), lengths, lengths, **options)
        else:
            kl = pairwise_kl(latent, of_latent, middle, width, z_mask=mask, mean_mask=mask)
            value = soft_dtw(kl, lengths, lengths, **options, band=BAND if form == "band" else None)
            del kl
        total = total + value.sum()
    total.backward()  # type: ignore[no-untyped-call]


def resident_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise SystemExit("memory is measured on Linux only")


def grown_mb(form: str, n_items: int, n_frames: int, n_channels: int) -> float:
    """How far the peak grows, in this process, after a small one has compiled everything."""
    both_divergences(form, 2, 30, n_channels)
    before = resident_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    both_divergences(form, n_items, n_frames, n_channels)
    return resident_mb("VmHWM") - before


def grown_elsewhere_mb(form: str, n_items: int, n_frames: int, n_channels: int) -> float:
    """The least of three processes; what is more is memory they had and did not use again."""
    command = [sys.executable, __file__, "--measure", form, *map(str, (n_items, n_frames, n_channels))]
    return min(float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(3))


def print_memory() -> None:
    """A cell is measured with few channels and long items, where hardly anything else counts, a frame with the rest.

    Of the peer, every cell of every channel is kept, and frames do not count beside that.
    """
    budgets_gb = (8, 16, 24)
    columns = ["both divergences", "bytes a cell", "bytes a frame", "16 items of 500 frames"]
    columns += [f"frames at batch 16 in {gb} GB" for gb in budgets_gb]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for form in ("sonorant", "band", "peer"):
        if form == "peer":
            a_cell, a_frame = grown_elsewhere_mb(form, 4, 240, N_CHANNELS) * 1e6 / (4 * 240**2), 0.0
            peak = f"{a_cell * 16 * 500**2 / 1e6:,.0f} MB, not run"
        else:
            a_cell = grown_elsewhere_mb(form, 4, 2000, 4) * 1e6 / (4 * 2000**2)
            grown = grown_elsewhere_mb(form, 16, 500, N_CHANNELS)
            a_frame, peak = (grown * 1e6 - a_cell * 16 * 500**2) / (16 * 500), f"{grown:,.0f} MB"
        half = a_frame / (2 * a_cell)
        row = [f"sonorant, band of {BAND}" if form == "band" else form, f"{a_cell:,.1f}", f"{a_frame:,.0f}", peak]
        row += [f"{math.sqrt(half**2 + gb * 1e9 / 16 / a_cell) - half:,.0f}" for gb in budgets_gb]
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4, help="for each size; on a busy machine more")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("times", "memory"))
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    numba.set_num_threads(options.threads)
    if options.measure:
        form, *numbers = options.measure
        print(grown_mb(form, *map(int, numbers)))
        return
    random.seed(0)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, load {load}")
    print(f"gamma {GAMMA:g}, warp {WARP:g}; milliseconds, best and (median)\n")
    if options.only != "memory":
        print_times(options.seconds)
        print()
    if options.only != "times":
        print_memory()


if __name__ == "__main__":
    main()
