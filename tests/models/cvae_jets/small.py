"""CVAE-JETS and JETS so small that their tests are quick."""

from __future__ import annotations

from dataclasses import replace

import torch

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.models.cvae_jets.config import CvaeJetsConfig, LatentConfig
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.nn.aligner import AlignerConfig
from sonorant.nn.conformer import ConformerConfig
from sonorant.nn.istft_head import IstftHeadConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer import TransformerConfig
from sonorant.nn.transformer_flow import PlainCouplingConfig, TransformerFlowConfig
from sonorant.nn.variance import BinsConfig, CurveConfig, DirectConfig, PredictorConfig, WaveletConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.models.batches import N_SYMBOLS
from tests.nn.random_weights import randomized

HOP = 64
PREDICTOR = PredictorConfig(d_filter=12)
SMALL = CvaeJetsConfig(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=HOP, win=256),
    mel=MelConfig(n_mels=20),
    d_hidden=16,
    d_speaker=5,
    text_encoder=ConformerConfig(n_layers=2, kernel=5, speaker_layer=1),
    aligner=AlignerConfig(d_attention=8),
    duration=PREDICTOR,
    pitch=WaveletConfig(predictor=PREDICTOR, embedding=BinsConfig(n_bins=32)),
    energy=DirectConfig(predictor=PREDICTOR, embedding=BinsConfig(n_bins=32)),
    latent=LatentConfig(
        d_latent=8,
        posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=2)),
        flow=TransformerFlowConfig(n_couplings=2, wavenet=WaveNetConfig(n_layers=2), coupling=PlainCouplingConfig()),
    ),
    decoder=IstftHeadConfig(d=16, d_filter=24, n_layers=2, n_fft=256, hop=HOP),
)
JETS = replace(
    SMALL,
    text_encoder=TextEncoderConfig(d_filter=24, n_layers=2, speaker_layer=1),
    aligner=AlignerConfig(d_attention=8, distance="euclidean"),
    level="token",
    pitch=DirectConfig(predictor=PREDICTOR, embedding=CurveConfig(kernel=1)),
    energy=DirectConfig(predictor=PREDICTOR, embedding=CurveConfig(kernel=1)),
    upsampling="gaussian",
    frames=TransformerConfig(n_layers=2, n_heads=2, kernel=3, d_filter=24, window=4),
    latent=None,
)
DIRECT = replace(SMALL, pitch=DirectConfig(predictor=PREDICTOR), energy=DirectConfig(predictor=PREDICTOR))


def small(cfg: CvaeJetsConfig = SMALL, *, n_speakers: int = 3, n_languages: int = 1) -> CvaeJets:
    """A model in evaluation mode whose every weight is at random, and whose speakers' curves differ."""
    torch.manual_seed(0)
    model = randomized(CvaeJets(cfg, N_SYMBOLS, n_speakers, n_languages), scale=0.02)
    model.statistics.pitch_mean += torch.arange(n_speakers)
    model.statistics.energy_mean += 20
    return model
