"""Speed of the waveform decoders on a CPU: seconds of audio made in a second, at equal frames, taking turns.

    python benchmarks/decoders.py

One item of random latents at 22.05 kHz, a frame of 256 samples; random weights, weight norm folded, inference mode.
"eager" is the decoder in torch's ordinary operations over the whole length, as other programs run theirs; "speaking"
has each decoder's own windows, and for HiFi-GAN the wide convolutions with which voices speak. Every round runs each
once, in another order. Speeds are the best of the rounds and (the median). Ratios are of the times, best and (median);
above 1 means that our head is faster. With something else running, compare with `--threads 1`.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from sonorant.models.vits.config import PIPER_DECODER
from sonorant.nn.conv import fold_weight_norm
from sonorant.nn.decoder import DecoderConfig, build_decoder
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.nn.hifigan import HifiGan, HifiGanConfig, WideHifiGan
from sonorant.nn.istft_head import IstftHeadConfig

RATE_HZ, HOP, D_LATENT = 22_050, 256, 192
HEADS: dict[str, DecoderConfig] = {
    "iSTFT head 512x8": IstftHeadConfig(),
    "iSTFT head 256x8": IstftHeadConfig(d=256, d_filter=768),
    "harmonic head 256x8": HarmonicHeadConfig(d=256, d_filter=768),
}
HIFIGANS = {"HiFi-GAN V1": HifiGanConfig(), "Piper medium": PIPER_DECODER}


def decoders() -> dict[str, Callable[[Tensor], Tensor]]:
    """Every form of every decoder, by name; the two forms of one have the same weights."""
    forms: dict[str, Callable[[Tensor], Tensor]] = {}
    for name, cfg in HIFIGANS.items():
        eager, donor = HifiGan(cfg, D_LATENT).eval(), HifiGan(cfg, D_LATENT).eval()
        donor.load_state_dict(eager.state_dict())
        fold_weight_norm(eager)
        fold_weight_norm(donor)
        forms[f"{name}, eager"] = eager
        forms[f"{name}, speaking"] = WideHifiGan(donor).eval().decode_in_windows
    for name, head_cfg in HEADS.items():
        head = build_decoder(head_cfg, D_LATENT, 0, sample_rate_hz=RATE_HZ).eval()
        forms[f"{name}, eager"] = head
        forms[f"{name}, speaking"] = head.decode_in_windows
    return forms


def check(forms: dict[str, Callable[[Tensor], Tensor]]) -> None:
    """Both forms of a decoder give the same, or the comparison is of nothing."""
    z = torch.randn(1, D_LATENT, 300)
    for name in (*HIFIGANS, *HEADS):
        eager, speaking = forms[f"{name}, eager"](z), forms[f"{name}, speaking"](z)
        if eager.shape != (1, 1, 300 * HOP) or (eager - speaking).abs().max() > 1e-4:
            raise SystemExit(f"{name}: its two forms differ")


def measure(
    forms: dict[str, Callable[[Tensor], Tensor]], n_frames: int, *, rounds: int, warm_up: int
) -> dict[str, list[float]]:
    """Seconds each form takes, a number a round."""
    z = torch.randn(1, D_LATENT, n_frames)
    took: dict[str, list[float]] = {name: [] for name in forms}
    order = list(forms)
    for turn in range(warm_up + rounds):
        random.shuffle(order)
        for name in order:
            began = time.perf_counter()
            forms[name](z)
            if turn >= warm_up:
                took[name].append(time.perf_counter() - began)
        print(f"{n_frames} frames, round {turn - warm_up + 1}", file=sys.stderr)
    return took


def best_and_median(value: Callable[[Callable[[list[float]], float]], float]) -> str:
    """A number made from the least and from the middle of times."""
    return f"{value(min):.1f} ({value(statistics.median):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 5, 15], help="lengths of audio")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that all runs")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.warm_up = [0.5], 1, 0

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    random.seed(0)
    loads = [os.getloadavg()[0]]
    took: dict[float, dict[str, list[float]]] = {}
    with torch.inference_mode():
        forms = decoders()
        check(forms)
        for audio_s in options.seconds:
            n_frames = round(audio_s * RATE_HZ / HOP)
            took[audio_s] = measure(forms, n_frames, rounds=options.rounds, warm_up=options.warm_up)
            loads.append(os.getloadavg()[0])

    lengths = [f"{audio_s:g} s" for audio_s in options.seconds]
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {options.threads} threads,"
        f" {options.rounds} rounds after {options.warm_up}; the machine's load: {min(loads):.1f}-{max(loads):.1f}\n"
    )
    print("Times faster than real time, best and (median)\n")
    print(f"| decoder | {' | '.join(lengths)} |\n|---|{'---|' * len(lengths)}")
    for name in forms:
        cells = [best_and_median(partial(_speed, audio_s, took[audio_s][name])) for audio_s in options.seconds]
        print(f"| {name} | {' | '.join(cells)} |")
    print("\nHow many times faster, best and (median)\n")
    print(f"| | than | {' | '.join(lengths)} |\n|---|---|{'---|' * len(lengths)}")
    for head in HEADS:
        for other in (f"{name}, {form}" for name in HIFIGANS for form in ("eager", "speaking")):
            cells = [
                best_and_median(partial(_ratio, took[audio_s][other], took[audio_s][f"{head}, speaking"]))
                for audio_s in options.seconds
            ]
            print(f"| {head}, speaking | {other} | {' | '.join(cells)} |")


def _speed(audio_s: float, took_s: list[float], pick: Callable[[list[float]], float]) -> float:
    return audio_s / pick(took_s)


def _ratio(theirs_s: list[float], ours_s: list[float], pick: Callable[[list[float]], float]) -> float:
    return pick(theirs_s) / pick(ours_s)


if __name__ == "__main__":
    if "OMP_WAIT_POLICY" not in os.environ:
        # Read when torch is loaded. Threads that wait for work sleep: else a busy machine slows them many times over.
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
    main()
