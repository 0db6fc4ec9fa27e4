from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import sonorant.nn
from sonorant.errors import MissingExtraError, ParameterError
from sonorant.nn.alignment import (
    monotonic_alignment,
    monotonic_alignment_torch,
    monotonic_path,
    noisy_alignment,
    path_of,
)
from sonorant.nn.mask import length_mask, pair_mask
from tests.nn.random_weights import normal

Align = Callable[[Tensor, Tensor], Tensor]
both = pytest.mark.parametrize("align", [monotonic_alignment, monotonic_alignment_torch], ids=["compiled", "torch"])

lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30)), min_size=1, max_size=5).map(
    lambda items: [(tokens, tokens + more) for tokens, more in items]
)
"""Tokens and frames of each item."""


def masked(items: list[tuple[int, int]], n_tokens: int | None = None, n_frames: int | None = None) -> Tensor:
    """The mask [B, L, T] of items with so many tokens and frames."""
    tokens, frames = torch.tensor(items).T
    n_tokens = int(tokens.max()) if n_tokens is None else n_tokens
    n_frames = int(frames.max()) if n_frames is None else n_frames
    return pair_mask(length_mask(tokens, n_tokens), length_mask(frames, n_frames))


def paths(n_tokens: int, n_frames: int) -> Iterator[list[int]]:
    """Every monotonic path: the token of each frame."""
    for starts in combinations(range(1, n_frames), n_tokens - 1):
        yield np.searchsorted(np.array(starts), np.arange(n_frames), side="right").tolist()


def score(value: Tensor, path: list[int]) -> float:
    """The value of a path, added up in float32 from the first frame on."""
    total = np.float32(0)
    for frame, token in enumerate(path):
        total = np.float32(value[token, frame].item() + total)
    return float(total)


@both
@pytest.mark.parametrize("n_tokens", [1, 2, 3, 5])
@pytest.mark.parametrize("n_frames", [5, 6, 9])
@pytest.mark.parametrize("levels", [1, 2, 3, None])
def test_the_path_found_is_the_best_of_all(align: Align, n_tokens: int, n_frames: int, levels: int | None) -> None:
    for seed in range(5):
        value = normal(1, n_tokens, n_frames, seed=seed)
        if levels is not None:  # few whole numbers: many paths are equally good, and sums are exact
            value = (value.abs() * 2).floor().clamp(max=levels - 1)
        found = align(value, torch.ones_like(value))[0]
        # Of equally good paths it is the one that, seen from the end, stays longest.
        best = max(paths(n_tokens, n_frames), key=lambda path: (score(value[0], path), path[::-1]))
        assert torch.repeat_interleave(found).tolist() == best


@given(lengths, st.integers(0, 2**32), st.sampled_from(["random", "tied", "equal", "broken"]))
def test_both_searches_agree_to_the_last_frame(items: list[tuple[int, int]], seed: int, kind: str) -> None:
    mask = masked(items)
    value = normal(*mask.shape, seed=seed)
    if kind == "tied":
        value = value.round()
    elif kind == "equal":
        value = torch.zeros_like(value)
    elif kind == "broken":
        for number, bad in enumerate((float("nan"), float("inf"), float("-inf"), 3e38, -3e38)):
            value[normal(*mask.shape, seed=seed + number + 1) > 1.5] = bad
    durations = monotonic_alignment(value, mask)
    assert torch.equal(durations, monotonic_alignment_torch(value, mask))
    assert durations.dtype == torch.int64
    assert torch.equal(durations > 0, mask[:, :, 0] > 0)  # each token has a frame, padding none
    assert durations.sum(1).tolist() == [frames for _, frames in items]
    assert torch.equal(monotonic_path(value, mask), path_of(durations, mask.shape[2]))


@both
def test_several_thousand_frames_are_no_trouble(align: Align) -> None:
    frames = torch.arange(6001)
    tokens = torch.arange(700)
    value = -((frames[None, :] / 6000 - (tokens[:, None] / 699) ** 2) ** 2)[None] * 1e8 - 1e6  # sums near -6e9
    durations = align(value, torch.ones_like(value))
    assert int(durations.sum()) == 6001
    ends = durations.cumsum(1)[0] / 6001
    assert float((ends - (tokens / 699) ** 2).abs().max()) < 0.02


def test_many_items_on_several_threads_are_as_on_one() -> None:
    items = [(tokens, 3 * tokens) for tokens in range(1, 38)]
    mask = masked(items)
    value = normal(*mask.shape)
    expected = monotonic_alignment_torch(value, mask)
    for n_threads in (1, 2, 3):
        before = torch.get_num_threads()
        torch.set_num_threads(n_threads)
        try:
            assert torch.equal(monotonic_alignment(value, mask), expected)
            assert torch.equal(monotonic_path(value, mask), path_of(expected, mask.shape[2]))
        finally:
            torch.set_num_threads(before)


@both
def test_padding_changes_nothing_whatever_it_holds(align: Align) -> None:
    items = [(9, 23), (17, 17), (1, 5)]
    mask, wide_mask = masked(items), masked(items, n_tokens=35, n_frames=50)
    value = normal(*mask.shape)
    for padding in (0.0, 1e9, float("inf"), float("nan")):
        wide = torch.full(wide_mask.shape, padding)
        for item, (tokens, frames) in enumerate(items):
            wide[item, :tokens, :frames] = value[item, :tokens, :frames]
        assert torch.equal(align(wide, wide_mask)[:, :17], align(value, mask))
        assert not align(wide, wide_mask)[:, 17:].any()


