"""The decoders there are, from latent frames to samples, as one choice."""

from __future__ import annotations

from sonorant.nn.hifigan import HifiGan, HifiGanConfig
from sonorant.nn.istft_head import IstftHead, IstftHeadConfig

DecoderConfig = HifiGanConfig | IstftHeadConfig
Decoder = HifiGan | IstftHead


def build_decoder(cfg: DecoderConfig, d_latent: int, d_cond: int) -> Decoder:
    """The decoder a configuration names. d_cond: channels of what conditions it; 0 for nothing."""
    match cfg:
        case HifiGanConfig():
            return HifiGan(cfg, d_latent, d_cond)
        case IstftHeadConfig():
            return IstftHead(cfg, d_latent, d_cond)
