"""What a VITS2 is made of. The defaults are the sizes that were published."""

from __future__ import annotations

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_even
from sonorant.config import config
from sonorant.errors import ConfigError
from sonorant.models.latent_network import condition_width
from sonorant.nn.decoder import DecoderConfig, check_decoder
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import TransformerFlowConfig


@config
class Vits2Config:
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    posterior_mel: MelConfig | None = MelConfig()
    """What the posterior sees (section 3); None for linear magnitudes, as VITS has it."""
    d_hidden: int = 192
    """Width of the text encoder, the posterior and the couplings."""
    d_latent: int = 192
    d_speaker: int = 256
    """Width of a speaker's embedding; not used when there is one speaker, and may then be 0."""
    keeps_single_speaker: bool = False
    """Whether one speaker has an embedding too, as in a model that was made from one of several speakers."""
    text_encoder: TextEncoderConfig = TextEncoderConfig(speaker_layer=2)
    posterior: PosteriorConfig = PosteriorConfig()
    flow: TransformerFlowConfig = TransformerFlowConfig()
    duration: NoisyDurationConfig | StochasticDurationConfig | DurationConfig = NoisyDurationConfig()
    decoder: DecoderConfig = HifiGanConfig()

    def __post_init__(self) -> None:
        check_decoder(self.decoder, hop=self.spectrogram.hop)
        check_at_least(1, self, "d_hidden")
        check_at_least(0, self, "d_speaker")
        check_even(self, "d_latent")  # couplings split it
        if self.posterior_mel is not None:
            mel_filterbank(self.spectrogram, self.posterior_mel)  # refuses bands that hold nothing
        if self.d_hidden % self.text_encoder.n_heads:
            raise ConfigError(
                f"d_hidden is {self.d_hidden}, which {self.text_encoder.n_heads} text_encoder.n_heads do not divide"
            )
        self.flow.check_widths(d_latent=self.d_latent, d_hidden=self.d_hidden)

    @property
    def n_posterior_inputs(self) -> int:
        """Channels of what the posterior sees."""
        return self.spectrogram.n_bins if self.posterior_mel is None else self.posterior_mel.n_mels

    def d_condition(self, n_speakers: int) -> int:
        """See `condition_width`."""
        return condition_width(self.d_speaker, n_speakers, keeps_single=self.keeps_single_speaker)
