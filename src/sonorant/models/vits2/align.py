"""How a VITS2 aligns a text with its recording (2.2), with nothing left to chance."""

from __future__ import annotations

import torch
from torch import Tensor

from sonorant.models import Synthesizer
from sonorant.models.aligning import NetworkAligner
from sonorant.models.vits2.model import Vits2
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import StillNoise


def aligner_in(network: Synthesizer) -> NetworkAligner | None:
    """The aligner in a VITS2; None if it has no posterior."""
    assert isinstance(network, Vits2)
    if network.posterior is None:
        return None

    @torch.inference_mode()
    def durations(
        tokens: Tensor,
        token_lengths: Tensor,
        spec: Tensor,
        spec_lengths: Tensor,
        speaker: Tensor,
        language: Tensor,
    ) -> Tensor:
        return network.explain(
            tokens,
            token_lengths,
            spec,
            spec_lengths,
            speaker,
            language,
            align=monotonic_alignment,
            noise=StillNoise(spec.shape[0], spec.device),
        ).durations

    return NetworkAligner(network, network.cfg.spectrogram, durations)
