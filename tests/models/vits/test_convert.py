"""What a runtime is told of a VITS that converts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sonorant.models import Purpose
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.convert import converter_in
from sonorant.models.vits.model import Vits
from sonorant.nn.flow import FlowConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.nn.random_weights import normal, randomized
from tests.tiny import CONFIG


@pytest.mark.parametrize(
    "cfg",
    [
        CONFIG,
        replace(CONFIG, posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=3, kernel=3, dilation_rate=2))),
        replace(CONFIG, flow=FlowConfig(n_couplings=3, wavenet=WaveNetConfig(n_layers=2, kernel=3, dilation_rate=3))),
    ],
)
def test_the_context_is_how_far_the_samples_of_a_frame_look(cfg: VitsConfig) -> None:
    network = randomized(Vits(cfg, 5, 2, Purpose.CONVERSION).double(), scale=0.1)
    converter = converter_in(network)
    assert converter is not None
    context, hop = converter.context_frames, cfg.spectrogram.hop
    n_frames, frame = 2 * context + 5, context + 2
    spec = normal(1, cfg.spectrogram.n_bins, n_frames, dtype=torch.float64).abs()
    noise = normal(1, cfg.d_latent, n_frames, seed=1, dtype=torch.float64)

    def samples_of_the_frame(changed: int | None) -> torch.Tensor:
        heard = spec.clone()
        if changed is not None:
            heard[:, :, changed] += 10.0
        with torch.no_grad():
            speech = network.convert(
                heard, torch.tensor([n_frames]), torch.tensor([0]), torch.tensor([1]), noise=lambda shape: noise
            )
        return speech[:, frame * hop : (frame + 1) * hop]

    before = samples_of_the_frame(None)
    for side in (-1, 1):
        assert torch.equal(samples_of_the_frame(frame + side * (context + 1)), before)
    assert any(not torch.equal(samples_of_the_frame(frame + side * context), before) for side in (-1, 1))


def test_what_cannot_convert_has_no_converter() -> None:
    assert converter_in(Vits(CONFIG, 5, 2, Purpose.SPEAKING)) is None
    assert converter_in(Vits(CONFIG, 5, 1, Purpose.CONVERSION)) is None
    converter = converter_in(Vits(CONFIG, 5, 2, Purpose.CONVERSION))
    assert converter is not None
    assert converter.spectrogram == CONFIG.spectrogram
