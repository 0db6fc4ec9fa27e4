"""How soon a decoder sounds clean: decoders alone, on the same latents of recordings, judged every some steps.

    python benchmarks/learn_decoders.py corpora/asterisk/manifest.jsonl --decoder harmonic istft --steps 500

The latents are what the posterior of a voice that converts (the embedded one, unless --voice names another) hears in
the training split; nothing but the decoder learns, from the same slices in the same order. Spectral losses alone for
300 steps, then beside discriminators of spectra, as in `configs/vits2/small.yaml`. Judged are held-out recordings of a
second and more, decoded from the posterior's mean, with the pitch that the decoder finds: DNSMOS (1 to 5) and the mel
distance, beside the recordings themselves. Takes about half an hour a decoder and thousand steps on one core.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.features import Pitch, Recording, Waveform
from sonorant.data.manifest import audio_path, read_manifest
from sonorant.evaluation.quality import QualityJudge, levelled
from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.losses.spectral import StftLossConfig, mel_distance, stft_distance
from sonorant.models.latent_network import LatentNetwork
from sonorant.nn.decoder import DecoderConfig, build_decoder
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig
from sonorant.nn.harmonic_head import HarmonicHead, HarmonicHeadConfig
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Exponential, value_at
from sonorant.voice import default
from sonorant.voice.bundle import Bundle
from sonorant.voice.runtime_torch import load_network

SEGMENT_FRAMES, BATCH_ITEMS, ADVERSARY_FROM = 32, 12, 300
MEL, SPECTRAL = MelConfig(), StftLossConfig()
RATE = OptimizerConfig(learning_rate=Exponential(value=6e-4, gamma=0.9999, warmup=200))


@dataclass(frozen=True)
class Item:
    """A recording, and what the posterior hears in it."""

    samples: Tensor  # [N]
    pitch_hz: Tensor  # [T]
    mean: Tensor  # [C, T]
    std: Tensor  # [C, T]
    embedding: Tensor  # [d_cond, 1]


def heard(manifest: Path, bundle: Bundle, network: LatentNetwork, *, limit: int) -> tuple[list[Item], list[Item]]:
    """The training split, and `limit` held-out recordings."""
    spectrogram, speakers = network.spectrogram, list(bundle.manifest.speakers)
    waveform = Waveform(spectrogram.sample_rate_hz)
    pitch = Pitch(spectrogram.sample_rate_hz, spectrogram.hop)
    assert network.posterior is not None, "a voice that converts has one"
    train, held = [], []
    for utterance in read_manifest(manifest):
        is_held = utterance.split != "train" and utterance.duration_s > 1.5
        if utterance.speaker not in speakers or (utterance.split != "train" and not is_held):
            continue
        place = Recording(utterance.id, audio_path(manifest, utterance), utterance.start_s, utterance.end_s)
        samples = waveform(place)
        n_frames = len(samples) // spectrogram.hop
        if n_frames < SEGMENT_FRAMES:
            continue
        samples = samples[: n_frames * spectrogram.hop]
        tensor = torch.from_numpy(samples.copy())
        with torch.no_grad():
            embedding = network.embed(torch.tensor([speakers.index(utterance.speaker)]))
            assert embedding is not None, "a voice that converts has several speakers"
            seen = network.seen(linear_spectrogram(tensor.unsqueeze(0), spectrogram))
            still = torch.zeros(1, network.posterior.d_latent, n_frames)
            posterior = network.posterior(seen, torch.ones(1, 1, n_frames), still, embedding)
        item = Item(
            tensor, torch.from_numpy(pitch.of(samples)), posterior.mean[0], posterior.log_std[0].exp(), embedding[0]
        )
        (held if is_held else train).append(item)
    random.Random(0).shuffle(held)
    return train, held[:limit]


def judged(decoder: torch.nn.Module, held: Sequence[Item], spectrogram: SpectrogramConfig) -> tuple[float, float]:
    """DNSMOS of what is decoded, and its mel distance."""
    judge, overall, distance = QualityJudge(), 0.0, 0.0
    with torch.no_grad():
        for item in held:
            samples = decoder(item.mean.unsqueeze(0), item.embedding.unsqueeze(0))[0]
            overall += quality(judge, samples[0], spectrogram)
            distance += float(mel_distance(mel(samples, spectrogram), mel(item.samples.unsqueeze(0), spectrogram)))
    return overall / len(held), distance / len(held)


def quality(judge: QualityJudge, samples: Tensor, spectrogram: SpectrogramConfig) -> float:
    """DNSMOS of [N], at the level that `sonorant evaluate` judges at."""
    rate = spectrogram.sample_rate_hz
    return judge(levelled(samples.numpy(), rate), rate).overall


def mel(samples: Tensor, spectrogram: SpectrogramConfig) -> Tensor:
    return mel_spectrogram(linear_spectrogram(samples, spectrogram), spectrogram, MEL)


def learn(
    cfg: DecoderConfig, network: LatentNetwork, train: Sequence[Item], held: Sequence[Item], *, steps: int, every: int
) -> None:
    spectrogram, hop = network.spectrogram, network.spectrogram.hop
    torch.manual_seed(0)
    draw = random.Random(0)
    first, rate = train[0], spectrogram.sample_rate_hz
    decoder = build_decoder(cfg, first.mean.shape[0], first.embedding.shape[0], sample_rate_hz=rate)
    judges = Discriminators(DiscriminatorConfig(periods=(), scale=None, frames=FrameDiscriminatorConfig()))
    optimizers = [torch.optim.AdamW(each.parameters(), betas=(0.8, 0.99)) for each in (decoder, judges)]
    weights = [len(item.samples) for item in train]
    began = time.monotonic()
    for step in range(steps):
        chosen = draw.choices(train, weights=weights, k=BATCH_ITEMS)
        starts = [draw.randrange(item.mean.shape[1] - SEGMENT_FRAMES + 1) for item in chosen]
        cuts = [slice(start, start + SEGMENT_FRAMES) for start in starts]
        pairs = list(zip(chosen, cuts, strict=True))
        z = torch.stack([item.mean[:, cut] for item, cut in pairs])
        z = z + torch.stack([item.std[:, cut] for item, cut in pairs]) * torch.randn_like(z)
        real = torch.stack([item.samples[cut.start * hop : cut.stop * hop] for item, cut in pairs]).unsqueeze(1)
        embedding = torch.stack([item.embedding for item in chosen])
        if isinstance(decoder, HarmonicHead):
            pitch_hz = torch.stack([item.pitch_hz[cut] for item, cut in pairs])
            noise, phase = torch.randn(len(pairs), real.shape[2]), torch.rand(len(pairs))
            made, source = decoder.learn(z, embedding, pitch_hz=pitch_hz, noise=noise, phase=phase)
            assert source is not None, "the pitch was told"
            loss = 10 * source.mean()
        else:
            made, loss = decoder(z, embedding), torch.zeros(())
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = value_at(RATE.learning_rate, step)
        is_judged = step >= ADVERSARY_FROM
        loss = loss + 45 * mel_distance(mel(made[:, 0], spectrogram), mel(real[:, 0], spectrogram)).mean()
        loss = loss + (2 if is_judged else 10) * stft_distance(made[:, 0], real[:, 0], SPECTRAL).mean()
        if is_judged:
            of_judges = discriminator_loss(judges(real), judges(made.detach())).mean()
            optimizers[1].zero_grad()
            of_judges.backward()
            optimizers[1].step()
            judges.requires_grad_(False)
            of_real, of_made = judges(real), judges(made)
            loss = loss + generator_loss(of_made).mean() + 2 * feature_distance(of_real, of_made).mean()
        optimizers[0].zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1000)
        optimizers[0].step()
        judges.requires_grad_(True)
        if (step + 1) % every == 0:
            overall, distance = judged(decoder, held, spectrogram)
            print(
                f"| {cfg.kind} | {step + 1:,} | {overall:.2f} | {distance:.3f} | {time.monotonic() - began:.0f} s |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--voice", default="asterisk")
    parser.add_argument("--decoder", nargs="+", choices=["harmonic", "istft"], default=["harmonic", "istft"])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--limit", type=int, default=24, help="held-out recordings that are judged")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bundle = Bundle.read(default.find(options.voice))
    network = load_network(bundle)
    if not isinstance(network, LatentNetwork) or network.posterior is None or network.n_speakers == 1:
        raise SystemExit(f"{options.voice}: does not convert, so nothing says what its latents are")
    train, held = heard(options.manifest, bundle, network, limit=options.limit)
    rate, hop = network.spectrogram.sample_rate_hz, network.spectrogram.hop
    minutes = sum(len(item.samples) for item in train) / rate / 60
    print(f"{minutes:.0f} minutes to learn from, {len(held)} recordings judged", file=sys.stderr)
    judge = QualityJudge()
    overall = sum(quality(judge, item.samples, network.spectrogram) for item in held) / len(held)
    print("| decoder | steps | DNSMOS | mel | after |\n|---|---|---|---|---|")
    print(f"| recorded | | {overall:.2f} | | |", flush=True)
    kinds: dict[str, DecoderConfig] = {
        "harmonic": HarmonicHeadConfig(hop=hop, n_fft=4 * hop, d=256, d_filter=768),
        "istft": IstftHeadConfig(hop=hop, n_fft=4 * hop, d=256, d_filter=768),
    }
    for kind in options.decoder:
        learn(kinds[kind], network, train, held, steps=options.steps, every=options.every)


if __name__ == "__main__":
    main()
