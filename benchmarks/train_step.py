"""Speed and memory of a training step beside coqui-tts's VITS, same sizes, batch and lengths, in one interleaved run.

    make bench        # makes .bench with coqui-tts in it, then runs this among others

A step is an update of the discriminators and one of the generator in full precision on the CPU. Each program lives in a
process of its own and steps when it is asked to, all taking turns. The two VITS are the paper's: 36.3 M parameters with
178 symbols, six discriminators of 46.7 M, slices of 8192 samples, AdamW; the losses and their weights are the same. A
third is our VITS2 of the published sizes with an inverse STFT for its decoder, before the same discriminators. A ratio
above 1 means sonorant is better. Times are best and (median).

A second table has our own `small` presets beside each other, as they train on 24 s of audio late in a run.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asking import Worker, spread, times_as_fast

HERE = Path(__file__).parent
NAMES = ("sonorant VITS", "sonorant VITS2, inverse STFT", "coqui-tts VITS")
SMALL = {"CVAE-JETS small": "cvae_jets-small", "VITS2 small": "vits2-small"}
SMALL_SHAPE = {"items": 12, "tokens": 30, "frames": 125}
HOP, RATE_HZ = 256, 22_050
NOTES = """
Same in both VITS: architecture, losses and their weights, discriminators, AdamW (its betas, eps and decay), length of
the gradient computed. What differs in what a step does:

- sonorant also keeps a moving average of the generator's weights; its time and memory are counted.
- sonorant computes mel spectrograms of slices only; coqui-tts of whole recordings.
- sonorant asks no gradient of the discriminators' weights when it updates the generator; coqui-tts computes it and
  throws it away.
- coqui-tts is stepped as its trainer does it, without the trainer's logging.

The VITS2 has the same losses with the same weights, discriminators and AdamW. Its posterior sees mel spectra, its
couplings have transformers, its durations come of two convolutions and noise (their own adversary trains after all
else), and its decoder is a ConvNeXt of 512 channels and 8 layers that ends in an inverse STFT."""
SMALL_NOTES = """
Both as their configurations stand, a late step: all terms have their weights, discriminators of spectra, slices as long
as they get. Pitch is given; tracking it is the loader's work."""


def compare(names: Sequence[str], commands: Sequence[list[str]], *, notes: str, warm_up: int, rounds: int) -> float:
    """Print the tables of steps and of their parts; the last program is the peer. Returns our first's best seconds."""
    workers = [Worker(command) for command in commands]
    answers: list[list[dict[str, Any]]] = [[] for _ in workers]
    loads = [os.getloadavg()[0]]
    for turn in range(warm_up + rounds):
        for worker, mine in zip(workers, answers, strict=True):
            answer = worker.ask("step")
            print(f"{turn - warm_up + 1:>3} {answer['took_s']:6.2f} s", file=sys.stderr)
            if turn >= warm_up:
                mine.append(answer)
        loads.append(os.getloadavg()[0])
    print(line("a step", *names, *(f"ratio, {name}" for name in names[:-1])))
    print("|---" * 2 * len(names) + "|")
    took, cpu, idle = (
        [[answer[key] for answer in mine] for mine in answers] for key in ("took_s", "cpu_s", "idle_cpu_s")
    )
    for name, of_all in (("wall time", took), ("CPU time", cpu)):
        ratios = (times_as_fast(ours, of_all[-1]) for ours in of_all[:-1])
        print(line(name, *(spread(values, "s") for values in of_all), *ratios))
    for name, values in (
        ("peak memory", [mine[-1]["peak_mb"] for mine in answers]),
        ("memory with the libraries imported", [worker.facts["imported_mb"] for worker in workers]),
        ("memory with model and optimizers made", [worker.facts["built_mb"] for worker in workers]),
    ):
        print(line(name, *(f"{mb:.0f} MB" for mb in values), *(f"{values[-1] / mb:.2f}" for mb in values[:-1])))
    for name, key in (("generator", "n_generator"), ("discriminators", "n_discriminator")):
        print(line(f"parameters, {name}", *(f"{worker.facts[key]:,}" for worker in workers), *[""] * (len(names) - 1)))
    others_took = [sum(map(sum, took)) - sum(own) for own in took]
    slept = max(sum(of_one) / others_s for of_one, others_s in zip(idle, others_took, strict=True))
    print(f"\nA waiting program uses {slept:.1%} of a core. Machine's load: {min(loads):.1f}-{max(loads):.1f}.")
    print(notes)

    print("\nWhere a step's time goes (one step under the profiler, seconds of its main thread)\n")
    parts = [{part["name"]: part for part in worker.ask("parts of step")["parts"]} for worker in workers]
    for worker in workers:
        worker.close()
    totals = [sum(part["forward_s"] + part["backward_s"] for part in mine.values()) for mine in parts]
    print(line("part", *(f"{name}: forward | backward | share" for name in names)))
    print("|---" * (1 + 3 * len(names)) + "|")
    for name in dict.fromkeys(name for mine in parts for name in mine if name != "the rest"):
        print(line(name, *(part_cells(mine.get(name), total) for mine, total in zip(parts, totals, strict=True))))
    rest = (part_cells(mine["the rest"], total) for mine, total in zip(parts, totals, strict=True))
    print(line("the rest", *rest))
    print(
        "\nA backward step is counted to the part whose forward pass made it. The rest: losses, slices, the sums of"
        " gradients,\nand what runs between the parts."
    )
    return min(took[0])


