"""VITS2 as a game of two: the generator's pass, and what each side is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SILENCE, MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.slices import Judgements, judgements_to_learn, judgements_to_please
from sonorant.models.vits2.losses import ADVERSARIAL, OPTIONAL, discriminator_terms, generator_terms
from sonorant.models.vits2.model import Vits2Output
from sonorant.nn.alignment import noisy_alignment
from sonorant.nn.latent import ItemNoise, sliced
from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule, value_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Played:
    """A pass of the generator beside the recording it is compared with."""

    out: Vits2Output
    recorded: Tensor  # [B, 1, segment_frames * hop]
    mel: Tensor  # [B, M, segment_frames], of the recording


@dataclass(frozen=True)
class GameSettings:
    """How slices are cut, compared and aligned.

    terms: of the generator's loss. alignment_noise: in shares of the deviation of an item's log-likelihoods (2.2).
    """

    terms: tuple[str, ...]
    spectrogram: SpectrogramConfig
    mel: MelConfig
    spectral: StftLossConfig
    segment_frames: Schedule
    alignment_noise: Schedule


class Vits2Game:
    """The terms of VITS2 for the GAN step."""

    adversarial = ADVERSARIAL
    optional = OPTIONAL

    def __init__(
        self,
        fabric: Fabric,
        generator: Player,
        discriminator: Player | None,
        *,
        settings: GameSettings,
    ) -> None:
        """discriminator: None where no adversarial term is ever wanted."""
        self._fabric = fabric
        self._generator = generator
        self._discriminator = discriminator
        self._settings = settings
        self.terms = settings.terms

    def generate(self, batch: Batch, step: int) -> Played:
        cfg, n = self._settings.spectrogram, int(value_at(self._settings.segment_frames, step))
        spec = linear_spectrogram(batch.samples, cfg, batch.frame_lengths * cfg.hop)
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device)
        scale = value_at(self._settings.alignment_noise, step)

        def align(value: Tensor, mask: Tensor) -> Tensor:
            drawn = noise.per_pair(*value.shape[1:]) if scale else value
            return noisy_alignment(value, mask, noise=drawn, scale=scale)

        out: Vits2Output = self._generator(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            align=align,
            noise=noise,
            pitch_hz=batch.pitch,
            segment_frames=n,
        )
        recorded = sliced(batch.samples.unsqueeze(1), out.slice_starts * cfg.hop, n * cfg.hop)
        # Behind an item's end there is silence, in its samples as in its spectrum.
        heard = torch.where(out.explained.frame_mask > 0, spec, SILENCE)
        mel = mel_spectrogram(sliced(heard, out.slice_starts, n, value=SILENCE), cfg, self._settings.mel)
        return Played(out, recorded, mel)

    def judge(self, batch: Batch, out: Played) -> dict[str, Tensor]:
        assert self._discriminator is not None, "there is no discriminator to learn"
        judgements = judgements_to_learn(self._discriminator, recorded=out.recorded, generated=out.out.samples)
        return discriminator_terms(judgements, totals=batch.totals)

    def judged(self, batch: Batch, out: Played, wanted: frozenset[str]) -> dict[str, Tensor]:
        cfg = self._settings.spectrogram
        generated_mel = mel_spectrogram(linear_spectrogram(out.out.samples.squeeze(1), cfg), cfg, self._settings.mel)

        def judge() -> Judgements:
            assert self._discriminator is not None, "there is no discriminator to ask"
            return judgements_to_please(
                self._fabric, self._discriminator, recorded=out.recorded, generated=out.out.samples
            )

        return generator_terms(
            out.out,
            recorded=out.recorded,
            mel=out.mel,
            generated_mel=generated_mel,
            spectral=self._settings.spectral,
            judge=judge,
            totals=batch.totals,
            wanted=wanted,
        )
