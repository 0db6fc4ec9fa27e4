"""What a NaturalSpeech is made of. The defaults are the sizes that were published, with what is left out inferred."""

from __future__ import annotations

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_filterbank
from sonorant.bounds import check_at_least, check_even
from sonorant.config import config
from sonorant.errors import ConfigError
from sonorant.models.latent_network import condition_width
from sonorant.models.naturalspeech.durator import DurationConfig, UpsamplingConfig
from sonorant.models.naturalspeech.memory import MemoryConfig
from sonorant.nn.decoder import DecoderConfig, check_decoder
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import PlainCouplingConfig, TransformerFlowConfig


@config
class NaturalSpeechConfig:
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    posterior_mel: MelConfig | None = None
    """What the posterior sees; None for linear magnitudes, as the paper has it."""
    d_hidden: int = 192
    """Width of the phoneme encoder, the posterior and the couplings."""
    d_latent: int = 192
    d_speaker: int = 256
    """Width of a speaker's embedding; not used when there is one speaker, and may then be 0. Not the paper's."""
    text_encoder: TextEncoderConfig = TextEncoderConfig()
    posterior: PosteriorConfig = PosteriorConfig()
    flow: TransformerFlowConfig = TransformerFlowConfig(coupling=PlainCouplingConfig())
    duration: DurationConfig = DurationConfig()
    upsampling: UpsamplingConfig = UpsamplingConfig()
    memory: MemoryConfig | None = MemoryConfig()
    """None for a decoder that is given the latent itself."""
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
        if self.text_encoder.log_std_bounds is not None:
            raise ConfigError("text_encoder.log_std_bounds is set, but the prior is made by upsampling: set its bounds")
        if self.memory is not None and self.d_latent % self.memory.n_heads:
            raise ConfigError(f"d_latent is {self.d_latent}, which {self.memory.n_heads} memory.n_heads do not divide")
        self.flow.check_widths(d_latent=self.d_latent, d_hidden=self.d_hidden)

    @property
    def n_posterior_inputs(self) -> int:
        """Channels of what the posterior sees."""
        return self.spectrogram.n_bins if self.posterior_mel is None else self.posterior_mel.n_mels

    def d_condition(self, n_speakers: int) -> int:
        """See `condition_width`."""
        return condition_width(self.d_speaker, n_speakers)
