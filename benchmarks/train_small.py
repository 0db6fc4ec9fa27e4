"""Utterances a second that training a recipe takes, beside coqui-tts's VITS at its own defaults, on the same speech.

    python benchmarks/train_small.py --corpus corpora/asterisk/manifest.jsonl --language en-us

Both programs are given the same utterances, and go through all of them in a turn; the turns alternate in one run. Ours
does so as its recipe says (sample rate, batches, losses), at several of its steps: the first, before there are
discriminators; the first with them; the last, where slices may be longer. With --processes it is started as `torchrun
-m sonorant -- train` would be: each batch is shared by so many processes, and each takes its share of the threads.
coqui-tts's VITS has the sizes, sample rate, slices, batches and order of utterances that it has when nothing is
configured. Audio is decoded and resampled, and texts are read, beforehand on both sides. A ratio above 1 means sonorant
is faster. Figures are the best and (the median).
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from asking import Worker, times_as_fast

from sonorant.config import read_yaml
from sonorant.data.features import Waveform
from sonorant.data.manifest import Utterance, read_manifest, write_rows
from sonorant.data.prepare import UTTERANCES, Prepared, prepare, read_corpus
from sonorant.models.recipes import parse_recipe
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.text.standard import text_of

HERE = Path(__file__).parent
PEER, PEER_RATE_HZ = "coqui-tts", 22_050
MEDIAN_S, LOG_DEVIATION, LONGEST_S = 1.5, 1.0, 14.0
"""Of the lengths of generated recordings: like those of the prompts of a telephone exchange."""
LETTERS_PER_S = 14
WORDS = "the number you have dialled is not in service please hang up and try again or press one to leave a message"
NOTES = """
- sonorant: {recipe}: {our_batches} batches, a process having {our_items} utterances of each, at {rate_khz:g} kHz,
  {n_speakers} speakers in the model; a moving average of the weights is kept and counted.
- coqui-tts: VitsConfig() as it is: {peer_batches} batches of {peer_items} utterances, sorted by length, at 22.05 kHz;
  slices of 8,192 samples. It is stepped as its trainer does it, without the trainer's logging. Its tokens are random
  ids, as many as the phonemes and the blanks between them that it puts there by default.
- Neither loads anything while it is timed."""


def parse_own(path: Path, manifest: Path) -> Vits2Recipe:
    """The recipe in a file, over another manifest."""
    data = read_yaml(path)
    data["data"] = {**data.get("data", {}), "manifest": str(manifest)}
    recipe = parse_recipe(data, source=str(path))
    if not isinstance(recipe, Vits2Recipe):
        raise SystemExit(f"{path}: is of another system, expected vits2")
    return recipe


def generate(folder: Path, n: int) -> Path:
    """A manifest of recordings of noise over a tone, and texts as long as they are."""
    lengths, numbers, words = random.Random(0), np.random.default_rng(0), random.Random(0)
    utterances = []
    for index in range(n):
        duration_s = min(max(lengths.lognormvariate(math.log(MEDIAN_S), LOG_DEVIATION), 0.6), LONGEST_S)
        n_samples = round(duration_s * 16_000)
        tone = 0.2 * np.sin(2 * np.pi * 150 / 16_000 * np.arange(n_samples))
        soundfile.write(folder / f"{index}.wav", tone + 0.02 * numbers.standard_normal(n_samples), 16_000)
        text = words.choice(WORDS.split())
        while len(text) < LETTERS_PER_S * duration_s:
            text += " " + words.choice(WORDS.split())
        utterances.append(
            Utterance(
                id=str(index),
                audio=f"{index}.wav",
                text=text,
                speaker="one",
                language="en-us",
                duration_s=n_samples / 16_000,
            )
        )
    write_rows(folder / "manifest.jsonl", (asdict(utterance) for utterance in utterances))
    return folder / "manifest.jsonl"


def draw(recipe: Vits2Recipe, folder: Path, *, language: str | None, n: int) -> tuple[Sequence[Prepared], int]:
    """Prepare a recipe's corpus in a folder, and leave n of its training utterances in it. Also the speakers it has."""
    manifest = recipe.data.manifest
    assert manifest is not None
    frontend, symbols = text_of(recipe.text, sorted({utterance.language for utterance in read_manifest(manifest)}))
    selection = recipe.data.selection
    prepare(manifest, folder, selection=selection, frontend=frontend, symbols=symbols, framing=recipe.framing)
    corpus = read_corpus(folder)
    codes = [cfg.code for cfg in corpus.tables.frontend.languages]
    if language is not None and language not in codes:
        raise SystemExit(f"{manifest}: has no {language}, only {', '.join(codes)}")
    fitting = [row for row in corpus.of("train") if language is None or codes[row.language] == language]
    if len(fitting) < n:
        raise SystemExit(f"{manifest}: has {len(fitting)} utterances that can be trained on, expected {n}")
    drawn = [replace(row, weight=1.0) for row in random.Random(0).sample(fitting, n)]
    write_rows(folder / UTTERANCES, (asdict(row) for row in drawn))
    return drawn, len(corpus.tables.speakers)


