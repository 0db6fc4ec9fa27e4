"""The work of `benchmarks/alignment.py`, in the peer's environment: both searches in one process, taking turns."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import torch
from monotonic_alignment_search import maximum_path

from sonorant.nn.alignment import monotonic_alignment, monotonic_path

SIZES = [(16, tokens, frames) for tokens in (100, 200, 400) for frames in (500, 1000, 2000)]
SIZES += [(32, 100, 1000), (32, 200, 500), (32, 200, 1000), (32, 200, 2000), (32, 400, 1000)]
MIN_ROUNDS = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for size in SIZES:
        fresh = torch.randn(size, generator=torch.Generator().manual_seed(0))
        value, mask = fresh.clone(), torch.ones(size)
        searches: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
            "peer": maximum_path,
            "path": monotonic_path,
            "durations": monotonic_alignment,
        }
        path = maximum_path(value, mask)
        is_equal = torch.equal(path, monotonic_path(value, mask))
        is_equal &= torch.equal(path.sum(2).long(), monotonic_alignment(value, mask))
        took_ms: dict[str, list[float]] = {name: [] for name in searches}
        ends = time.perf_counter() + options.seconds
        while time.perf_counter() < ends or len(took_ms["peer"]) < MIN_ROUNDS:
            for name, search in searches.items():
                value.copy_(fresh)  # in training, too, it has just been written
                started = time.perf_counter()
                search(value, mask)
                took_ms[name].append((time.perf_counter() - started) * 1000)
        print(json.dumps({"size": size, "is_equal": is_equal, "took_ms": took_ms}), flush=True)


if __name__ == "__main__":
    main()
