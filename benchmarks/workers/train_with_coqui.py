"""The other side of `benchmarks/train_step.py`: coqui-tts's VITS, stepped as its trainer does, in its environment."""

from __future__ import annotations

from itertools import repeat

import torch
from stepping import Watched, judging, memory_mb, serve, sizes
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
    model = vits.Vits(config)
    model.train()
    optimizers = model.get_optimizer()
    criteria = model.get_criterion()

    numbers = torch.Generator().manual_seed(0)
    n_samples = asked.frames * config.audio.hop_length
    batch = {
        "tokens": torch.randint(0, N_SYMBOLS, (asked.items, asked.tokens), generator=numbers),
        "token_lens": torch.full((asked.items,), asked.tokens),
        "waveform": torch.randn(asked.items, 1, n_samples, generator=numbers) * 0.1,
        "waveform_rel_lens": torch.ones(asked.items),
        "speaker_names": [],
        "language_names": [],
    }

    def step() -> None:
        """What trainer 0.4.0 does in `train_step` and `optimize` for two optimizers in full precision."""
        ready = model.format_batch_on_device(model.format_batch(dict(batch)))
        for index, (optimizer, criterion) in enumerate(zip(optimizers, criteria, strict=True)):
            _, losses = model.train_step(ready, criterion, index)
            losses["loss"].backward()
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, config.grad_clip[index])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            for value in losses.values():
                float(torch.as_tensor(value).detach())
        model.zero_grad(set_to_none=True)

    def watched() -> list[Watched]:
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

    discriminator = sum(parameter.numel() for parameter in model.disc.parameters())
    serve(
        step,
        watched,
        imported_mb=imported_mb,
        n_generator=sum(parameter.numel() for parameter in model.parameters()) - discriminator,
        n_discriminator=discriminator,
    )


if __name__ == "__main__":
    main()
