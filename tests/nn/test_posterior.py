from __future__ import annotations

import torch

from sonorant.nn.mask import length_mask
from sonorant.nn.posterior import PosteriorConfig, PosteriorEncoder
from sonorant.nn.wavenet import WaveNetConfig
from tests.nn.random_weights import normal, randomized


def test_padding_is_invisible() -> None:
    posterior = randomized(PosteriorEncoder(PosteriorConfig(wavenet=WaveNetConfig(n_layers=3)), 9, 8, 6, 5))
    spec, noise, speaker = normal(2, 9, 14), normal(2, 6, 14, seed=1), normal(2, 5, 1, seed=2)
    padded = posterior(spec, length_mask(torch.tensor([10, 14]), 14), noise, speaker)
    alone = posterior(spec[:1, :, :10], torch.ones(1, 1, 10), noise[:1, :, :10], speaker[:1])
    for name in ("z", "mean", "log_std"):
        torch.testing.assert_close(getattr(padded, name)[:1, :, :10], getattr(alone, name))
        assert not getattr(padded, name)[0, :, 10:].any()


def test_without_noise_the_sample_is_the_mean() -> None:
    posterior = PosteriorEncoder(PosteriorConfig(wavenet=WaveNetConfig(n_layers=1)), 9, 8, 6)
    q = posterior(normal(1, 9, 5), torch.ones(1, 1, 5), torch.zeros(1, 6, 5))
    torch.testing.assert_close(q.z, q.mean)
