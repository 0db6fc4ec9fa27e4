from __future__ import annotations

import pytest
import torch

from sonorant.nn.duration import (
    DurationConfig,
    DurationFlow,
    DurationPredictor,
    ElementwiseAffine,
    SplineCoupling,
    StochasticDurationConfig,
    StochasticDurationPredictor,
)
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized

CFG = StochasticDurationConfig()
D, D_COND = 8, 5
Predictor = DurationPredictor | StochasticDurationPredictor


@pytest.fixture(params=["deterministic", "stochastic"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    if request.param == "stochastic":
        return randomized(StochasticDurationPredictor(CFG, D, D_COND), scale=0.3)
    return randomized(DurationPredictor(DurationConfig(d_filter=12), D, D_COND), scale=0.3)


def test_padding_is_invisible(predictor: Predictor) -> None:
    mask = length_mask(torch.tensor([6, 10]), 10)
    hidden, speaker = normal(2, D, 10) * mask, normal(2, D_COND, 1, seed=1)
    noise = normal(2, predictor.d_noise, 10, seed=2)
    durations = torch.randint(1, 20, (2, 10), generator=torch.Generator().manual_seed(0)) * mask[:, 0].long()
    ones = torch.ones(1, 1, 6)
    log_duration = predictor.log_duration(hidden, mask, noise, speaker)
    alone = predictor.log_duration(hidden[:1, :, :6], ones, noise[:1, :, :6], speaker[:1])
    torch.testing.assert_close(log_duration[:1, :, :6], alone, atol=1e-5, rtol=1e-5)
    assert not log_duration[0, :, 6:].any()
    loss = predictor.loss(hidden, mask, durations, noise, speaker)
    alone = predictor.loss(hidden[:1, :, :6], ones, durations[:1, :6], noise[:1, :, :6], speaker[:1])
    torch.testing.assert_close(loss[:1], alone, atol=1e-3, rtol=1e-5)


def test_no_gradient_reaches_the_text_or_the_speaker(predictor: Predictor) -> None:
    hidden, speaker = normal(1, D, 4).requires_grad_(), normal(1, D_COND, 1).requires_grad_()
    durations = torch.tensor([[1, 5, 2, 9]])
    noise = normal(1, predictor.d_noise, 4)
    predictor.loss(hidden, torch.ones(1, 1, 4), durations, noise, speaker).sum().backward()
    assert hidden.grad is None
    assert speaker.grad is None
    assert all(p.grad is not None and p.grad.any() for p in predictor.parameters())


def test_the_deterministic_loss_is_the_squared_error() -> None:
    predictor = randomized(DurationPredictor(DurationConfig(d_filter=12), D))
    hidden, mask, noise = normal(1, D, 3), torch.ones(1, 1, 3), torch.zeros(1, 0, 3)
    durations = torch.tensor([[1, 4, 30]])
    expected = ((predictor.log_duration(hidden, mask, noise) - durations.log()) ** 2).sum()
    torch.testing.assert_close(predictor.loss(hidden, mask, durations, noise), expected[None], atol=1e-4, rtol=1e-4)


def test_a_coupling_is_undone_by_its_reverse() -> None:
    coupling = randomized(SplineCoupling(CFG, D), scale=0.3)
    mask = length_mask(torch.tensor([5, 9]), 9)
    x, condition = normal(2, 2, 9) * mask, normal(2, D, 9, seed=1)
    y, _ = coupling(x, mask, condition)
    assert not torch.allclose(y, x, atol=0.01)
    torch.testing.assert_close(coupling.reverse(y, mask, condition), x, atol=1e-4, rtol=1e-4)


def test_an_affine_map_is_undone_by_its_reverse() -> None:
    affine = randomized(ElementwiseAffine(2), scale=0.5)
    x, mask = normal(2, 2, 9), torch.ones(2, 1, 9)
    torch.testing.assert_close(affine.reverse(affine(x, mask)[0], mask), x, atol=1e-5, rtol=1e-5)


def test_the_reverse_of_the_flow_finds_the_log_duration_without_the_first_coupling() -> None:
    flow = randomized(DurationFlow(CFG, D), scale=0.1)
    mask = torch.ones(2, 1, 9)
    x, condition = normal(2, 2, 9), normal(2, D, 9, seed=1)
    y, _ = flow(x, mask, condition)
    flow.first = None
    torch.testing.assert_close(flow.reverse(y, mask, condition)[:, :1], x[:, :1], atol=1e-3, rtol=1e-3)


def test_the_log_determinant_of_the_flow_is_that_of_autograd() -> None:
    flow = randomized(DurationFlow(CFG, D), scale=0.3)
    mask, condition = torch.ones(1, 1, 3), normal(1, D, 3, seed=1)
    x = normal(1, 2, 3)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, mask, condition)[0], x).view(6, 6)
    log_det = torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(flow(x, mask, condition)[1][0], log_det, atol=1e-3, rtol=1e-3)


def test_the_stochastic_loss_bounds_the_likelihood() -> None:
    """Summed over all durations, exp(-loss) is a lower bound of a probability: it cannot exceed 1."""
    predictor = randomized(StochasticDurationPredictor(CFG, D), scale=0.1)
    durations = torch.arange(1, 200).repeat_interleave(16).unsqueeze(1)
    n = len(durations)
    with torch.no_grad():
        loss = predictor.loss(normal(1, D, 1).expand(n, -1, -1), torch.ones(n, 1, 1), durations, normal(n, 2, 1))
    total = torch.exp(-loss.view(-1, 16).mean(1)).sum()
    assert 0.05 < total < 1.0


def test_dropping_the_training_parts_changes_no_duration() -> None:
    predictor = randomized(StochasticDurationPredictor(CFG, D), scale=0.3)
    hidden, mask, noise = normal(1, D, 7), torch.ones(1, 1, 7), normal(1, 2, 7, seed=1)
    before = predictor.log_duration(hidden, mask, noise)
    predictor.drop_training_parts()
    assert torch.equal(predictor.log_duration(hidden, mask, noise), before)
    with pytest.raises(AssertionError, match="made for inference"):
        predictor.loss(hidden, mask, torch.ones(1, 7), noise)
