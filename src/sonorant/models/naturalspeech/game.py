"""NaturalSpeech as a game of two: the generator's pass, and what each side is told of it.

What the decoder makes of recordings and what it makes of the prior's own speech are two games against the same
discriminators (3.6); each is played with the same weight on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SILENCE, MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.losses.adversarial import discriminator_loss, feature_distance, generator_loss
from sonorant.losses.spectral import StftLossConfig, mel_distance, stft_distance
from sonorant.models.naturalspeech.labels import Labels
from sonorant.models.naturalspeech.losses import (
    ADVERSARIAL,
    OF_IMAGINED,
    DivergenceConfig,
    backward_divergence,
    duration_error,
    forward_divergence,
)
from sonorant.models.naturalspeech.model import NaturalSpeech, NaturalSpeechOutput
from sonorant.models.slices import judgements_of, known
from sonorant.nn.latent import ItemNoise, sliced
from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule, extremes, value_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Played:
    """A pass of the generator beside the recording it is compared with. weights: of the terms, at its step."""

    out: NaturalSpeechOutput
    weights: Mapping[str, float]
    labels: Tensor  # [B, L]
    recorded: Tensor  # [B, 1, segment_frames * hop]
    mel: Tensor  # [B, M, segment_frames], of the recording


@dataclass(frozen=True)
class GameSettings:
    """How a stage plays.

    predicted: the share of items that last as long as predicted, not as long as they did.
    memory_share: how much of what the decoder is given comes from the memory bank.
    """

    spectrogram: SpectrogramConfig
    mel: MelConfig
    spectral: StftLossConfig
    divergence: DivergenceConfig
    segment_frames: int
    predicted: Schedule
    memory_share: Schedule
    losses: Mapping[str, Schedule]


class NaturalSpeechGame:
    """The terms of NaturalSpeech for the GAN step."""

    adversarial = ADVERSARIAL

    def __init__(
        self, fabric: Fabric, generator: Player, discriminator: Player, *, settings: GameSettings, labels: Labels
    ) -> None:
        self._fabric = fabric
        self._generator = generator
        self._discriminator = discriminator
        self._settings = settings
        self._labels = labels
        self.terms = tuple(settings.losses)
        # What reaches a part alone is computed even while it has no weight: processes wait for every part's gradient.
        never = {name for name, schedule in settings.losses.items() if extremes(schedule) == (0.0, 0.0)}
        self.optional = ADVERSARIAL | {"spectral", "kl_forward"} | never

    def generate(self, batch: Batch, step: int) -> Played:
        settings = self._settings
        cfg, n = settings.spectrogram, settings.segment_frames
        weights = {name: value_at(schedule, step) for name, schedule in settings.losses.items()}
        network = self._generator.network
        assert isinstance(network, NaturalSpeech)
        if network.memory is not None:
            network.memory.share.fill_(value_at(settings.memory_share, step))

        spec = linear_spectrogram(batch.samples, cfg, batch.frame_lengths * cfg.hop)
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device)
        labels = self._labels.of(batch)
        out: NaturalSpeechOutput = self._generator(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            labels=labels,
            is_predicted=noise.uniform() < value_at(settings.predicted, step),
            noise=noise,
            segment_frames=n,
            pitch_hz=batch.pitch,
            imagines=any(weights[name] for name in OF_IMAGINED),
        )
        recorded = sliced(batch.samples.unsqueeze(1), out.slice_starts * cfg.hop, n * cfg.hop)
        # Behind an item's end there is silence, in its samples as in its spectrum.
        heard = torch.where(out.frame_mask > 0, spec, SILENCE)
        mel = mel_spectrogram(sliced(heard, out.slice_starts, n, value=SILENCE), cfg, settings.mel)
        return Played(out, weights, labels, recorded, mel)

    def judge(self, batch: Batch, played: Played) -> dict[str, Tensor]:
        weights = {name: played.weights[name] for name in ("adversarial", "end_to_end")}
        if played.weights["feature"] and not weights["adversarial"]:
            weights["adversarial"] = 1.0  # features are worth as much as what judges by them has learned
        slices = {"adversarial": played.out.samples}
        if played.out.imagined is not None:
            slices["end_to_end"] = played.out.imagined.samples
        games = {name: samples for name, samples in slices.items() if weights[name]}
        real, *generated = judgements_of(self._discriminator, played.recorded, *games.values())
        return {
            "loss" if name == "adversarial" else f"loss_{name}": (
                weights[name] * discriminator_loss(real, found).sum() / batch.totals.items
            )
            for name, found in zip(games, generated, strict=True)
        }

    def judged(self, batch: Batch, played: Played, wanted: frozenset[str]) -> dict[str, Tensor]:
        out, settings, totals = played.out, self._settings, batch.totals
        cfg = settings.spectrogram

        def mel() -> Tensor:
            generated = mel_spectrogram(linear_spectrogram(out.samples.squeeze(1), cfg), cfg, settings.mel)
            return mel_distance(generated, played.mel)

        computed = {
            "mel": lambda: mel().sum() / totals.items,
            # Not the paper's: what carries the young decoder until there are discriminators.
            "spectral": lambda: (
                stft_distance(out.samples[:, 0], played.recorded[:, 0], settings.spectral).sum() / totals.items
            ),
            # Of decoders that find the pitch of what they say.
            "source": lambda: known(out.source_loss).sum() / totals.items,
            "kl": lambda: backward_divergence(out, settings.divergence).sum() / totals.frames,
            "kl_forward": lambda: forward_divergence(out, settings.divergence).sum() / totals.frames,
            "duration": lambda: duration_error(out, played.labels).sum() / totals.tokens,
        }
        terms = {name: term() for name, term in computed.items() if name in wanted}
        return terms | {name: term / totals.items for name, term in self._pleasing(played, wanted).items()}

    def _pleasing(self, played: Played, wanted: frozenset[str]) -> dict[str, Tensor]:
        """What the discriminators make of what was generated, as sums over items; the paper's L_e2e is the last."""
        network = self._discriminator.network
        terms: dict[str, Tensor] = {}
        with self._fabric.autocast():
            if wanted & {"adversarial", "feature"}:
                generated = network(played.out.samples)
                if "adversarial" in wanted:
                    terms["adversarial"] = generator_loss(generated).sum()
                if "feature" in wanted:
                    with torch.no_grad():
                        real = network(played.recorded)
                    terms["feature"] = feature_distance(real, generated).sum()
            if "end_to_end" in wanted:
                assert played.out.imagined is not None, "nothing was imagined"
                terms["end_to_end"] = generator_loss(network(played.out.imagined.samples)).sum()
        return terms
