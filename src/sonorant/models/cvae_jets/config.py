"""What a CVAE-JETS is made of. The defaults are the sizes that were published (github.com/choiHkk/CVAEJETS)."""

from __future__ import annotations

from typing import Literal

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_filterbank
from sonorant.bounds import check_above_zero, check_at_least, check_even
from sonorant.config import config
from sonorant.errors import ConfigError
from sonorant.models.latent_network import condition_width
from sonorant.nn.aligner import AlignerConfig
from sonorant.nn.conformer import ConformerConfig
from sonorant.nn.decoder import DecoderConfig, check_decoder
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.latent import LogStdBounds
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer import TransformerConfig
from sonorant.nn.transformer_flow import PlainCouplingConfig, TransformerFlowConfig
from sonorant.nn.variance import BinsConfig, ContourConfig, DirectConfig, PredictorConfig, WaveletConfig


@config
class LatentConfig:
    """What stands between the frames of a text and the decoder: a posterior, and a flow to a prior (VITS)."""

    d_latent: int = 192
    posterior: PosteriorConfig = PosteriorConfig()
    flow: TransformerFlowConfig = TransformerFlowConfig(coupling=PlainCouplingConfig())
    log_std_bounds: LogStdBounds | None = None
    """Of the prior."""

    def __post_init__(self) -> None:
        check_even(self, "d_latent")  # couplings split it


@config
class CvaeJetsConfig:
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    mel: MelConfig = MelConfig()
    """What the aligner and the posterior hear."""
    d_hidden: int = 192
    d_speaker: int = 256
    """Width of a speaker's embedding; not used when there is one speaker, and may then be 0."""
    keeps_single_speaker: bool = False
    """Whether one speaker has an embedding too, as in a model that was made from one of several speakers."""
    text_encoder: ConformerConfig | TextEncoderConfig = ConformerConfig()
    aligner: AlignerConfig = AlignerConfig()
    duration: PredictorConfig = PredictorConfig()
    level: Literal["frame", "token"] = "frame"
    """Where pitch and energy are predicted: for each frame, or for each token (JETS)."""
    pitch: ContourConfig = WaveletConfig()
    energy: DirectConfig = DirectConfig(embedding=BinsConfig())
    upsampling: Literal["repeat", "gaussian"] = "repeat"
    """How tokens become frames: each repeated, or all heard a little, about their middles (JETS)."""
    sharpness: float = 0.1
    """Of the Gaussians."""
    frames: TransformerConfig | None = None
    """Layers over frames, before the prior or the decoder."""
    latent: LatentConfig | None = LatentConfig()
    """None: frames go to the decoder as they are (JETS)."""
    decoder: DecoderConfig = HifiGanConfig()

    def __post_init__(self) -> None:
        check_decoder(self.decoder, hop=self.spectrogram.hop)
        check_at_least(1, self, "d_hidden")
        check_at_least(0, self, "d_speaker")
        check_above_zero(self, "sharpness")
        if self.upsampling != "gaussian" and self.sharpness != CvaeJetsConfig.sharpness:
            raise ValueError(
                f"sharpness is {self.sharpness:g}, but upsampling is {self.upsampling}, without Gaussians: leave it "
                f"out, or at {CvaeJetsConfig.sharpness:g}"
            )
        mel_filterbank(self.spectrogram, self.mel)  # refuses bands that hold nothing
        for name, part in (("text_encoder", self.text_encoder), ("frames", self.frames)):
            if part is not None and self.d_hidden % part.n_heads:
                raise ConfigError(f"d_hidden is {self.d_hidden}, which {part.n_heads} {name}.n_heads do not divide")
        if self.level == "token" and isinstance(self.pitch, WaveletConfig):
            raise ConfigError(
                "pitch.kind is wavelet, which needs frames, but level is token: set pitch.kind=direct or level=frame"
            )
        if self.latent is not None:
            self.latent.flow.check_widths(d_latent=self.latent.d_latent, d_hidden=self.d_hidden)

    @property
    def d_decoded(self) -> int:
        """Channels of the frames that the decoder is given."""
        return self.d_hidden if self.latent is None else self.latent.d_latent

    def d_condition(self, n_speakers: int) -> int:
        """See `condition_width`."""
        return condition_width(self.d_speaker, n_speakers, keeps_single=self.keeps_single_speaker)
