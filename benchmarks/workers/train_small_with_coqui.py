"""The other side of `benchmarks/train_small.py`: coqui-tts's VITS with nothing configured, in its environment."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from stepping import memory_mb, serve
from train_with_coqui import CoquiTraining, as_batch
from TTS.tts.configs.vits_config import VitsConfig


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--utterances", type=Path, required=True)
    parser.add_argument("--batch", type=int)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    imported_mb = memory_mb()
    config = VitsConfig()
    n_items = options.batch or config.batch_size
    training = CoquiTraining(config)

    numbers = torch.Generator().manual_seed(0)
    with np.load(options.utterances) as file:
        n_tokens = file["n_tokens"].tolist()
        samples = [torch.from_numpy(file[str(index)]) for index in range(len(n_tokens))]
    n_symbols = training.model.args.num_chars
    tokens = [torch.randint(0, n_symbols, (n,), generator=numbers) for n in n_tokens]
    order = sorted(range(len(samples)), key=lambda row: len(samples[row]))  # as its data set does
    rows = [order[start : start + n_items] for start in range(0, len(order), n_items)]
    epoch = [as_batch([tokens[row] for row in batch], [samples[row] for row in batch]) for batch in rows]

    def all_batches() -> None:
        for batch in epoch:
            training.step(batch)

    serve(
        {"coqui-tts": all_batches},
        training.watched,
        imported_mb=imported_mb,
        batches=len(epoch),
        items=n_items,
        **training.facts,
    )


if __name__ == "__main__":
    main()
