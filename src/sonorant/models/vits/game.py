"""VITS as a game of two: the generator's pass, and what each side is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.models.slices import Judgements, judgements_to_learn, judgements_to_please
from sonorant.models.vits.losses import ADVERSARIAL, TERMS, discriminator_terms, generator_terms
from sonorant.models.vits.model import VitsOutput
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import ItemNoise, slice_segments
from sonorant.training.optim import Player

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Played:
    """A pass of the generator beside the recording it is compared with."""

    out: VitsOutput
    recorded: Tensor  # [B, 1, segment_frames * hop]
    mel: Tensor  # [B, M, segment_frames], of the recording


class VitsGame:
    """The terms of VITS for the GAN step."""

    terms: tuple[str, ...] = TERMS
    adversarial = ADVERSARIAL
    optional = ADVERSARIAL

    def __init__(
        self,
        fabric: Fabric,
        generator: Player,
        discriminator: Player,
        *,
        spectrogram: SpectrogramConfig,
        mel: MelConfig,
        segment_frames: int,
    ) -> None:
        self._fabric = fabric
        self._spectrogram = spectrogram
        self._mel = mel
        self._segment_frames = segment_frames
        self._generator = generator
        self._discriminator = discriminator

    def generate(self, batch: Batch, step: int) -> Played:
        cfg, n = self._spectrogram, self._segment_frames
        spec = linear_spectrogram(batch.samples, cfg, batch.frame_lengths * cfg.hop)
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device)
        out: VitsOutput = self._generator(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            align=monotonic_alignment,
            noise=noise,
            segment_frames=n,
        )
        recorded = slice_segments(batch.samples.unsqueeze(1), out.slice_starts * cfg.hop, n * cfg.hop)
        mel = mel_spectrogram(slice_segments(spec, out.slice_starts, n), cfg, self._mel)
        return Played(out, recorded, mel)

    def judge(self, batch: Batch, out: Played) -> dict[str, Tensor]:
        judgements = judgements_to_learn(self._discriminator, recorded=out.recorded, generated=out.out.samples)
        return discriminator_terms(judgements, totals=batch.totals)

    def judged(self, batch: Batch, out: Played, wanted: frozenset[str]) -> dict[str, Tensor]:
        cfg = self._spectrogram
        generated_mel = mel_spectrogram(linear_spectrogram(out.out.samples.squeeze(1), cfg), cfg, self._mel)

        def judge() -> Judgements:
            return judgements_to_please(
                self._fabric, self._discriminator, recorded=out.recorded, generated=out.out.samples
            )

        return generator_terms(
            out.out, mel=out.mel, generated_mel=generated_mel, judge=judge, totals=batch.totals, wanted=wanted
        )
