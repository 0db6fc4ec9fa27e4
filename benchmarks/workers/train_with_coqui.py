"""The other side of `benchmarks/train_step.py`: coqui-tts's VITS, stepped as its trainer does, in its environment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import torch
from stepping import Watched, judging, memory_mb, serve, sizes
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from TTS.tts.configs.shared_configs import CharactersConfig
from TTS.tts.configs.vits_config import VitsConfig
from TTS.tts.models import vits

N_SYMBOLS = 178


def main() -> None:
    asked = sizes()
    torch.set_num_threads(asked.threads)
    imported_mb = memory_mb()
    config = VitsConfig(
        characters=CharactersConfig(
            characters_class="TTS.tts.models.vits.VitsCharacters",
            pad="_",
            blank="<BLNK>",
            characters="".join(chr(0x4E00 + row) for row in range(N_SYMBOLS - 2)),
            punctuations="",
        )
    )
    training = CoquiTraining(config)
    numbers = torch.Generator().manual_seed(0)
    n_samples = asked.frames * config.audio.hop_length
    batch = as_batch(
        [torch.randint(0, N_SYMBOLS, (asked.tokens,), generator=numbers) for _ in range(asked.items)],
        [torch.randn(n_samples, generator=numbers) * 0.1 for _ in range(asked.items)],
    )
    serve({"step": lambda: training.step(batch)}, training.watched, imported_mb=imported_mb, **training.facts)


class CoquiTraining:
    """The model and its optimizers."""

    def __init__(self, config: VitsConfig) -> None:
        self.config = config
        self.model = vits.Vits(config)
        self.model.train()
        self._optimizers = self.model.get_optimizer()
        self._criteria = self.model.get_criterion()
        discriminator = sum(parameter.numel() for parameter in self.model.disc.parameters())
        generator = sum(parameter.numel() for parameter in self.model.parameters()) - discriminator
        self.facts = {"n_generator": generator, "n_discriminator": discriminator}

    def step(self, batch: dict[str, Any]) -> None:
        """What trainer 0.4.0 does in `train_step` and `optimize` for two optimizers in full precision."""
        ready = self.model.format_batch_on_device(self.model.format_batch(dict(batch)))
        for index, (optimizer, criterion) in enumerate(zip(self._optimizers, self._criteria, strict=True)):
            _, losses = self.model.train_step(ready, criterion, index)
            losses["loss"].backward()
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, self.config.grad_clip[index])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            for value in losses.values():
                float(torch.as_tensor(value).detach())
        self.model.zero_grad(set_to_none=True)

    def watched(self) -> list[Watched]:
        """The parts of one step."""
        model = self.model
        return [
            Watched(model.text_encoder, "forward", repeat("text encoder")),
            Watched(model.posterior_encoder, "forward", repeat("posterior")),
            Watched(model.flow, "forward", repeat("flow")),
            Watched(vits, "maximum_path", repeat("alignment")),
            Watched(model.duration_predictor, "forward", repeat("duration")),
            Watched(model.waveform_decoder, "forward", repeat("decoder")),
            Watched(model.disc, "forward", judging()),
            Watched(model, "format_batch_on_device", repeat("spectrograms")),
            Watched(vits, "wav_to_mel", repeat("spectrograms")),
            Watched(torch.nn.utils, "clip_grad_norm_", repeat("norms of gradients")),
        ]


def as_batch(tokens: Sequence[Tensor], samples: Sequence[Tensor]) -> dict[str, Any]:
    """Utterances, int64 [L] and float32 [N] of each, as its collate function pads them."""
    n_samples = torch.tensor([len(wave) for wave in samples])
    return {
        "tokens": pad_sequence(list(tokens), batch_first=True),
        "token_lens": torch.tensor([len(row) for row in tokens]),
        "waveform": pad_sequence(list(samples), batch_first=True).unsqueeze(1),
        "waveform_rel_lens": n_samples / n_samples.max(),
        "speaker_names": [],
        "language_names": [],
    }


if __name__ == "__main__":
    main()
