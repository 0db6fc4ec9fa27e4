"""Conformer layers: padding changes nothing, distances are heard on both sides."""

from __future__ import annotations

import math

import pytest
import torch

from sonorant.nn.conformer import ConformerConfig, ConformerLayer, DistanceAttention, sinusoids
from sonorant.nn.mask import length_mask, pair_mask
from sonorant.nn.text_encoder import TokenEncoder


def layer(**changes: object) -> ConformerLayer:
    torch.manual_seed(0)
    return ConformerLayer(ConformerConfig(kernel=7, **changes), 16).eval()


def test_padding_changes_nothing() -> None:
    conformer, lengths = layer(), torch.tensor([9, 5])
    x = torch.randn(2, 16, 9)
    mask = length_mask(lengths, 9)
    expected = conformer(x, mask, pair_mask(mask, mask))
    wide = length_mask(lengths, 20)
    longer = torch.cat((x * mask, torch.randn(2, 16, 11)), dim=2)
    found = conformer(longer, wide, pair_mask(wide, wide))
    torch.testing.assert_close(found[:, :, :9], expected, rtol=1e-5, atol=1e-5)
    assert not found[:, :, 9:].any()


def test_scores_are_those_of_the_formula() -> None:
    torch.manual_seed(0)
    attention = DistanceAttention(8, 2, 0.0).eval()
    with torch.no_grad():
        attention.content_preference.normal_()
        attention.distance_preference.normal_()
    x = torch.randn(1, 8, 5)
    query, key, value = attention._projected(x)
    far = attention.distance(sinusoids(5, 8, device=x.device)).view(9, 2, 4)
    mixed = torch.zeros_like(value)
    for head in range(2):
        for i in range(5):
            u, v = attention.content_preference[head, 0], attention.distance_preference[head, 0]
            scores = torch.stack(
                [
                    ((query[0, head, i] + u) @ key[0, head, j] + (query[0, head, i] + v) @ far[j - i + 4, head])
                    / math.sqrt(4)
                    for j in range(5)
                ]
            )
            mixed[0, head, i] = scores.softmax(0) @ value[0, head]
    torch.testing.assert_close(attention(x, torch.ones(1, 5, 5)), attention._joined(mixed), rtol=1e-5, atol=1e-6)


def test_what_comes_before_and_what_comes_after_are_told_apart() -> None:
    """Public code with one row for each position gives keys to the right the sinusoids of the wrong distances."""
    table = sinusoids(6, 8, device=torch.device("cpu"))
    assert table.shape == (11, 8)
    assert torch.equal(table[5, 0::2], torch.zeros(4))  # distance 0: all sines are 0
    torch.testing.assert_close(table[0, 0::2], -table[10, 0::2])
    torch.testing.assert_close(table[0, 1::2], table[10, 1::2])


def test_a_layer_adds_its_four_parts_in_their_order_the_outer_ones_by_half() -> None:
    conformer, x = layer(), torch.randn(1, 16, 6)
    mask = torch.ones(1, 1, 6)
    pairs = pair_mask(mask, mask)
    y = x + conformer.feed_forward_1(x) / 2
    y = y + conformer.attention(conformer.attention_norm(y), pairs)
    y = y + conformer.convolution(y, mask)
    y = y + conformer.feed_forward_2(y) / 2
    torch.testing.assert_close(conformer(x, mask, pairs), conformer.norm(y))


def test_an_encoder_is_made_of_such_layers() -> None:
    torch.manual_seed(0)
    encoder = TokenEncoder(ConformerConfig(n_layers=2, kernel=7), n_symbols=11, d_hidden=16, d_cond=4, n_languages=2)
    mask = length_mask(torch.tensor([6, 4]), 6)
    tokens = torch.randint(11, (2, 6))
    speaker, language = torch.randn(2, 4, 1), torch.tensor([0, 1])
    assert encoder.encode(tokens, mask, speaker, language).shape == (2, 16, 6)
    other = encoder.eval().encode(tokens, mask, -speaker, language)
    assert not torch.allclose(encoder.encode(tokens, mask, speaker, language), other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": 8}, "kernel is 8: it must be positive and odd"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"speaker_layer": 4}, "speaker_layer is 4, but there are 4 layers"),
    ],
)
def test_settings_that_are_none_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConformerConfig(**change)