def hand_over(drawn: Sequence[Prepared], file: Path) -> None:
    """Write the recordings, resampled, and the numbers of their tokens for the peer."""
    waveform = Waveform(PEER_RATE_HZ)
    n_tokens = [2 * len(row.phonemes) + 1 for row in drawn]
    np.savez(file, n_tokens=np.array(n_tokens), **{str(i): waveform(row.recording) for i, row in enumerate(drawn)})


def compare(ours: Worker, peer: Worker, *, n: int, rounds: int) -> None:
    """Let them take turns, and print the tables. n: utterances in a turn."""
    phases: list[str] = ours.facts["phases"]
    took: dict[str, list[float]] = {name: [] for name in (*phases, PEER)}
    cpu: dict[str, list[float]] = {name: [] for name in took}
    loads = [os.getloadavg()[0]]
    peaks = {}
    for turn in range(rounds + 1):
        for worker, names in ((ours, phases), (peer, [PEER])):
            for name in names:
                answer = worker.ask(name)
                print(f"{turn:>3} {name}: {answer['took_s']:.2f} s", file=sys.stderr)
                peaks[name] = answer["peak_mb"]
                if turn > 0:  # the first is to warm up
                    took[name].append(answer["took_s"])
                    cpu[name].append(answer["cpu_s"])
        loads.append(os.getloadavg()[0])
    print("| program | utterances a second | times coqui-tts | CPU seconds an utterance | times coqui-tts |")
    print("|---|---|---|---|---|")
    for name in phases:
        print(f"| sonorant, {name} | {cells(took[name], cpu[name], took[PEER], cpu[PEER], n)} |")
    print(f"| {PEER} | {cells(took[PEER], cpu[PEER], took[PEER], cpu[PEER], n)} |")
    print(f"\nPeak memory: sonorant {peaks[phases[-1]]:.0f} MB a process, coqui-tts {peaks[PEER]:.0f} MB.")
    print(f"Parameters: sonorant {sized(ours)}, coqui-tts {sized(peer)}.")
    print(f"Machine's load: {min(loads):.1f}-{max(loads):.1f}.")


def cells(
    took_s: Sequence[float], cpu_s: Sequence[float], peer_took_s: Sequence[float], peer_cpu_s: Sequence[float], n: int
) -> str:
    """What is told of one program: speed, CPU time, and both beside the peer's."""
    speed = f"{n / min(took_s):.2f} ({n / statistics.median(took_s):.2f})"
    each = f"{min(cpu_s) / n:.2f} ({statistics.median(cpu_s) / n:.2f})"
    return f"{speed} | {times_as_fast(took_s, peer_took_s)} | {each} | {times_as_fast(cpu_s, peer_cpu_s)}"


