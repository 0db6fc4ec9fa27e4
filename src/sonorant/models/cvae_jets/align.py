"""How a CVAE-JETS aligns a text with its recording: the most likely path in what its aligner says."""

from __future__ import annotations

import torch
from torch import Tensor

from sonorant.audio.spectrogram import mel_spectrogram
from sonorant.models import Synthesizer
from sonorant.models.aligning import NetworkAligner
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.mask import length_mask, pair_mask


def aligner_in(network: Synthesizer) -> NetworkAligner | None:
    """The aligner in a CVAE-JETS; None if the voice has left it behind."""
    assert isinstance(network, CvaeJets)
    if network.aligner is None:
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
        token_mask, frame_mask = length_mask(token_lengths, tokens.shape[1]), length_mask(spec_lengths, spec.shape[2])
        mel = mel_spectrogram(spec, network.spectrogram, network.cfg.mel)
        log_attention = network.attend(
            tokens, mel, token_mask=token_mask, frame_mask=frame_mask, embedding=network.embed(speaker)
        )
        return monotonic_alignment(log_attention, pair_mask(token_mask, frame_mask))

    return NetworkAligner(network, network.spectrogram, durations)
