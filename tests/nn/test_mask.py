from __future__ import annotations

import torch

from sonorant.nn.mask import length_mask, pair_mask


def test_real_positions_are_one() -> None:
    mask = length_mask(torch.tensor([2, 0, 3]), 3)
    assert mask.tolist() == [[[1, 1, 0]], [[0, 0, 0]], [[1, 1, 1]]]
    assert mask.dtype == torch.float32


def test_pairs_are_real_when_both_are() -> None:
    pairs = pair_mask(length_mask(torch.tensor([1]), 2), length_mask(torch.tensor([2]), 3))
    assert pairs.tolist() == [[[1, 1, 0], [0, 0, 0]]]
