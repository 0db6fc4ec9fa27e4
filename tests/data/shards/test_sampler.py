"""Whoever shares the shards, an epoch holds everything once, in steps that all take together."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice, takewhile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.shards.sampler import Round, ShardSampler
from sonorant.errors import CorpusError


def sampler_of(
    sizes: list[int],
    seconds: list[float] | None = None,
    weights: list[float] | None = None,
    *,
    batch_s: float = 30.0,
    batch_items: int | None = None,
    seed: int = 3,
    mixed: int = 2,
    world_size: int = 1,
) -> ShardSampler:
    n = sum(sizes)
    return ShardSampler(
        sizes,
        np.array(seconds if seconds is not None else [1 + 7 * row % 11 for row in range(n)], dtype=np.float64),
        np.array(weights or [1.0] * n),
        batch_s=batch_s,
        batch_items=batch_items,
        seed=seed,
        mixed=mixed,
        world_size=world_size,
    )


def epoch_of(sampler: ShardSampler, number: int = 0) -> list[Round]:
    """The rounds of an epoch."""
    rounds = sampler.start({"epoch": number, "round": 0, "batch": 0})
    return list(takewhile(lambda round_: round_.epoch == number, rounds))


def rows_of(rounds: list[Round], process: int | None = None) -> list[int]:
    steps = chain.from_iterable(round_.steps for round_ in rounds)
    batches = chain.from_iterable(step if process is None else [step[process]] for step in steps)
    return list(chain.from_iterable(batches))


@given(
    sizes=st.lists(st.integers(4, 25), min_size=1, max_size=14),
    world_size=st.integers(1, 4),
    mixed=st.integers(1, 3),
    epoch=st.integers(0, 2),
)
def test_an_epoch_holds_every_utterance_once_over_all_processes(
    sizes: list[int], world_size: int, mixed: int, epoch: int
) -> None:
    sampler = sampler_of(sizes, seconds=[1.0] * sum(sizes), batch_s=8, world_size=world_size, mixed=mixed)
    assert sorted(rows_of(epoch_of(sampler, epoch))) == list(range(sum(sizes)))


@given(
    seconds=st.lists(st.floats(0.5, 20.0), min_size=3, max_size=60),
    n_shards=st.integers(1, 3),
    world_size=st.integers(1, 5),
    batch_s=st.floats(20.0, 60.0),
)
def test_all_processes_step_together_within_the_budget_and_nothing_is_left_out(
    seconds: list[float], n_shards: int, world_size: int, batch_s: float
) -> None:
    sizes = [len(rows) for rows in np.array_split(range(len(seconds)), n_shards)]
    rounds = epoch_of(sampler_of(sizes, seconds, batch_s=batch_s, world_size=world_size, mixed=1))
    for step in chain.from_iterable(round_.steps for round_ in rounds):
        assert len(step) == world_size
        for batch in step:
            assert batch
            assert len(batch) * max(seconds[row] for row in batch) <= batch_s
            assert [seconds[row] for row in batch] == sorted((seconds[row] for row in batch), reverse=True)
    assert set(rows_of(rounds)) == set(range(len(seconds)))


def test_who_would_have_fewer_batches_makes_smaller_ones() -> None:
    sizes = [20, 20]
    seconds = [1.0] * 20 + [9.0] * 20  # 2 batches for one process, 7 for the other
    (round_,) = epoch_of(sampler_of(sizes, seconds, batch_s=30, world_size=2, mixed=1))
    assert len(round_.steps) == 7
    assert sorted(rows_of([round_])) == list(range(40))


def test_a_process_without_enough_utterances_repeats_them() -> None:
    seconds = [9.0] * 6
    (round_,) = epoch_of(sampler_of([6], seconds, batch_s=10, world_size=4))
    assert len(round_.steps) == 2
    assert Counter(rows_of([round_])).keys() == set(range(6))
    (alone,) = epoch_of(sampler_of([1], [9.0], batch_s=10, world_size=3))
    assert alone.steps == (((0,), (0,), (0,)),)


@pytest.mark.parametrize(("n_shards", "world_size", "mixed"), [(12, 3, 2), (13, 3, 2), (2, 3, 2), (7, 2, 1)])
def test_nobody_reads_more_than_his_part(n_shards: int, world_size: int, mixed: int) -> None:
    sampler = sampler_of([30] * n_shards, world_size=world_size, mixed=mixed)
    rounds = epoch_of(sampler)
    full, last = rounds[:-1], rounds[-1]
    for round_ in full:
        shards = [{sampler.shard_of(row)[0] for row in rows_of([round_], process)} for process in range(world_size)]
        assert [len(own) for own in shards] == [mixed] * world_size
        assert len(set.union(*shards)) == mixed * world_size  # each read by one process only
    counts = [len(rows_of([last], process)) for process in range(world_size)]
    assert max(counts) - min(counts) <= world_size
    assert all(len({sampler.shard_of(row)[0] for row in rows_of([last], p)}) <= mixed + 2 for p in range(world_size))


def test_going_on_from_any_position_gives_the_same_steps() -> None:
    sampler = sampler_of([20] * 7, world_size=2)

    def steps(position: dict[str, int] | None, n: int) -> list[tuple[object, object]]:
        first = position["batch"] if position else 0
        found: list[tuple[object, object]] = []
        for round_ in sampler.start(position):
            found += [(round_.steps[at], round_.after(at)) for at in range(first, len(round_.steps))]
            first = 0
            if len(found) >= n:
                break
        return found[:n]

    straight = steps(None, 60)
    assert straight[-1][1]["epoch"] > 0  # type: ignore[index]
    for index in (0, 1, 5, 17, 40):
        assert steps(straight[index][1], 59 - index) == straight[index + 1 :]  # type: ignore[arg-type]


def test_epochs_differ_in_the_order_of_shards_and_in_company() -> None:
    sampler = sampler_of([20] * 6)
    first, second = epoch_of(sampler, 0), epoch_of(sampler, 1)
    assert first == epoch_of(sampler_of([20] * 6), 0)
    assert first != epoch_of(sampler_of([20] * 6, seed=4), 0)

    def companies(rounds: list[Round]) -> set[frozenset[int]]:
        return {frozenset(batch) for round_ in rounds for step in round_.steps for batch in step}

    def shards(rounds: list[Round]) -> list[set[int]]:
        return [{sampler.shard_of(row)[0] for row in rows_of([round_])} for round_ in rounds]

    assert companies(first) != companies(second)
    assert shards(first) != shards(second)


def test_little_is_padding_and_steps_are_alike() -> None:
    rng = np.random.default_rng(0)
    seconds = rng.uniform(1.0, 12.0, 1200).tolist()
    steps = [
        step for round_ in epoch_of(sampler_of([300] * 4, seconds, batch_s=60, world_size=2)) for step in round_.steps
    ]
    longest = [[max(seconds[row] for row in batch) for batch in step] for step in steps]
    padded = sum(
        len(batch) * most
        for step, all_ in zip(steps, longest, strict=True)
        for batch, most in zip(step, all_, strict=True)
    )
    assert sum(seconds) / padded > 0.85
    assert np.mean([max(pair) - min(pair) for pair in longest]) < 1.0
    assert longest[: len(longest) // 2] != sorted(longest[: len(longest) // 2], reverse=True)  # but in no order


def test_weights_say_how_often() -> None:
    sampler = sampler_of([10, 10], seconds=[1.0] * 20, weights=[2.0] * 10 + [0.5] * 10, batch_s=5)
    drawn = Counter(chain.from_iterable(rows_of(epoch_of(sampler, number)) for number in range(100)))
    assert all(drawn[row] == 200 for row in range(10))
    assert 400 < sum(drawn[row] for row in range(10, 20)) < 600


def test_no_batch_holds_more_items_than_allowed() -> None:
    rounds = epoch_of(sampler_of([25, 25], batch_items=3, world_size=2))
    assert max(len(batch) for round_ in rounds for step in round_.steps for batch in step) == 3


def test_rounds_go_on_for_ever() -> None:
    assert [round_.epoch for round_ in islice(sampler_of([5]).start(None), 4)] == [0, 1, 2, 3]


def test_what_cannot_be_put_into_batches_is_said() -> None:
    with pytest.raises(CorpusError, match=r"longest utterance takes 9\.0 s, but a batch holds 8 s"):
        sampler_of([2], [1.0, 9.0], batch_s=8)
    with pytest.raises(CorpusError, match="no shard to train on"):
        sampler_of([])
