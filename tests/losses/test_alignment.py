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


def by_hand(log_attention: torch.Tensor, n_tokens: int, n_frames: int, blank_score: float) -> float:
    """Every path in turn: what each frame is of, a token or none; together they name each token once, in order."""
    columns = F.pad(log_attention[:n_tokens], (0, 0, 1, 0), value=blank_score).log_softmax(dim=0)
    total = -math.inf
    for path in itertools.product(range(n_tokens + 1), repeat=n_frames):
        if [label for label, _ in itertools.groupby(path) if label] != list(range(1, n_tokens + 1)):
            continue
        score = sum(float(columns[label, t]) for t, label in enumerate(path))
        total = float(torch.logaddexp(torch.tensor(total), torch.tensor(score)))
    return -total


@pytest.mark.parametrize("blank_score", [-1.0, 0.5, -math.inf])
def test_it_is_the_sum_over_all_paths(blank_score: float) -> None:
    tokens, frames = torch.tensor([2, 3, 1]), torch.tensor([6, 5, 3])
    torch.manual_seed(0)
    scores = 3 * torch.randn(3, 3, 6)
    log_attention = scores.masked_fill((torch.arange(3) >= tokens[:, None]).unsqueeze(2), -1e4).log_softmax(dim=1)
    expected = [by_hand(log_attention[i], int(tokens[i]), int(frames[i]), blank_score) for i in range(3)]
    found = forward_sum(log_attention, token_lengths=tokens, frame_lengths=frames, blank_score=blank_score)
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_the_slope() -> None:
    log_attention = attention().requires_grad_()
    forward_sum(log_attention, token_lengths=TOKENS, frame_lengths=FRAMES).sum().backward()
    epsilon = 1e-3
    for cell in ((1, 2, 3), (0, 0, 0), (3, 1, 2)):
        moved = [log_attention.detach().clone() for _ in range(2)]
        moved[0][cell] += epsilon
        moved[1][cell] -= epsilon
        slope = (
            forward_sum(moved[0], token_lengths=TOKENS, frame_lengths=FRAMES)
            - forward_sum(moved[1], token_lengths=TOKENS, frame_lengths=FRAMES)
        ).sum() / (2 * epsilon)
        assert float(slope) == pytest.approx(float(log_attention.grad[cell]), abs=5e-3)
    assert log_attention.grad[0, :, 9:].abs().sum() == 0


def test_padding_changes_nothing() -> None:
    log_attention = attention()
    padded = torch.full((4, 14, 26), -7.0, dtype=torch.float64)
    padded[:, :5, :9] = log_attention
    torch.testing.assert_close(
        forward_sum(padded, token_lengths=TOKENS, frame_lengths=FRAMES),
        forward_sum(log_attention, token_lengths=TOKENS, frame_lengths=FRAMES),
    )


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
