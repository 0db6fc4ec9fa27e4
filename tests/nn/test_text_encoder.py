from __future__ import annotations

import torch

from sonorant.nn.mask import length_mask
from sonorant.nn.text_encoder import TextEncoder, TextEncoderConfig
from tests.nn.random_weights import randomized


def test_padding_is_invisible() -> None:
    encoder = randomized(TextEncoder(TextEncoderConfig(d_filter=24, n_layers=3), 11, 8, 6))
    tokens = torch.randint(0, 11, (3, 15), generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([15, 1, 8])
    padded = encoder(tokens, length_mask(lengths, 15))
    for i, n in enumerate(lengths.tolist()):
        alone = encoder(tokens[i : i + 1, :n], torch.ones(1, 1, n))
        for name in ("hidden", "mean", "log_std"):
            torch.testing.assert_close(getattr(padded, name)[i, :, :n], getattr(alone, name)[0], atol=1e-5, rtol=1e-5)
            assert not getattr(padded, name)[i, :, n:].any()


def test_shapes() -> None:
    prior = TextEncoder(TextEncoderConfig(n_layers=1), 11, 8, 6)(
        torch.zeros(2, 5, dtype=torch.long), torch.ones(2, 1, 5)
    )
    assert prior.hidden.shape == (2, 8, 5)
    assert prior.mean.shape == prior.log_std.shape == (2, 6, 5)
