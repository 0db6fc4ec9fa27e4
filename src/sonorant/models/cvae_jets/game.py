"""CVAE-JETS as a game of two: the generator's pass, and what each side is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from sonorant.audio.spectrogram import SILENCE, MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.data.batch import Batch
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.cvae_jets.losses import ADVERSARIAL, OPTIONAL, discriminator_terms, generator_terms
from sonorant.models.cvae_jets.model import CvaeJetsOutput
from sonorant.models.slices import Judgements, judgements_to_learn, judgements_to_please
from sonorant.nn.latent import ItemNoise, sliced
from sonorant.training.optim import Player
from sonorant.training.schedule import Schedule, value_at

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Played:
    """A pass of the generator beside the recording it is compared with."""

    out: CvaeJetsOutput
    recorded: Tensor  # [B, 1, segment_frames * hop]
    mel: Tensor  # [B, M, segment_frames], of the recording


@dataclass(frozen=True)
class GameSettings:
    """How slices are cut and compared.

    terms: of the generator's loss. softness: how much of what frames hear comes by the soft attention. gain_db: by how
    much at most a recording is heard louder or softer.
    """

    terms: tuple[str, ...]
    spectrogram: SpectrogramConfig
    mel: MelConfig
    spectral: StftLossConfig
    segment_frames: Schedule
    softness: Schedule
    level: Literal["frame", "token"]
    gain_db: float = 0.0


class CvaeJetsGame:
    """The terms of CVAE-JETS for the GAN step."""

    adversarial = ADVERSARIAL
    optional = OPTIONAL

    def __init__(self, fabric: Fabric, generator: Player, discriminator: Player, *, settings: GameSettings) -> None:
        self._fabric = fabric
        self._generator = generator
        self._discriminator = discriminator
        self._settings = settings
        self.terms = settings.terms

    def generate(self, batch: Batch, step: int) -> Played:
        settings = self._settings
        cfg, n = settings.spectrogram, int(value_at(settings.segment_frames, step))
        assert batch.pitch is not None, "batches of this system hold the pitch"
        noise = ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=batch.samples.device)
        samples = batch.samples
        if settings.gain_db:
            samples = samples * 10 ** (settings.gain_db / 20 * (2 * noise.uniform() - 1)).unsqueeze(1)
        spec = linear_spectrogram(samples, cfg, batch.frame_lengths * cfg.hop)
        out: CvaeJetsOutput = self._generator(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            pitch_hz=batch.pitch,
            softness=value_at(settings.softness, step),
            noise=noise,
            segment_frames=n,
        )
        recorded = sliced(samples.unsqueeze(1), out.slice_starts * cfg.hop, n * cfg.hop)
        # Behind an item's end there is silence, in its samples as in its spectrum.
        heard = torch.where(out.explained.frame_mask > 0, spec, SILENCE)
        mel = mel_spectrogram(sliced(heard, out.slice_starts, n, value=SILENCE), cfg, settings.mel)
        return Played(out, recorded, mel)

    def judge(self, batch: Batch, played: Played) -> dict[str, Tensor]:
        judgements = judgements_to_learn(self._discriminator, recorded=played.recorded, generated=played.out.samples)
        return discriminator_terms(judgements, totals=batch.totals)

    def judged(self, batch: Batch, played: Played, wanted: frozenset[str]) -> dict[str, Tensor]:
        settings = self._settings
        cfg, samples = settings.spectrogram, played.out.samples

        def judge() -> Judgements:
            return judgements_to_please(self._fabric, self._discriminator, recorded=played.recorded, generated=samples)

        return generator_terms(
            played.out,
            recorded=played.recorded,
            mel=played.mel,
            generated_mel=mel_spectrogram(linear_spectrogram(samples.squeeze(1), cfg), cfg, settings.mel),
            spectral=settings.spectral,
            level=settings.level,
            token_lengths=batch.token_lengths,
            frame_lengths=batch.frame_lengths,
            judge=judge,
            totals=batch.totals,
            wanted=wanted,
        )
