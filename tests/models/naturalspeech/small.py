"""A NaturalSpeech so small that its tests are quick."""

from __future__ import annotations

import torch

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.durator import DurationConfig
from sonorant.models.naturalspeech.memory import MemoryConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import PlainCouplingConfig, TransformerFlowConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.models.batches import N_SYMBOLS
from tests.nn.random_weights import randomized

HOP = 64
SMALL = NaturalSpeechConfig(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=HOP, win=256),
    posterior_mel=MelConfig(n_mels=20),
    d_hidden=16,
    d_latent=8,
    d_speaker=5,
    text_encoder=TextEncoderConfig(d_filter=24, n_layers=2, speaker_layer=1),
    posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=2)),
    flow=TransformerFlowConfig(n_couplings=2, wavenet=WaveNetConfig(n_layers=2), coupling=PlainCouplingConfig()),
    duration=DurationConfig(d_filter=12, n_layers=2),
    memory=MemoryConfig(n_slots=6),
    decoder=IstftHeadConfig(d=16, d_filter=24, n_layers=2, n_fft=256, hop=HOP),
)


def small(cfg: NaturalSpeechConfig = SMALL, *, n_speakers: int = 3, n_languages: int = 1) -> NaturalSpeech:
    """A model in evaluation mode whose every weight is at random, and half of whose sound is from the memory."""
    torch.manual_seed(0)
    model = randomized(NaturalSpeech(cfg, N_SYMBOLS, n_speakers, n_languages), scale=0.02)
    if model.memory is not None:
        model.memory.share.fill_(0.5)
    return model
