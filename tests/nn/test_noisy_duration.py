from __future__ import annotations

import pytest
import torch

from sonorant.losses.duration import duration_discriminator_loss, duration_generator_loss
from sonorant.nn.duration import DurationConfig, DurationPredictor
from sonorant.nn.duration_discriminator import DurationDiscriminator, DurationDiscriminatorConfig
from sonorant.nn.mask import length_mask
from sonorant.nn.noisy_duration import NoisyDurationConfig, NoisyDurationPredictor
from tests.nn.random_weights import normal, randomized

D, D_COND = 8, 5
CFG = NoisyDurationConfig(d_filter=12)


@pytest.mark.parametrize("d_cond", [0, D_COND])
def test_with_a_deterministic_predictors_weights_it_is_that_predictor(d_cond: int) -> None:
    plain = randomized(DurationPredictor(DurationConfig(d_filter=12), D, d_cond), scale=0.3)
    noisy = NoisyDurationPredictor(CFG, D, d_cond).eval()
    missing, unexpected = noisy.load_state_dict(plain.state_dict(), strict=False)
    assert missing == ["noise.weight"]
    assert not unexpected
    mask = length_mask(torch.tensor([6, 10]), 10)
    hidden, speaker = normal(2, D, 10), normal(2, D_COND, 1, seed=1) if d_cond else None
    noise = normal(2, noisy.d_noise, 10, seed=2)
    expected = plain.log_duration(hidden, mask, torch.zeros(2, 0, 10), speaker)
    assert torch.equal(noisy.log_duration(hidden, mask, noise, speaker), expected)


def test_padding_is_invisible() -> None:
    predictor = randomized(NoisyDurationPredictor(CFG, D, D_COND), scale=0.3)
    mask = length_mask(torch.tensor([6, 10]), 10)
    hidden, noise, speaker = normal(2, D, 10), normal(2, D, 10, seed=2), normal(2, D_COND, 1, seed=1)
    durations = torch.randint(1, 20, (2, 10), generator=torch.Generator().manual_seed(0))
    ones = torch.ones(1, 1, 6)
    log_duration = predictor.log_duration(hidden, mask, noise, speaker)
    alone = predictor.log_duration(hidden[:1, :, :6], ones, noise[:1, :, :6], speaker[:1])
    torch.testing.assert_close(log_duration[:1, :, :6], alone, atol=1e-5, rtol=1e-5)
    assert not log_duration[0, :, 6:].any()
    loss = predictor.loss(hidden, mask, durations, noise, speaker)
    alone = predictor.loss(hidden[:1, :, :6], ones, durations[:1, :6], noise[:1, :, :6], speaker[:1])
    torch.testing.assert_close(loss[:1], alone, atol=1e-3, rtol=1e-5)


def test_no_gradient_reaches_the_text_or_the_speaker_but_every_weight_has_one() -> None:
    predictor = randomized(NoisyDurationPredictor(CFG, D, D_COND), scale=0.3)
    hidden, speaker = normal(1, D, 4).requires_grad_(), normal(1, D_COND, 1).requires_grad_()
    durations = torch.tensor([[1, 5, 2, 9]])
    predictor.loss(hidden, torch.ones(1, 1, 4), durations, normal(1, D, 4, seed=1), speaker).sum().backward()
    assert hidden.grad is None
    assert speaker.grad is None
    assert all(p.grad is not None and p.grad.any() for p in predictor.parameters())


def test_a_fresh_one_learns_to_look_at_the_noise() -> None:
    """A weight that starts at zero must not stay there."""
    predictor = NoisyDurationPredictor(CFG, D)
    predictor.loss(normal(1, D, 4), torch.ones(1, 1, 4), torch.tensor([[1, 5, 2, 9]]), normal(1, D, 4)).sum().backward()
    assert predictor.noise.weight.grad is not None
    assert predictor.noise.weight.grad.any()


def test_draws_are_diverse_with_an_adversary_and_alike_without() -> None:
    """Tokens last 2 or 16 frames with equal chances, whatever the text: the best single guess is in between."""
    std = torch.log(torch.tensor([2.0, 16.0])).std(correction=0)
    with_adversary, without = (_spread_after_training(is_judged) for is_judged in (True, False))
    assert without < 0.1 * std
    assert 0.5 * std < with_adversary < 1.5 * std


def _spread_after_training(is_judged: bool, steps: int = 400) -> float:
    """The standard deviation over draws, of a mean token."""
    torch.manual_seed(0)
    n, length = 32, 8
    predictor = NoisyDurationPredictor(NoisyDurationConfig(d_filter=32, dropout=0.0), D)
    judge = DurationDiscriminator(DurationDiscriminatorConfig(d_filter=32), D)
    of_predictor, of_judge = (
        torch.optim.AdamW(net.parameters(), 2e-3, betas=(0.8, 0.99)) for net in (predictor, judge)
    )
    mask, n_tokens = torch.ones(n, 1, length), n * length
    for _ in range(steps):
        hidden, noise = torch.randn(n, D, length), torch.randn(n, D, length)
        real = torch.log(torch.where(torch.rand(n, 1, length) < 0.5, 2.0, 16.0))
        drawn = predictor.log_duration(hidden, mask, noise)
        if is_judged:
            of_judge.zero_grad()
            scores = {"real": judge(hidden, mask, real), "generated": judge(hidden, mask, drawn.detach())}
            (duration_discriminator_loss(**scores, mask=mask).sum() / n_tokens).backward()
            of_judge.step()
        of_predictor.zero_grad()
        loss = 0.1 * (drawn - real).pow(2).mean() if is_judged else (drawn - real).pow(2).mean()
        if is_judged:
            loss = loss + duration_generator_loss(generated=judge(hidden, mask, drawn), mask=mask).sum() / n_tokens
        loss.backward()
        of_predictor.step()
    with torch.no_grad():
        hidden = torch.randn(1, D, length).expand(64, -1, -1)
        draws = predictor.log_duration(hidden, mask[:1], torch.randn(64, D, length))
    return float(draws.std(dim=0).mean())
