from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.sampler import BatchSampler
from sonorant.errors import CorpusError

SECONDS = [0.5 + (7 * index % 23) / 4 for index in range(101)]


def padded_s(batch: tuple[int, ...]) -> float:
    return len(batch) * max(SECONDS[row] for row in batch)


@given(st.lists(st.floats(0.5, 20.0), min_size=1, max_size=60), st.integers(0, 3), st.floats(20.0, 90.0))
def test_an_epoch_holds_every_utterance_once_within_the_budget(
    seconds: list[float], epoch: int, batch_s: float
) -> None:
    batches = BatchSampler(seconds, batch_s=batch_s, seed=5).epoch(epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(seconds)))
    assert all(len(batch) * max(seconds[row] for row in batch) <= batch_s for batch in batches)


def test_little_is_padding() -> None:
    batches = BatchSampler(SECONDS, batch_s=40, seed=0).epoch(0)
    assert sum(SECONDS) / sum(map(padded_s, batches)) > 0.85


def test_epochs_differ_and_seeds_differ() -> None:
    sampler = BatchSampler(SECONDS, batch_s=30, seed=1)
    assert sampler.epoch(0) != sampler.epoch(1)
    assert sampler.epoch(0) != BatchSampler(SECONDS, batch_s=30, seed=2).epoch(0)
    assert sampler.epoch(3) == BatchSampler(SECONDS, batch_s=30, seed=1).epoch(3)
    # Not only the order of the batches: their company changes, too.
    assert {frozenset(batch) for batch in sampler.epoch(0)} != {frozenset(batch) for batch in sampler.epoch(1)}


def test_going_on_from_any_position_gives_the_same_batches() -> None:
    sampler = BatchSampler(SECONDS, batch_s=30, seed=1)
    plans = list(islice(sampler.start(None), 40))  # more than one epoch
    assert plans[-1].seed[0] > 0
    for index in (0, 7, 20, 38):
        again = list(islice(sampler.start(plans[index].position), 39 - index))
        assert again == plans[index + 1 :]


def test_weights_say_how_often() -> None:
    seconds = [1.0] * 30
    weights = [2.0] * 10 + [0.5] * 10 + [0.0] * 10
    sampler = BatchSampler(seconds, batch_s=5, seed=0, weights=weights)
    drawn = Counter(row for epoch in range(200) for batch in sampler.epoch(epoch) for row in batch)
    assert all(drawn[row] == 400 for row in range(10))
    assert 900 < sum(drawn[row] for row in range(10, 20)) < 1100
    assert not any(drawn[row] for row in range(20, 30))


def test_no_batch_holds_more_items_than_allowed() -> None:
    batches = BatchSampler(SECONDS, batch_s=60, batch_items=7, seed=0).epoch(0)
    assert max(map(len, batches)) == 7
    assert sorted(row for batch in batches for row in batch) == list(range(101))


def test_every_batch_has_an_utterance_for_each_process() -> None:
    for n in range(1, 9):
        batches = BatchSampler([3.0] * n, batch_s=4.0, seed=0, at_least=3).epoch(0)
        assert all(len(batch) >= 3 for batch in batches[:-1]) or n < 3
        assert {row for batch in batches for row in batch} == set(range(n))


def test_one_utterance_is_enough_for_several_processes() -> None:
    sampler = BatchSampler([1.0], batch_s=10.0, seed=0, at_least=5)
    assert sampler.epoch(0) == [(0, 0, 0, 0, 0)]


def test_what_cannot_be_put_into_batches_is_said() -> None:
    with pytest.raises(CorpusError, match=r"longest utterance takes 9\.0 s, but a batch holds 8 s"):
        BatchSampler([1.0, 9.0], batch_s=8, seed=0)
    with pytest.raises(CorpusError, match="no utterance has a weight"):
        BatchSampler([1.0], batch_s=8, seed=0, weights=[0.0])