@both
def test_an_item_alone_is_as_among_others(align: Align) -> None:
    items = [(5, 30), (20, 21), (12, 28)]
    mask = masked(items)
    value = normal(*mask.shape)
    together = align(value, mask)
    for item, (tokens, frames) in enumerate(items):
        alone = value[item : item + 1, :tokens, :frames]
        assert torch.equal(align(alone, torch.ones_like(alone))[0], together[item, :tokens])


@both
def test_nan_in_an_item_leaves_the_others_alone(align: Align) -> None:
    mask = masked([(8, 20), (11, 20), (11, 18)])
    value = normal(*mask.shape)
    broken = value.clone()
    broken[1] = float("nan")
    expected, found = align(value, mask), align(broken, mask)
    assert torch.equal(found[[0, 2]], expected[[0, 2]])
    assert int(found[1].min()) == 1
    assert int(found[1].sum()) == 20


@both
def test_a_path_goes_around_nan(align: Align) -> None:
    value = torch.zeros(1, 2, 4)
    value[0, 0, 1] = float("nan")
    assert align(value, torch.ones_like(value)).tolist() == [[1, 3]]


@both
def test_layout_type_and_gradient_of_what_is_given_do_not_matter(align: Align) -> None:
    mask = masked([(6, 14), (9, 11)])
    value = normal(*mask.shape)
    expected = align(value, mask)
    kept = value.clone()
    frames_last = value.transpose(1, 2).contiguous().transpose(1, 2)
    assert not frames_last.is_contiguous()
    assert torch.equal(align(frames_last, mask.bool()), expected)
    assert torch.equal(align(normal(2, 9, 28)[:, :, ::2], mask), align(normal(2, 9, 28)[:, :, ::2].clone(), mask))
    assert torch.equal(align(value.double(), mask.to(torch.bfloat16)), expected)
    assert torch.equal(align(value.requires_grad_(), mask), expected)
    assert torch.equal(value, kept)


@both
def test_fewer_frames_than_tokens_is_said_of_the_item(align: Align) -> None:
    mask = masked([(3, 4), (5, 4), (2, 4)])
    with pytest.raises(ParameterError, match=r"item 1 of the batch has 4 frames for 5 tokens.*leave out"):
        align(normal(*mask.shape), mask)


@both
def test_an_empty_item_lasts_no_time(align: Align) -> None:
    mask = masked([(0, 0), (2, 3)])
    assert align(torch.zeros_like(mask), mask).tolist() == [[0, 0], [1, 2]]
    assert align(torch.zeros(0, 4, 5), torch.zeros(0, 4, 5)).shape == (0, 4)
    assert align(torch.zeros(2, 4, 0), torch.zeros(2, 4, 0)).tolist() == [[0] * 4] * 2


def test_the_torch_search_does_three_things_a_frame_and_never_waits() -> None:
    class Names(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.names: list[str] = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            self.names.append(func.name())
            return func(*args, **(kwargs or {}))

    def names(n_frames: int) -> list[str]:
        value = normal(2, 5, n_frames)
        with Names() as mode:
            monotonic_alignment_torch(value, torch.ones_like(value))
        return mode.names

    assert len(names(60)) - len(names(20)) == 3 * 40
    assert names(60).count("aten::_local_scalar_dense") == 0


def test_a_path_has_a_one_where_a_frame_belongs_to_a_token() -> None:
    path = path_of(torch.tensor([[2, 0, 1], [1, 1, 1]]), 4, dtype=torch.int32)
    assert path.dtype == torch.int32
    assert path.tolist() == [
        [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]],
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
    ]


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "sonorant.nn._alignment_kernel", raising=False)
    monkeypatch.delattr(sonorant.nn, "_alignment_kernel", raising=False)
    value = torch.zeros(1, 2, 3)
    with pytest.raises(MissingExtraError, match=r"'numba'.*sonorant\[train\]"):
        monotonic_alignment(value, torch.ones_like(value))
    assert monotonic_alignment_torch(value, torch.ones_like(value)).tolist() == [[1, 2]]


def test_importing_brings_no_numba() -> None:
    code = "import sys, sonorant.nn.alignment; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_cannot_be_kept_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from sonorant.nn import _alignment_kernel

    def njit(*, cache: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    def nothing() -> None:
        pass

    monkeypatch.setattr(numba, "njit", njit)
    assert _alignment_kernel._compiled()(nothing) is nothing


def test_noise_of_scale_0_is_no_noise() -> None:
    value = normal(3, 7, 20)
    mask = pair_mask(length_mask(torch.tensor([7, 4, 1]), 7), length_mask(torch.tensor([20, 9, 5]), 20))
    noise = normal(3, 7, 20, seed=1)
    plain = monotonic_alignment(value, mask)
    assert torch.equal(noisy_alignment(value, mask, noise=noise, scale=0.0), plain)
    moved = noisy_alignment(value, mask, noise=noise, scale=1.0)
    assert not torch.equal(moved, plain)
    assert moved.sum(1).tolist() == [20, 9, 5]


def test_noise_is_scaled_by_an_items_own_spread_whatever_its_padding() -> None:
    value, noise = 3 * normal(1, 5, 12) - 40, normal(1, 5, 12, seed=1)
    alone = noisy_alignment(value, torch.ones(1, 5, 12), noise=noise, scale=0.7)
    by_hand = monotonic_alignment(value + 0.7 * value.std(correction=0) * noise, torch.ones(1, 5, 12))
    assert torch.equal(alone, by_hand)
    padded = torch.full((2, 8, 20), 1e6)
    padded[0, :5, :12], noises = value[0], torch.zeros(2, 8, 20)
    noises[0, :5, :12] = noise[0]
    mask = pair_mask(length_mask(torch.tensor([5, 8]), 8), length_mask(torch.tensor([12, 20]), 20))
    assert torch.equal(noisy_alignment(padded, mask, noise=noises, scale=0.7)[:1, :5], alone)
