"""A NaturalSpeech in training, as the evaluation sees it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sonorant.data.batch import Batch
from sonorant.models import Purpose, Synthesis
from sonorant.models.evaluation import Reconstruction, own_weight
from sonorant.models.naturalspeech.labels import Labels
from sonorant.models.naturalspeech.losses import FrameByFrame, backward_divergence
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.latent import ItemNoise


class NaturalSpeechSubject:
    """A `sonorant.models.evaluation.Subject`."""

    def __init__(self, network: nn.Module, labels: Labels) -> None:
        assert isinstance(network, NaturalSpeech)
        self._network = network.for_inference(Purpose.CONVERSION)
        self._labels = labels

    @property
    def device(self) -> torch.device:
        return self._network.text_encoder.embedding.weight.device

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        labels = self._labels.of(batch)
        out = self._network(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            labels=labels,
            is_predicted=torch.zeros(1, dtype=torch.bool, device=self.device),
            noise=ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=self.device),
            segment_frames=1,
            imagines=False,
        )
        samples = self._network.decode(out.posterior.mean, out.frame_mask, self._network.embed(batch.speakers))
        durations = labels.long()
        weights = out.prior.weights.mean(dim=1).transpose(1, 2)
        return Reconstruction(
            samples,
            durations,
            float(backward_divergence(out, FrameByFrame())) / batch.n_frames[0],
            own_weight=own_weight(weights, durations),
            weights=weights,
        )

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        return self._network.synthesize(batch.tokens, batch.token_lengths, batch.speakers, batch.languages, noise=noise)
