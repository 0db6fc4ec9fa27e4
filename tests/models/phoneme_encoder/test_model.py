"""Laws of the network: it reads as the text encoder that its weights become, and padding changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from sonorant.errors import ConfigError
from sonorant.models.phoneme_encoder.config import PhonemeEncoderConfig
from sonorant.nn.latent import LogStdBounds
from sonorant.nn.mask import length_mask
from sonorant.nn.text_encoder import TextEncoder, TextEncoderConfig
from tests.models.phoneme_encoder.language import SMALL, SUP_PHONEMES, SYMBOLS, network
from tests.nn.random_weights import randomized

LENGTHS = torch.tensor([9, 6])
TOKENS = torch.arange(18).reshape(2, 9) % len(SYMBOLS)
MASK = length_mask(LENGTHS, 9)
NONE = torch.zeros_like(TOKENS)


@pytest.mark.parametrize("n_languages", [1, 2])
def test_of_phonemes_alone_it_makes_what_the_text_encoder_makes(n_languages: int) -> None:
    reader = network(n_languages=n_languages)
    cfg = replace(SMALL.text_encoder)
    encoder = randomized(TextEncoder(cfg, len(SYMBOLS), SMALL.d_hidden, 4, n_languages=n_languages), seed=3)
    left = encoder.load_state_dict(reader.text_encoder.state_dict(), strict=False)
    assert left.unexpected_keys == []
    assert all(name.startswith("output.") for name in left.missing_keys)
    language = torch.tensor([1, 0])
    expected = encoder(TOKENS, MASK, language=language).hidden
    torch.testing.assert_close(reader.hidden(TOKENS, NONE, MASK, language=language), expected)


def test_sup_phonemes_are_heard_where_they_are_and_no_sup_phoneme_is_none() -> None:
    reader = network()
    alone = reader.hidden(TOKENS, NONE, MASK)
    numbers = NONE.clone()
    numbers[0, 3] = SUP_PHONEMES.size
    mixed = reader.hidden(TOKENS, numbers, MASK)
    assert (mixed[0] - alone[0]).abs().max() > 1e-3
    torch.testing.assert_close(mixed[1], alone[1])
    reader.hidden(TOKENS, NONE, MASK).sum().backward()
    assert reader.sup_phonemes.weight.grad is not None
    assert not reader.sup_phonemes.weight.grad.any()


def test_what_is_hidden_is_not_heard() -> None:
    reader = network()
    is_hidden = torch.zeros_like(TOKENS, dtype=torch.bool)
    is_hidden[:, 2:4] = True
    others = torch.where(is_hidden, (TOKENS + 3) % len(SYMBOLS), TOKENS)
    one, other = (reader.hidden(tokens, NONE, MASK, is_hidden=is_hidden) for tokens in (TOKENS, others))
    torch.testing.assert_close(one, other)
    assert (reader.hidden(others, NONE, MASK) - reader.hidden(TOKENS, NONE, MASK)).abs().max() > 1e-3


def test_padding_changes_nothing() -> None:
    reader = network()
    is_asked = MASK[:, 0] > 0
    asked = {"is_hidden": torch.zeros_like(is_asked), "is_asked": is_asked}
    longer = {name: F.pad(value, (0, 5)) for name, value in asked.items()}
    before = reader(TOKENS, NONE, MASK, **asked)
    after = reader(F.pad(TOKENS, (0, 5), value=3), F.pad(NONE, (0, 5), value=2), F.pad(MASK, (0, 5)), **longer)
    torch.testing.assert_close(after.phonemes, before.phonemes)
    torch.testing.assert_close(after.sup_phonemes, before.sup_phonemes)
    assert before.phonemes.shape == (15, len(SYMBOLS))
    assert before.sup_phonemes.shape == (15, SUP_PHONEMES.size)


@pytest.mark.parametrize(
    ("cfg", "d_hidden", "message"),
    [
        (TextEncoderConfig(speaker_layer=0), 16, "text_encoder.speaker_layer is set"),
        (TextEncoderConfig(log_std_bounds=LogStdBounds(low=-1, high=1)), 16, "text_encoder.log_std_bounds is set"),
        (TextEncoderConfig(n_heads=3), 16, "which 3 text_encoder.n_heads do not divide"),
    ],
)
def test_settings_it_has_no_use_for_are_refused(cfg: TextEncoderConfig, d_hidden: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PhonemeEncoderConfig(d_hidden=d_hidden, text_encoder=cfg)
