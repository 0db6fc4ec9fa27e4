from __future__ import annotations

import torch

from sonorant.losses.duration import duration_discriminator_loss
from sonorant.nn.duration_discriminator import DurationDiscriminator, DurationDiscriminatorConfig
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized

D, D_COND = 8, 5
CFG = DurationDiscriminatorConfig(d_filter=12)


def test_padding_is_invisible() -> None:
    judge = randomized(DurationDiscriminator(CFG, D, D_COND), scale=0.3)
    mask = length_mask(torch.tensor([6, 10]), 10)
    hidden, log_duration, speaker = normal(2, D, 10), normal(2, 1, 10, seed=1), normal(2, D_COND, 1, seed=2)
    scores = judge(hidden, mask, log_duration, speaker)
    alone = judge(hidden[:1, :, :6], torch.ones(1, 1, 6), log_duration[:1, :, :6], speaker[:1])
    torch.testing.assert_close(scores[:1, :, :6], alone, atol=1e-5, rtol=1e-5)
    assert not scores[0, :, 6:].any()
    assert scores[1].all()


def test_gradients_reach_every_weight_and_the_durations_but_not_the_text_or_the_speaker() -> None:
    judge = randomized(DurationDiscriminator(CFG, D, D_COND), scale=0.3)
    hidden, log_duration, speaker = (normal(2, d, n).requires_grad_() for d, n in ((D, 6), (1, 6), (D_COND, 1)))
    judge(hidden, torch.ones(2, 1, 6), log_duration, speaker).square().sum().backward()
    assert hidden.grad is None
    assert speaker.grad is None
    assert log_duration.grad is not None
    assert log_duration.grad.all()
    assert all(p.grad is not None and p.grad.any() for p in judge.parameters())


def test_it_learns_which_durations_fit_the_text() -> None:
    """Real durations follow from the text; those of other tokens have the same distribution, but do not fit."""
    torch.manual_seed(0)
    judge = DurationDiscriminator(DurationDiscriminatorConfig(d_filter=32), D)
    optimizer = torch.optim.AdamW(judge.parameters(), 3e-3)
    mask = length_mask(torch.tensor([20, 12, 16, 20] * 8), 20)

    def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        hidden = torch.randn(len(mask), D, 20)
        fitting = hidden[:, :1] + hidden[:, 1:2]
        return hidden, fitting * mask, fitting[:, :, torch.randperm(20)].roll(1, dims=0) * mask

    for _ in range(80):
        hidden, real, shuffled = drawn()
        scores = {"real": judge(hidden, mask, real), "generated": judge(hidden, mask, shuffled)}
        optimizer.zero_grad()
        (duration_discriminator_loss(**scores, mask=mask).sum() / mask.sum()).backward()
        optimizer.step()
    hidden, real, shuffled = drawn()
    with torch.no_grad():
        is_right = torch.cat([judge(hidden, mask, real) > 0.5, judge(hidden, mask, shuffled) < 0.5])
    assert float(is_right[mask.repeat(2, 1, 1) > 0].float().mean()) > 0.85
