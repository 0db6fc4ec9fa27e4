"""All alignments together, and the hard one apart from them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from sonorant.losses.alignment import binarization, forward_sum

TOKENS, FRAMES = torch.tensor([3, 5, 1, 4]), torch.tensor([9, 7, 4, 4])


def attention(seed: int = 0, *, n_tokens: int = 5, n_frames: int = 9) -> torch.Tensor:
    torch.manual_seed(seed)
    scores = 3 * torch.randn(4, n_tokens, n_frames, dtype=torch.float64)
    is_token = torch.arange(n_tokens) < TOKENS[:, None]
    return scores.masked_fill(~is_token[:, :, None], -1e4).log_softmax(dim=1)


def by_hand(log_attention: torch.Tensor, n_tokens: int, n_frames: int) -> float:
    """Every path in turn: which frames are the first of their token."""
    total = -math.inf
    for starts in itertools.combinations(range(1, n_frames), n_tokens - 1):
        token, score = 0, 0.0
        for t in range(n_frames):
            token += t in starts
            score += float(log_attention[token, t])
        total = float(torch.logaddexp(torch.tensor(total), torch.tensor(score)))
    return -total


def test_it_is_the_sum_over_all_paths() -> None:
    log_attention = attention()
    expected = [by_hand(log_attention[i], int(TOKENS[i]), int(FRAMES[i])) for i in range(4)]
    assert forward_sum(log_attention, TOKENS, FRAMES).tolist() == pytest.approx(expected, rel=1e-5)


def test_it_is_torchs_ctc_with_a_blank_that_never_comes() -> None:
    log_attention = attention().requires_grad_()
    columns = F.pad(log_attention.permute(2, 0, 1), (1, 0), value=-1e30)
    targets = torch.arange(1, 6).expand(4, -1)
    ctc = F.ctc_loss(columns, targets, FRAMES, TOKENS, reduction="none")
    ours = forward_sum(log_attention, TOKENS, FRAMES)
    torch.testing.assert_close(ours.double(), ctc, rtol=1e-5, atol=1e-5)
    # Its gradient takes for granted that what it is given is normalised; ours is of any scores. Both behind a softmax:
    scores = log_attention.detach().clone().requires_grad_()
    normal = scores.log_softmax(dim=1)
    weight = torch.arange(1.0, 5.0, dtype=torch.float64)
    (found,) = torch.autograd.grad((forward_sum(normal, TOKENS, FRAMES) * weight).sum(), scores, retain_graph=True)
    again = F.ctc_loss(F.pad(normal.permute(2, 0, 1), (1, 0), value=-1e30), targets, FRAMES, TOKENS, reduction="none")
    (expected,) = torch.autograd.grad((again * weight).sum(), scores)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_its_gradient_is_the_share_of_paths_through_a_cell() -> None:
    log_attention = attention().requires_grad_()
    forward_sum(log_attention, TOKENS, FRAMES).sum().backward()
    share = -log_attention.grad
    assert share.min() >= 0
    is_frame = torch.arange(9) < FRAMES[:, None]
    torch.testing.assert_close(share.sum(dim=1), is_frame.double(), rtol=1e-5, atol=1e-5)
    epsilon, cell = 1e-3, (1, 2, 3)
    moved = [log_attention.detach().clone() for _ in range(2)]
    moved[0][cell] += epsilon
    moved[1][cell] -= epsilon
    slope = (forward_sum(moved[0], TOKENS, FRAMES) - forward_sum(moved[1], TOKENS, FRAMES)).sum() / (2 * epsilon)
    assert float(slope) == pytest.approx(-float(share[cell]), abs=2e-3)


def test_padding_changes_nothing() -> None:
    log_attention = attention()
    padded = torch.full((4, 14, 26), -7.0, dtype=torch.float64)
    padded[:, :5, :9] = log_attention
    torch.testing.assert_close(forward_sum(padded, TOKENS, FRAMES), forward_sum(log_attention, TOKENS, FRAMES))


def test_binarization_is_the_divergence_of_the_path_from_the_attention() -> None:
    log_attention = attention(n_tokens=5)
    durations = torch.tensor([[2, 3, 4, 0, 0], [1, 1, 2, 1, 2], [4, 0, 0, 0, 0], [1, 1, 1, 1, 0]])
    mask = (torch.arange(9) < FRAMES[:, None]).unsqueeze(1).float()
    by_frame = [
        -sum(float(log_attention[i, token, t]) for t, token in enumerate(torch.repeat_interleave(torch.arange(5), d)))
        for i, d in enumerate(durations)
    ]
    assert binarization(log_attention, durations, mask).tolist() == pytest.approx(by_frame, rel=1e-5)
    sure = torch.where(log_attention > -1e3, 0.0, log_attention)
    assert not binarization(sure, durations, mask).any()
