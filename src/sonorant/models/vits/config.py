"""What a VITS is made of, and the sizes that were published."""

from __future__ import annotations

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.bounds import check_at_least, check_even
from sonorant.config import config
from sonorant.errors import ConfigError
from sonorant.models.latent_network import condition_width
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig


@config
class VitsConfig:
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    d_hidden: int = 192
    """Width of the text encoder, the posterior and the couplings."""
    d_latent: int = 192
    d_speaker: int = 256
    """Width of a speaker's embedding; not used when there is one speaker, and may then be 0."""
    text_encoder: TextEncoderConfig = TextEncoderConfig()
    posterior: PosteriorConfig = PosteriorConfig()
    flow: FlowConfig = FlowConfig()
    duration: StochasticDurationConfig | DurationConfig = StochasticDurationConfig()
    decoder: HifiGanConfig = HifiGanConfig()

    def __post_init__(self) -> None:
        if self.decoder.hop != self.spectrogram.hop:
            raise ConfigError(f"decoder upsamples by {self.decoder.hop}, but spectrogram.hop is {self.spectrogram.hop}")
        check_at_least(1, self, "d_hidden")
        check_at_least(0, self, "d_speaker")
        check_even(self, "d_latent")  # couplings split it
        if self.d_hidden % self.text_encoder.n_heads:
            raise ConfigError(
                f"d_hidden is {self.d_hidden}, which {self.text_encoder.n_heads} text_encoder.n_heads do not divide"
            )

    def d_condition(self, n_speakers: int) -> int:
        """See `condition_width`."""
        return condition_width(self.d_speaker, n_speakers)


PIPER_DECODER = HifiGanConfig(
    d_initial=256,
    upsample_rates=(8, 8, 4),
    upsample_kernels=(16, 16, 8),
    resblock="2",
    resblock_kernels=(3, 5, 7),
    resblock_dilations=((1, 2), (2, 6), (3, 12)),
)


def ljs_base() -> VitsConfig:
    """The paper's single-speaker model (LJ Speech): 36.3 M parameters with 178 symbols."""
    return VitsConfig()


def ljs_nosdp() -> VitsConfig:
    """The paper's VITS-DDP: deterministic durations; 35.3 M parameters with 178 symbols."""
    return VitsConfig(duration=DurationConfig())


def vctk_base() -> VitsConfig:
    """The paper's multi-speaker model (VCTK): 39.7 M parameters with 178 symbols and 109 speakers."""
    return VitsConfig(d_speaker=256)


def piper_x_low() -> VitsConfig:
    """Piper's x-low quality: 16 kHz, half the width."""
    return VitsConfig(
        spectrogram=SpectrogramConfig(sample_rate_hz=16_000),
        d_hidden=96,
        d_latent=96,
        d_speaker=512,
        text_encoder=TextEncoderConfig(d_filter=384),
        decoder=PIPER_DECODER,
    )


def piper_medium() -> VitsConfig:
    """Piper's medium quality: 22.05 kHz with a light decoder; 23.7 M parameters with 256 symbols."""
    return VitsConfig(d_speaker=512, decoder=PIPER_DECODER)


def piper_high() -> VitsConfig:
    """Piper's high quality: the paper's decoder."""
    return VitsConfig(d_speaker=512)