def line(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def part_cells(part: dict[str, Any] | None, total_s: float) -> str:
    if part is None:
        return "- | - | -"
    share = (part["forward_s"] + part["backward_s"]) / total_s
    return f"{part['forward_s']:.3f} | {part['backward_s']:.3f} | {share:.1%}"


def load(utterances: int, frames: int, items: int, step_s: float) -> None:
    """Print how fast batches are loaded, from files of two kinds, beside what a step consumes."""
    audio_s = frames * HOP / RATE_HZ
    print(f"\nLoading {utterances} recordings of {audio_s:.1f} s: utterances a second, with one thread a process\n")
    print("| files | no worker | 1 worker | no worker, cached | 1 worker, cached |\n|---|---|---|---|---|")
    slowest = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        for rate_hz, suffix in ((RATE_HZ, ".wav"), (44_100, ".flac")):
            cells = []
            paths = record(Path(folder), utterances, audio_s, rate_hz, suffix)
            for cache in (None, Path(folder) / "cache"):
                for workers in (0, 1):
                    rate = loading_rate(paths, frames, items, workers=workers, cache=cache)
                    slowest = min(slowest, rate)
                    cells.append(f"{rate:.0f} ({rate * audio_s:,.0f} s of audio)")
            print(f"| {rate_hz / 1000:g} kHz {suffix} | {' | '.join(cells)} |")
    wanted = items / step_s
    print(f"\nA step takes {wanted:.2f} utterances a second; the slowest way gives {slowest / wanted:,.0f} times that.")


def record(folder: Path, n: int, audio_s: float, rate_hz: int, suffix: str) -> list[Path]:
    """Files of noise over a tone."""
    import numpy as np
    import soundfile

    numbers = np.random.default_rng(0)
    n_samples = round(audio_s * rate_hz)
    tone = 0.2 * np.sin(2 * np.pi * 150 / rate_hz * np.arange(n_samples))
    paths = [folder / f"{index}{suffix}" for index in range(n)]
    for path in paths:
        soundfile.write(path, tone + 0.02 * numbers.standard_normal(n_samples), rate_hz)
    return paths


def loading_rate(paths: list[Path], frames: int, items: int, *, workers: int, cache: Path | None) -> float:
    """Utterances a second, from the second epoch on, so that a cache is full and a worker has started."""
    import torch

    from sonorant.data.dataset import LoaderConfig, UtteranceBatches
    from sonorant.data.prepare import Prepared

    torch.set_num_threads(1)
    utterances = [
        Prepared(
            id=path.name,
            audio=str(path),
            start_s=0.0,
            end_s=None,
            n_samples=frames * HOP,
            speaker=0,
            language=0,
            split="train",
            weight=1.0,
            text="",
            phonemes="",
            tokens=(1,) * 200,
        )
        for path in paths
    ]
    batches = UtteranceBatches(
        utterances,
        sample_rate_hz=RATE_HZ,
        hop=HOP,
        batch_s=items * frames * HOP / RATE_HZ + 1,
        batch_items=items,
        seed=0,
        loader=LoaderConfig(workers=workers, cache=cache),
    )
    supply = batches.start(None, 1)
    epoch = len(paths) // items
    for _ in range(epoch + 8):  # and what a worker has made ahead
        next(supply)
    began = time.perf_counter()
    for _ in range(2 * epoch):
        next(supply)
    return 2 * epoch * items / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", default=str(HERE.parent / ".bench" / "bin" / "python"))
    parser.add_argument("--items", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one small round, to see that all runs")
    parser.add_argument("--small", action="store_true", help="the presets' table alone, which needs no coqui-tts")
    parser.add_argument("--without-loading", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.items, options.tokens, options.frames, options.warm_up, options.rounds = 1, 20, 40, 0, 1

    turns = {"warm_up": options.warm_up, "rounds": options.rounds}
    print(
        f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.rounds} rounds after"
        f" {options.warm_up}"
    )
    if not options.small:
        shape = {name: getattr(options, name) for name in ("items", "tokens", "frames")}
        told = asked(shape, options.threads)
        ours = [sys.executable, str(HERE / "workers" / "train_with_sonorant.py"), *told]
        commands = [
            [*ours, "--system=vits"],
            [*ours, "--system=vits2-istft"],
            [options.peer_python, str(HERE / "workers" / "train_with_coqui.py"), *told],
        ]
        step_s = compare(NAMES, commands, notes=NOTES, **turns)
        if not options.without_loading:
            load(8 if options.quick else 64, options.frames, options.items, step_s)
    small = dict.fromkeys(SMALL_SHAPE, 1) | {"frames": 40} if options.quick else SMALL_SHAPE
    ours = [sys.executable, str(HERE / "workers" / "train_with_sonorant.py"), *asked(small, options.threads)]
    compare(tuple(SMALL), [[*ours, f"--system={system}"] for system in SMALL.values()], notes=SMALL_NOTES, **turns)


def asked(shape: Mapping[str, int], threads: int) -> list[str]:
    """What a worker is told of its batches; says it, too."""
    print(f"\n{shape['items']} items of {shape['tokens']} tokens and {shape['frames']} frames\n")
    return [f"--{name}={value}" for name, value in {**shape, "threads": threads}.items()]


if __name__ == "__main__":
    main()