def sized(worker: Worker) -> str:
    facts = worker.facts
    return f"{facts['n_generator'] / 1e6:.1f} M and {facts['n_discriminator'] / 1e6:.1f} M of discriminators"


def tell_parts(ours: Worker) -> None:
    """Print where our time goes, by the parts of a turn."""
    phases: list[str] = ours.facts["phases"]
    of_phase: list[dict[str, dict[str, Any]]] = []
    for phase in phases:
        of_phase.append({part["name"]: part for part in ours.ask(f"parts of {phase}")["parts"]})
    print(f"\n| part: seconds forward, backward | {' | '.join(phases)} |\n|{'---|' * (1 + len(phases))}")
    for name in dict.fromkeys(name for parts in of_phase for name in parts):
        found = (parts.get(name) for parts in of_phase)
        cells = ("-" if part is None else f"{part['forward_s']:.2f}, {part['backward_s']:.2f}" for part in found)
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", type=Path, default=HERE.parent / "configs" / "vits2" / "small.yaml")
    parser.add_argument("--corpus", type=Path, help="a manifest; without it, generated recordings of like lengths")
    parser.add_argument("--language", help="take only utterances in it")
    parser.add_argument("--utterances", type=int, default=96)
    parser.add_argument("--peer-python", default=str(HERE.parent / ".bench" / "bin" / "python"))
    parser.add_argument("--peer-batch", type=int, help="utterances, instead of its default, where memory is short")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="of sonorant, sharing the threads and each batch")
    parser.add_argument("--rounds", type=int, default=3, help="after one to warm up")
    parser.add_argument("--parts", action="store_true", help="tell also where our time goes")
    parser.add_argument("--quick", action="store_true", help="one round of a few utterances, to see that all runs")
    options = parser.parse_args()
    if options.quick:
        options.utterances, options.peer_batch, options.rounds = 8, 4, 1

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = parse_own(options.recipe, options.corpus or generate(folder, options.utterances))
        drawn, n_speakers = draw(recipe, folder, language=options.language, n=options.utterances)
        hand_over(drawn, folder / "peer.npz")
        threads = f"--threads={options.threads}"
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={options.processes}"]
        batch = [f"--batch={options.peer_batch}"] if options.peer_batch else []
        ours = Worker(
            [
                sys.executable,
                *(torchrun if options.processes > 1 else []),
                str(HERE / "workers" / "train_small_with_sonorant.py"),
                f"--threads={max(options.threads // options.processes, 1)}",
                f"--recipe={options.recipe}",
                f"--prepared={folder}",
            ]
        )
        peer = Worker(
            [
                options.peer_python,
                str(HERE / "workers" / "train_small_with_coqui.py"),
                threads,
                f"--utterances={folder / 'peer.npz'}",
                *batch,
            ]
        )
        lengths_s = [row.n_samples / recipe.framing.sample_rate_hz for row in drawn]
        print(
            f"{platform.processor() or platform.machine()}, {options.threads} threads, of sonorant in"
            f" {options.processes} processes, {options.rounds} rounds after one; {len(drawn)}"
            f" {'recorded' if options.corpus else 'generated'} utterances of {min(lengths_s):.1f} to"
            f" {max(lengths_s):.1f} s, median {statistics.median(lengths_s):.1f} s, {sum(lengths_s):.0f} s in all\n"
        )
        compare(ours, peer, n=len(drawn), rounds=options.rounds)
        print(
            NOTES.format(
                recipe=options.recipe.name,
                rate_khz=recipe.framing.sample_rate_hz / 1000,
                n_speakers=n_speakers,
                our_batches=ours.facts["batches"],
                our_items=ours.facts["items"],
                peer_batches=peer.facts["batches"],
                peer_items=peer.facts["items"],
            )
        )
        if options.parts:
            tell_parts(ours)
        for worker in (ours, peer):
            worker.close()


if __name__ == "__main__":
    main()
