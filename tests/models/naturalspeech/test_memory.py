"""Laws of the memory bank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sonorant.models.naturalspeech.memory import Clusters, MemoryBank, MemoryConfig, k_means, sampled_frames

D, N = 8, 6


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def bank() -> MemoryBank:
    torch.manual_seed(0)
    return MemoryBank(MemoryConfig(n_slots=N, n_heads=2), D)


def test_it_begins_without_effect_and_its_share_brings_it_in(bank: MemoryBank) -> None:
    z = torch.randn(2, D, 5)
    assert torch.equal(bank(z), z)
    bank.share.fill_(1.0)
    read = bank.read(z.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(bank(z), read)
    bank.share.fill_(0.25)
    torch.testing.assert_close(bank(z), 0.75 * z + 0.25 * read)


def test_a_frame_does_not_depend_on_other_frames(bank: MemoryBank) -> None:
    bank.share.fill_(1.0)
    z = torch.randn(2, D, 5)
    torch.testing.assert_close(bank(z)[1:, :, 2:3], bank(z[1:, :, 2:3]))


def test_filled_with_tight_clusters_it_gives_the_nearest_centre_in_each_head(bank: MemoryBank) -> None:
    centres = torch.randn(N, D, generator=generator()) * 3
    bank.fill(Clusters(centres, torch.full((D,), 1e-4)))
    frames = torch.randn(20, D, generator=generator(1)) * 3
    halves = [slice(0, D // 2), slice(D // 2, D)]
    nearest = [torch.cdist(frames[:, half], centres[:, half]).argmin(dim=1) for half in halves]
    expected = torch.cat([centres[rows][:, half] for rows, half in zip(nearest, halves, strict=True)], dim=1)
    torch.testing.assert_close(bank.read(frames), expected, atol=1e-3, rtol=1e-3)


def test_filled_it_gives_the_posterior_mean_of_a_mixture_of_gaussians() -> None:
    bank = MemoryBank(MemoryConfig(n_slots=N, n_heads=1), D)
    centres, variance = torch.randn(N, D, generator=generator()), 0.7
    bank.fill(Clusters(centres, torch.full((D,), variance)))
    frames = torch.randn(9, D, generator=generator(1))
    responsibility = (-torch.cdist(frames, centres).square() / (2 * variance)).softmax(dim=1)
    torch.testing.assert_close(bank.read(frames), responsibility @ centres, atol=1e-5, rtol=1e-4)


def test_it_reads_as_exactly_in_half_precision_as_out_of_it() -> None:
    bank = MemoryBank(MemoryConfig(n_slots=50, n_heads=2), D)
    centres = torch.randn(50, D, generator=generator()) + 3
    bank.fill(Clusters(centres, torch.full((D,), 0.1)))
    frames = centres[:20] + 0.3 * torch.randn(20, D, generator=generator(1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = bank.read(frames)
    torch.testing.assert_close(half, bank.read(frames))


def test_every_weight_that_learns_gets_a_gradient(bank: MemoryBank) -> None:
    bank.share.fill_(1.0)
    bank(torch.randn(2, D, 5)).square().sum().backward()
    learning = {name: p for name, p in bank.named_parameters() if p.requires_grad}
    assert {name for name, _ in bank.named_parameters()} - set(learning) == {"key.bias"}
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in learning.values())


def test_k_means_finds_clusters_that_lie_apart() -> None:
    truth = torch.tensor([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [100.0, 100.0]])
    frames = truth.repeat(50, 1) + torch.randn(200, 2, generator=generator())
    # Lloyd's algorithm finds a local optimum; this beginning is one that leads to the best.
    found = k_means(frames, 4, n_rounds=20, generator=generator(0))
    apart = torch.cdist(truth, found.centres).min(dim=1).values
    assert bool((apart < 1).all())
    torch.testing.assert_close(found.variance, torch.ones(2), atol=0.3, rtol=0)


def test_rounds_of_k_means_bring_the_centres_no_farther_from_the_frames() -> None:
    frames = torch.randn(500, 3, generator=generator())
    spread = [float(k_means(frames, 20, n_rounds=n, generator=generator(1)).variance.sum()) for n in (0, 1, 3, 10)]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 0.8 * spread[0]


def test_centres_that_lose_their_frames_begin_anew() -> None:
    frames = torch.cat([torch.zeros(50, 2), torch.tensor([[9.0, 9.0], [-9.0, 9.0]])])
    found = k_means(frames, 3, n_rounds=10, generator=generator())
    assert float(found.variance.sum()) == pytest.approx(0.0, abs=1e-9)


def test_frames_are_drawn_evenly_and_only_asked_for_when_wanted() -> None:
    asked: list[int] = []

    def utterance(index: int, n: int) -> tuple[int, object]:
        def compute() -> Tensor:
            asked.append(index)
            return torch.full((2, n), float(index))

        return n, compute

    lengths = [100, 300, 1, 599]
    stream = [utterance(index, n) for index, n in enumerate(lengths)]
    drawn = sampled_frames(stream, n_total=1000, n_wanted=200, generator=np.random.default_rng(0))  # type: ignore[arg-type]
    assert len(drawn) == 200
    counts = torch.bincount(drawn[:, 0].long(), minlength=4)
    assert counts[3] > counts[1] > counts[0]
    assert set(asked) == set(drawn[:, 0].long().tolist())


@pytest.mark.parametrize("n_wanted", [1, 7, 10, 11])
def test_no_frame_is_drawn_twice_and_no_more_than_there_are(n_wanted: int) -> None:
    frames = torch.arange(10)[None].split((4, 1, 5), dim=1)
    stream = [(part.shape[1], lambda part=part: part) for part in frames]
    for seed in range(20):
        drawn = sampled_frames(stream, n_total=10, n_wanted=n_wanted, generator=np.random.default_rng(seed))
        assert len(set(drawn[:, 0].tolist())) == len(drawn) == min(n_wanted, 10)
