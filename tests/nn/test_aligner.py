"""The learned alignment: its prior, its diagonal, what padding does to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.losses.alignment import binarization, forward_sum
from sonorant.losses.divergence import gaussian_kl, sampled_kl
from sonorant.nn.aligner import Aligner, AlignerConfig, beta_binomial_prior, gaussian_weights
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.mask import length_mask, pair_mask

TOKENS, FRAMES = torch.tensor([7, 4]), torch.tensor([30, 13])


def masks(n_tokens: int = 7, n_frames: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    return length_mask(TOKENS, n_tokens), length_mask(FRAMES, n_frames)


def test_the_prior_of_a_frame_sums_to_one_over_tokens_and_follows_the_diagonal() -> None:
    token_mask, frame_mask = masks()
    prior = beta_binomial_prior(token_mask=token_mask, frame_mask=frame_mask).exp()
    for item, (n_tokens, n_frames) in enumerate(zip(TOKENS.tolist(), FRAMES.tolist(), strict=True)):
        of_item = prior[item, :n_tokens, :n_frames]
        torch.testing.assert_close(of_item.sum(dim=0), torch.ones(n_frames), rtol=1e-4, atol=1e-5)
        modes = of_item.argmax(dim=0)
        assert (modes[0], modes[-1]) == (0, n_tokens - 1)
        assert (modes.diff() >= 0).all()
        # The public code that exchanges text and speech gives each *token* a distribution over frames.
        assert not torch.allclose(of_item.sum(dim=1), torch.ones(n_tokens), atol=0.1)


def test_the_prior_is_scipys_beta_binomial() -> None:
    stats = pytest.importorskip("scipy.stats")
    token_mask, frame_mask = masks()
    prior = beta_binomial_prior(token_mask=token_mask, frame_mask=frame_mask, scale=0.7)
    for t in (1, 9, 30):
        expected = stats.betabinom.logpmf(range(7), 6, 0.7 * t, 0.7 * (30 - t + 1))
        assert prior[0, :, t - 1].tolist() == pytest.approx(expected.tolist(), abs=1e-3)


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_probabilities_of_a_frame_sum_to_one_over_its_tokens(distance: str) -> None:
    torch.manual_seed(0)
    aligner = Aligner(AlignerConfig(d_attention=8, distance=distance), 16, 10)
    token_mask, frame_mask = masks()
    hidden, mel = torch.randn(2, 16, 7), torch.randn(2, 10, 30)
    found = aligner(hidden, mel, token_mask=token_mask, frame_mask=frame_mask).exp()
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2, 30), rtol=1e-5, atol=1e-5)
    assert not found[1, 4:].any()


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    aligner = Aligner(AlignerConfig(d_attention=8), 16, 10, d_cond=3)
    token_mask, frame_mask = masks()
    hidden, mel, speaker = torch.randn(2, 16, 7) * token_mask, torch.randn(2, 10, 30) * frame_mask, torch.randn(2, 3, 1)
    wide_tokens, wide_frames = masks(16, 47)
    more_hidden = torch.cat((hidden, torch.randn(2, 16, 9)), dim=2)
    more_mel = torch.cat((mel, torch.randn(2, 10, 17)), dim=2)
    expected = aligner(hidden, mel, token_mask=token_mask, frame_mask=frame_mask, speaker=speaker)
    found = aligner(more_hidden, more_mel, token_mask=wide_tokens, frame_mask=wide_frames, speaker=speaker)[:, :7, :30]
    pairs = pair_mask(token_mask, frame_mask)
    torch.testing.assert_close(found * pairs, expected * pairs, rtol=1e-4, atol=1e-4)


def test_one_that_hears_nothing_says_what_its_prior_says() -> None:
    """Of each item's own tokens and frames, in their places."""
    stats = pytest.importorskip("scipy.stats")
    n_tokens, n_frames = torch.tensor([5, 7]), torch.tensor([30, 11])
    token_mask, frame_mask = length_mask(n_tokens, 7), length_mask(n_frames, 30)
    aligner = Aligner(AlignerConfig(d_attention=4, prior_scale=0.8), 6, 10)
    for parameter in aligner.parameters():
        torch.nn.init.zeros_(parameter)
    found = aligner(torch.randn(2, 6, 7), torch.randn(2, 10, 30), token_mask=token_mask, frame_mask=frame_mask).exp()
    for item, (tokens, frames) in enumerate(zip(n_tokens.tolist(), n_frames.tolist(), strict=True)):
        for t in range(frames):
            expected = stats.betabinom.pmf(range(tokens), tokens - 1, 0.8 * (t + 1), 0.8 * (frames - t))
            assert found[item, :tokens, t].tolist() == pytest.approx(expected, abs=1e-5)


