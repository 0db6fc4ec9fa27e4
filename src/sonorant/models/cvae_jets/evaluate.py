"""A CVAE-JETS in training, as the evaluation sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from sonorant.data.batch import Batch
from sonorant.models import Purpose, Synthesis
from sonorant.models.cvae_jets.losses import kl
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.evaluation import Reconstruction, own_weight
from sonorant.nn.latent import ItemNoise
from sonorant.training.schedule import Schedule, value_at
from sonorant.training.tracker import Exhibits

Look = Callable[[nn.Module, int], Exhibits]
"""At a network, at a step."""
FORMED = 0.5
"""The own weight below which there is no alignment yet: at a half and above, a path runs where frames listen."""


class CvaeJetsSubject:
    """A `sonorant.models.evaluation.Subject`."""

    def __init__(self, network: nn.Module) -> None:
        assert isinstance(network, CvaeJets)
        self._network = network.for_inference(Purpose.CONVERSION)

    @property
    def device(self) -> torch.device:
        return self._network.text_encoder.embedding.weight.device

    def reconstruct(self, batch: Batch, spec: Tensor) -> Reconstruction:
        """Through the posterior's mean; without a latent, from the text with the recording's own curves."""
        assert batch.pitch is not None, "batches of this system hold the pitch"
        out = self._network.explain(
            batch.tokens,
            batch.token_lengths,
            spec,
            batch.frame_lengths,
            batch.speakers,
            batch.languages,
            pitch_hz=batch.pitch,
            softness=0.0,
            noise=ItemNoise(batch.seeds, n_tokens=batch.n_tokens, n_frames=batch.n_frames, device=self.device),
        )
        heard = out.decoded if out.latents is None else out.latents.posterior.mean
        samples = self._network.decode(heard, out.frame_mask, out.embedding)
        weights = out.log_attention.exp()
        return Reconstruction(
            samples,
            out.durations,
            float(kl(out)) / batch.n_frames[0],
            weights=weights,
            own_weight=own_weight(weights, out.durations),
        )

    def say(self, batch: Batch, noise: Callable[[tuple[int, ...]], Tensor]) -> Synthesis:
        return self._network.synthesize(batch.tokens, batch.token_lengths, batch.speakers, batch.languages, noise=noise)


def watched(evaluation: Look, softness: Schedule) -> Look:
    """An evaluation that tells when frames are given a path before there is an alignment (ESPnet's #4432).

    softness: how much of what frames hear comes by the attention, by the step. Once binarization has drawn the
    attention to whatever path there is, this no longer sees it; in a short text, it may see one too early.
    """

    def evaluate(network: nn.Module, step: int) -> Exhibits:
        seen = evaluation(network, step)
        weight, soft = seen.metrics["own_weight"], value_at(softness, step)
        if soft == 1 or not weight < FORMED:
            return seen
        line = (
            f"no alignment has formed yet: frames hear {weight:.2f} of their own token (own_weight), expected "
            f"{FORMED:g} and above, while softness is {soft:g}: if it stays so, begin another run with softness that "
            "lasts longer, or a larger losses.forward_sum"
        )
        return replace(seen, told=(*seen.told, line))

    return evaluate
