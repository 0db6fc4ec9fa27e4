"""Laws of batches: every sentence once an epoch, the same from the same position on, shared without a change."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch

from sonorant.data.dataset import Share
from sonorant.models.phoneme_encoder.batches import MaskedBatches, MaskedPart
from sonorant.models.phoneme_encoder.config import MaskingConfig
from sonorant.models.phoneme_encoder.masking import Masking
from tests.models.phoneme_encoder.language import matter

MATTER = matter()
LENGTHS = np.diff(MATTER.sentences.offsets).tolist()


def batches(*, share: Share = Share(), workers: int = 0, seed: int = 5) -> MaskedBatches:  # noqa: B008 - frozen
    return MaskedBatches(
        Masking(MaskingConfig(), MATTER),
        range(len(LENGTHS)),
        LENGTHS,
        batch_tokens=200,
        seed=seed,
        workers=workers,
        share=share,
    )


def same(one: MaskedPart, other: MaskedPart) -> bool:
    a, b = one.tensors(), other.tensors()
    return one.ids == other.ids and one.n_asked == other.n_asked and all(torch.equal(a[name], b[name]) for name in a)


def test_an_epoch_holds_every_sentence_once_within_the_budget() -> None:
    seen: Counter[str] = Counter()
    for (part,), position in batches().start(None, 1):
        assert part.tokens.numel() <= 200
        assert part.n_asked == max(int((part.targets >= 0).sum()), 1)
        seen.update(part.ids)
        if position["epoch"]:
            break
    assert set(seen.values()) == {1}
    assert len(seen) == len(LENGTHS)


def test_padding_is_nothing_and_asks_nothing() -> None:
    (part,), _ = next(iter(batches().start(None, 1)))
    for item, length in enumerate(part.lengths.tolist()):
        assert (part.targets[item, length:] == -1).all()
        assert (part.sup_targets[item, length:] == -1).all()
        assert not part.is_hidden[item, length:].any()
        assert not part.tokens[item, length:].any()


@pytest.mark.parametrize("workers", [0, 1])
def test_from_a_position_on_they_are_the_same(workers: int) -> None:
    whole = list(islice(batches().start(None, 2), 12))
    again = islice(batches(workers=workers).start(whole[4][1], 2), 7)
    for (parts, position), (others, other) in zip(whole[5:], again, strict=True):
        assert position == other
        assert all(map(same, parts, others))


def test_a_sentence_is_masked_otherwise_in_another_epoch() -> None:
    masks: dict[str, set[tuple[int, ...]]] = {}
    for (part,), position in batches().start(None, 1):
        for name, targets in zip(part.ids, part.targets.tolist(), strict=True):
            masks.setdefault(name, set()).add(tuple(target for target in targets))
        if position["epoch"] == 3:
            break
    assert sum(len(seen) > 1 for seen in masks.values()) > len(masks) / 2


def test_parts_and_processes_share_a_batch_without_changing_it() -> None:
    shares = [Share(rank, 2) for rank in range(2)]
    for together in islice(zip(*(batches(share=share).start(None, 2) for share in shares), strict=True), 4):
        parts = [part for of_one, _ in together for part in of_one]
        assert len({part.n_asked for part in parts}) == 1
        n_asked = sum(int((part.targets >= 0).sum()) for part in parts)
        assert parts[0].n_asked * 2 == max(n_asked, 1)
        names = [name for part in parts for name in part.ids]
        assert len(set(names)) == len(names)


def test_another_seed_gives_other_batches() -> None:
    (one,), _ = next(iter(batches(seed=1).start(None, 1)))
    (other,), _ = next(iter(batches(seed=2).start(None, 1)))
    assert one.ids != other.ids
