"""A VITS2 so small that its tests are quick."""

from __future__ import annotations

import torch

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import HiddenTransformerCoupling, TransformerFlowConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.models.batches import N_SYMBOLS
from tests.nn.random_weights import randomized

HOP = 64
SMALL = Vits2Config(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=HOP, win=256),
    posterior_mel=MelConfig(n_mels=20),
    d_hidden=16,
    d_latent=8,
    d_speaker=5,
    text_encoder=TextEncoderConfig(d_filter=24, n_layers=2, speaker_layer=1),
    posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=2)),
    flow=TransformerFlowConfig(n_couplings=2, wavenet=WaveNetConfig(n_layers=2)),
    duration=NoisyDurationConfig(d_filter=12),
    decoder=IstftHeadConfig(d=16, d_filter=24, n_layers=2, n_fft=256, hop=HOP),
)


def small(cfg: Vits2Config = SMALL, *, n_speakers: int = 3, n_languages: int = 1) -> Vits2:
    """A model in evaluation mode whose every weight is at random, and whose transformers are heard."""
    torch.manual_seed(0)
    model = randomized(Vits2(cfg, N_SYMBOLS, n_speakers, n_languages), scale=0.02)
    set_gates(model, 1.0)
    return model


def set_gates(model: Vits2, value: float) -> None:
    """Open the gates of a flow's transformers so far."""
    with torch.no_grad():
        for step in model.flow.steps:
            if isinstance(step, HiddenTransformerCoupling):
                step.gate.fill_(value)
