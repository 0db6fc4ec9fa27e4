"""What a voice has left behind, learned again from what the voice says: the sleep phase of wake-sleep.

A voice for speaking has no posterior. Asked of another speaker's recordings, against the frozen rest, a posterior
would have to explain what the voice never says. So the voice says the corpus's texts with its own chance, its dreams:
there the latent frames behind each sound are known, and the posterior learns to name them by maximum likelihood
(Hinton, Dayan, Frey and Neal 1995). A stochastic predictor's posterior of durations learns from the dreamed durations.
B batch, C channels, L tokens, T frames, N samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.data.batch import Batch
from sonorant.losses.divergence import gaussian_surprise
from sonorant.models.vits2.model import Vits2
from sonorant.nn.duration import StochasticDurationPredictor
from sonorant.nn.latent import ItemNoise
from sonorant.seeds import seed_of
from sonorant.training.optim import Player
from sonorant.training.terms import Terms

NEEDED = re.compile(r"(?!.*\bcondition\.)(decoder\.|duration\.(?!posterior\.|flow\.first\.|noise\.))")
"""The weights that a source must have to dream, by their names; by which a speaker enters begins silent."""


class Recognition(nn.Module):
    """The parts of a network that learn from dreams, by the names they have there."""

    def __init__(self, network: Vits2) -> None:
        super().__init__()
        assert network.posterior is not None, "a network for speaking has nothing to learn"
        self.posterior = network.posterior
        self.duration: StochasticDurationPredictor | None = None
        if isinstance(network.duration, StochasticDurationPredictor):
            self.duration = network.duration

    def forward(
        self,
        seen: Tensor,
        z: Tensor,
        hidden: Tensor,
        durations: Tensor,
        duration_noise: Tensor,
        token_mask: Tensor,
        frame_mask: Tensor,
        embedding: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """How unexpected what was dreamed is: the latent frames and the durations, each float32 [B], in nats.

        seen: [B, d_in, T], what the posterior sees of the dream; the others as in `Imagined`, lengths to match.
        duration_noise: [B, d_noise, L].
        """
        posterior = self.posterior(seen, frame_mask, torch.zeros_like(z), embedding)
        of_frames = gaussian_surprise(z, posterior.mean, posterior.log_std, frame_mask)
        if self.duration is None:
            return of_frames, torch.zeros_like(of_frames)
        with torch.autocast(hidden.device.type, enabled=False):  # splines and their logarithms need the precision
            of_speaker = None if embedding is None else embedding.float()
            of_tokens = self.duration.loss(hidden, token_mask, durations, duration_noise, of_speaker)
        return of_frames, of_tokens


class Dreaming:
    """The objective: a batch's texts are said by the frozen voice, and heard by what learns."""

    terms: tuple[str, ...] = ("posterior", "duration")

    def __init__(self, learner: Player, voice: Vits2) -> None:
        """learner: of a Recognition. voice: in evaluation mode; it speaks as the network does before it learns."""
        self._learner = learner
        self._voice = voice

    def __call__(self, batch: Batch, step: int, wanted: frozenset[str]) -> Terms:
        cfg, noise = self._voice.cfg.spectrogram, _DreamNoise(batch.seeds, batch.tokens.device)
        with torch.no_grad():
            dream = self._voice.imagine(batch.tokens, batch.token_lengths, batch.speakers, batch.languages, noise=noise)
            n_frames = dream.durations.sum(dim=1)
            total = int(n_frames.max())
            frame_mask, z = dream.frame_mask[:, :, :total], dream.z[:, :, :total].float()
            samples = self._voice.decode(z, frame_mask, dream.embedding).float()
            # A spectrogram needs more samples than its padding reflects, however short a dream is.
            least = (cfg.n_fft - cfg.hop) // 2 + 1
            samples = F.pad(samples, (0, max(least - samples.shape[1], 0)))
            spec = linear_spectrogram(samples, cfg, (n_frames * cfg.hop).clamp(min=least))[:, :, :total]
            seen = self._voice.seen(spec)
        n_tokens = batch.token_lengths.tolist()
        of_durations = ItemNoise(batch.seeds, n_tokens=n_tokens, n_frames=(), device=z.device)
        d_noise = self._voice.duration.d_noise
        of_frames, of_tokens = self._learner(
            seen,
            z,
            dream.hidden.float(),
            dream.durations,
            of_durations.per_token(d_noise, dream.token_mask.shape[2]),
            dream.token_mask,
            frame_mask,
            dream.embedding,
        )
        # Of each item the mean: how many frames the whole batch dreams is not known beforehand.
        terms = {
            "posterior": (of_frames / n_frames).sum() / batch.totals.items,
            "duration": of_tokens.sum() / batch.totals.tokens,
        }
        return {name: terms[name] for name in self.terms if name in wanted}


class _DreamNoise:
    """Standard normal numbers that each item draws for itself, whatever shares its batch."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        # Others than those that ItemNoise draws from the same seeds.
        self._generators = [torch.Generator().manual_seed(seed_of("dream", seed)) for seed in seeds]
        self._device = device

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        return torch.cat(list(self._rows(*shape))).to(self._device)

    def _rows(self, n_items: int, d: int, n: int) -> Iterator[Tensor]:
        for generator in self._generators:
            # Position by position and in whole granules, so that a longer row begins as a shorter one.
            drawn = torch.randn(-(-n // 16) * 16, d, generator=generator)
            yield drawn[:n].T.unsqueeze(0)