def of_distance(distance: str, *, temperature: float) -> AlignerConfig:
    """temperature: of squared distances, for others have none."""
    return AlignerConfig(temperature=temperature) if distance == "squared" else AlignerConfig(distance="euclidean")


@pytest.mark.parametrize(("distance", "expected"), [("squared", -0.25 * 25), ("euclidean", -5)])
def test_scores_are_distances_squared_and_scaled_or_as_they_are(distance: str, expected: float) -> None:
    aligner = Aligner(replace(of_distance(distance, temperature=0.25), d_attention=2, prior_scale=0), 2, 2)
    key, query = torch.zeros(1, 2, 2), torch.tensor([[[3.0], [4.0]]])
    key[:, :, 1] = query[:, :, 0]
    found = aligner._closeness(key, query)[0, :, 0]
    assert found.tolist() == pytest.approx([expected, 0], abs=2e-3)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (beta_binomial_prior, ("token_mask", "frame_mask")),
        (Aligner.forward, ("token_mask", "frame_mask")),
        (forward_sum, ("token_lengths", "frame_lengths")),
        (sampled_kl, ("z_p", "posterior_log_std", "prior_mean", "prior_log_std")),
        (gaussian_kl, ("posterior_mean", "posterior_log_std", "prior_mean", "prior_log_std")),
    ],
)
def test_what_could_be_exchanged_is_given_by_name_only(function: Callable[..., Tensor], names: Sequence[str]) -> None:
    parameters = inspect.signature(function).parameters
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in names)


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_a_synthetic_diagonal_is_found(distance: str) -> None:
    """Each token sounds like its own row of a table, for as long as it likes: nobody tells the aligner how long."""
    torch.manual_seed(1)
    symbols, sounds = torch.randn(8, 16), 3 * torch.randn(8, 10)
    texts = [torch.randperm(8)[: 5 + i % 4] for i in range(48)]  # no sound twice in a row: who could tell them apart?
    lasting = [torch.randint(2, 8, (len(text),)) for text in texts]
    n_tokens, n_frames = [torch.tensor([int(x) for x in each]) for each in (map(len, texts), map(torch.sum, lasting))]
    hidden, mel = torch.zeros(48, 16, 8), torch.zeros(48, 10, int(n_frames.max()))
    for i, (text, frames) in enumerate(zip(texts, lasting, strict=True)):
        hidden[i, :, : len(text)] = symbols[text].T
        mel[i, :, : int(frames.sum())] = torch.repeat_interleave(sounds[text], frames, dim=0).T
    mel += 0.1 * torch.randn_like(mel)
    token_mask, frame_mask = length_mask(n_tokens, 8), length_mask(n_frames, mel.shape[2])

    aligner = Aligner(replace(of_distance(distance, temperature=0.2), d_attention=16), 16, 10)
    optimizer = torch.optim.Adam(aligner.parameters(), lr=1e-2)
    for step in range(90):
        found = aligner(hidden, mel, token_mask=token_mask, frame_mask=frame_mask)
        path = monotonic_alignment(found.detach(), pair_mask(token_mask, frame_mask))
        loss = forward_sum(found, token_lengths=n_tokens, frame_lengths=n_frames).mean()
        if step > 50:
            loss = loss + binarization(found, path, frame_mask).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    off = []
    for i, frames in enumerate(lasting):
        off.append((path[i, : len(frames)].cumsum(0) - frames.cumsum(0)).abs())
    assert (torch.cat(off) <= 1).float().mean() > 0.9


def test_gaussians_lie_about_the_middles_of_tokens() -> None:
    durations = torch.tensor([[4, 2, 6, 0], [3, 3, 0, 0]])
    token_mask = length_mask(torch.tensor([3, 2]), 4)
    weights = gaussian_weights(durations, token_mask, 12, sharpness=0.1)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2, 12))
    assert weights[0, :, 2].argmax() == 0
    assert weights[0, :, 9].argmax() == 2
    assert not weights[0, 3].any()
    sharp = gaussian_weights(durations, token_mask, 12, sharpness=50.0)
    assert sharp[0].argmax(dim=0)[[0, 3, 4, 8, 11]].tolist() == [0, 0, 1, 2, 2]
