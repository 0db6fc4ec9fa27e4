from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sonorant.nn.attention import Attention, RelativeAttention, place_by_distance, take_by_distance
from tests.nn.random_weights import normal, randomized


def plain_attention(attention: RelativeAttention, x: Tensor, n_real: int) -> Tensor:
    """The same, one pair of tokens at a time, as the definition reads."""
    n_heads, length = attention.n_heads, x.shape[2]
    q, k, v = (f(x)[0].view(n_heads, -1, length) for f in (attention.query, attention.key, attention.value))
    window = attention.relative_key.shape[1] // 2
    mixed = torch.zeros_like(q)
    for head in range(n_heads):
        for i in range(n_real):
            scores, values = [], []
            for j in range(n_real):
                key, value = k[head, :, j], v[head, :, j]
                if abs(j - i) <= window:
                    key = key + attention.relative_key[0, j - i + window]
                    value = value + attention.relative_value[0, j - i + window]
                scores.append(q[head, :, i] @ key / math.sqrt(q.shape[1]))
                values.append(value)
            mixed[head, :, i] = torch.stack(scores).softmax(0) @ torch.stack(values)
    return attention.output(mixed.view(1, -1, length))


@pytest.mark.parametrize(("length", "n_real"), [(1, 1), (3, 3), (13, 13), (13, 9)])
def test_attention_is_its_definition(length: int, n_real: int) -> None:
    attention = randomized(RelativeAttention(8, 2, 4, 0.0), scale=0.5)
    x = normal(1, 8, length)
    real = (torch.arange(length) < n_real).float()
    y = attention(x, (real[:, None] * real).unsqueeze(0))
    torch.testing.assert_close(y[:, :, :n_real], plain_attention(attention, x, n_real)[:, :, :n_real])


@pytest.mark.parametrize("length", [1, 2, 4, 9, 20])
def test_taking_by_distance_is_the_transpose_of_placing(length: int) -> None:
    a, b = normal(1, 2, length, 9), normal(1, 2, length, length, seed=1)
    torch.testing.assert_close((place_by_distance(a) * b).sum(), (a * take_by_distance(b, 9)).sum())


@pytest.mark.parametrize("seen", ["real tokens", "the past"])
def test_without_vectors_for_distances_it_is_plain_attention(seen: str) -> None:
    relative = randomized(RelativeAttention(8, 2, 4, 0.0), scale=0.5)
    torch.nn.init.zeros_(relative.relative_key)
    torch.nn.init.zeros_(relative.relative_value)
    plain = Attention(8, 2, 0.0)
    plain.load_state_dict(relative.state_dict(), strict=False)
    real = (torch.arange(13) < 9).float()
    pairs = (real[:, None] * real if seen == "real tokens" else torch.ones(13, 13).tril()).unsqueeze(0)
    x = normal(2, 8, 13)
    # What comes out at padding is nobody's business.
    torch.testing.assert_close(plain(x, pairs)[:, :, :9], relative(x, pairs)[:, :, :9])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide a width of 8"):
        RelativeAttention(8, 3, 4, 0.0)


def test_a_bias_of_the_keys_changes_nothing() -> None:
    attention = randomized(RelativeAttention(8, 2, 3, 0.0))
    x, pairs = normal(2, 8, 9), torch.ones(2, 9, 9)
    before = attention(x, pairs)
    with torch.no_grad():
        attention.key.bias += 3.0
    torch.testing.assert_close(attention(x, pairs), before)
