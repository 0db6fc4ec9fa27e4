from __future__ import annotations

from dataclasses import replace

import pytest

from sonorant.audio.spectrogram import SpectrogramConfig
from sonorant.config import parse, plain
from sonorant.errors import ConfigError
from sonorant.models.vits.config import (
    VitsConfig,
    ljs_base,
    ljs_nosdp,
    piper_high,
    piper_medium,
    piper_x_low,
    vctk_base,
)

PRESETS = [ljs_base, ljs_nosdp, vctk_base, piper_x_low, piper_medium, piper_high]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_survives_its_file_form(preset: type[VitsConfig]) -> None:
    assert parse(VitsConfig, plain(preset()), source="test") == preset()


def test_decoder_and_spectrogram_must_agree_on_the_hop() -> None:
    with pytest.raises(ConfigError, match=r"decoder upsamples by 256, but spectrogram\.hop is 200"):
        VitsConfig(spectrogram=SpectrogramConfig(hop=200))


def test_widths_must_be_divisible() -> None:
    with pytest.raises(ValueError, match="d_latent is 191: it must be positive and even"):
        replace(ljs_base(), d_latent=191)
    with pytest.raises(ConfigError, match="d_hidden is 191"):
        replace(ljs_base(), d_hidden=191)
