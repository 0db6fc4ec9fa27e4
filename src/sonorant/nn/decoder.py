"""The decoders there are, from latent frames to samples, as one choice."""

from __future__ import annotations

from sonorant.errors import ConfigError
from sonorant.nn.harmonic_head import HarmonicHead, HarmonicHeadConfig
from sonorant.nn.hifigan import HifiGan, HifiGanConfig
from sonorant.nn.istft_head import IstftHead, IstftHeadConfig

DecoderConfig = HifiGanConfig | IstftHeadConfig | HarmonicHeadConfig
Decoder = HifiGan | IstftHead | HarmonicHead


def build_decoder(cfg: DecoderConfig, d_latent: int, d_cond: int, *, sample_rate_hz: int) -> Decoder:
    """The decoder a configuration names. d_cond: channels of what conditions it; 0 for nothing.

    sample_rate_hz: of what it makes.
    """
    match cfg:
        case HifiGanConfig():
            return HifiGan(cfg, d_latent, d_cond)
        case IstftHeadConfig():
            return IstftHead(cfg, d_latent, d_cond)
        case HarmonicHeadConfig():
            return HarmonicHead(cfg, d_latent, d_cond, sample_rate_hz=sample_rate_hz)


def check_decoder(cfg: DecoderConfig, *, hop: int) -> None:
    """Raise ConfigError where a decoder does not make what a spectrogram is of."""
    if cfg.hop != hop:
        raise ConfigError(f"decoder makes {cfg.hop} samples of a frame, but spectrogram.hop is {hop}")


def hears_pitch(cfg: DecoderConfig) -> bool:
    """Whether a decoder learns from the pitch of recordings."""
    return isinstance(cfg, HarmonicHeadConfig)
