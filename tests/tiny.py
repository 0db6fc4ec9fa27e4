"""A tiny VITS voice with random weights: two speakers, English and Spanish."""

from __future__ import annotations

from pathlib import Path

import torch

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.models import Purpose
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.wavenet import WaveNetConfig
from sonorant.text.frontend import FrontendConfig, LanguageConfig
from sonorant.text.phonemize import EspeakConfig
from sonorant.text.standard import standard_symbols
from sonorant.text.symbols import TokenLayout
from sonorant.voice.interchange.imported import Imported, write_imported
from sonorant.voice.interchange.weights_layout import ForeignModel
from sonorant.voice.manifest import SynthesisSettings

CONFIG = VitsConfig(
    spectrogram=SpectrogramConfig(sample_rate_hz=16_000, n_fft=256, hop=64, win=256),
    d_hidden=16,
    d_latent=8,
    d_speaker=4,
    text_encoder=TextEncoderConfig(d_filter=16, n_layers=2),
    posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=2)),
    flow=FlowConfig(n_couplings=2, wavenet=WaveNetConfig(n_layers=1)),
    decoder=HifiGanConfig(
        d_initial=16,
        upsample_rates=(8, 8),
        upsample_kernels=(16, 16),
        resblock_kernels=(3,),
        resblock_dilations=((1, 3),),
        resblock="2",
    ),
)


def write_tiny_voice(folder: Path, *, converts: bool = False) -> None:
    """Write the voice folder; always the same weights. converts: with a posterior, to convert speech."""
    symbols = standard_symbols()
    n_symbols = max(symbols.values()) + 1
    generator = torch.Generator().manual_seed(0)
    network = Vits(CONFIG, n_symbols, 2).for_inference(Purpose.CONVERSION if converts else Purpose.SPEAKING)
    state = {
        name: 0.3 * torch.randn(tensor.shape, generator=generator) for name, tensor in network.state_dict().items()
    }
    languages = (
        LanguageConfig(code="en-us", normalizer="en", phonemizer=EspeakConfig(voice="en-us")),
        LanguageConfig(code="es", normalizer="es", phonemizer=EspeakConfig(voice="es")),
    )
    imported = Imported(
        name="tiny",
        network=ForeignModel(cfg=CONFIG, n_symbols=n_symbols, n_speakers=2, state=state),
        symbols=symbols,
        frontend=FrontendConfig(
            languages=languages, layout=TokenLayout(blank="_", blank_at_ends=True), unicode_form="NFD"
        ),
        speakers=("first", "second"),
        synthesis=SynthesisSettings(),
        licence="cc0-1.0",
        source="random numbers",
    )
    write_imported(imported, folder)
