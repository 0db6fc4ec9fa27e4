"""A VITS2 in training, as the evaluation sees it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sonorant.data.batch import Batch
from sonorant.models import Purpose, Synthesis
from sonorant.models.evaluation import Reconstruction
from sonorant.models.vits2.losses import kl
from sonorant.models.vits2.model import Vits2
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import ItemNoise


class Vits2Subject:
    """A `sonorant.models.evaluation.Subject`."""

    def __init__(self, network: nn.Module) -> None:
        assert isinstance(network, Vits2)
        self._network = network.for_inference(Purpose.CONVERSION)

    @property
    def device(self) -> torch.device:
        return self._network.text_encoder.embedding.weight.device

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        out = self._network.explain(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            align=monotonic_alignment,
            noise=ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=spec.device),
        )
        samples = self._network.decode(out.posterior.mean, out.frame_mask, out.embedding)
        return Reconstruction(samples, out.durations, float(kl(out)) / batch.n_frames[0])

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        return self._network.synthesize(batch.tokens, batch.token_lengths, batch.speakers, batch.languages, noise=noise)
