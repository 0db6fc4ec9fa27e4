"""Laws of the differentiable durator."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sonorant.models.evaluation import own_weight
from sonorant.models.naturalspeech.durator import (
    DurationConfig,
    FramePrior,
    LearnedUpsampling,
    UpsamplingConfig,
)
from sonorant.nn.mask import length_mask
from sonorant.nn.variance import VariancePredictor

C, D = 12, 6


@pytest.fixture
def upsampling() -> LearnedUpsampling:
    torch.manual_seed(0)
    module = LearnedUpsampling(UpsamplingConfig(), C, D).eval()
    with torch.no_grad():
        module.guide.copy_(torch.tensor([1.0, 0.3, 0.1, 0.0]))
    return module


def run(module: LearnedUpsampling, hidden: Tensor, durations: Tensor, n_frames: Tensor | None = None) -> FramePrior:
    tokens = torch.full((len(hidden),), hidden.shape[2])
    frames = durations.sum(dim=1).round().long() if n_frames is None else n_frames
    out: FramePrior = module(
        hidden, length_mask(tokens, hidden.shape[2]), durations, length_mask(frames, int(frames.max()))
    )
    return out


def in_the_papers_form(module: LearnedUpsampling, hidden: Tensor, durations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same for one item, input by input: [T, L, ...] of the concatenated S, E and features."""
    ends = durations[0].cumsum(0)
    starts = ends - durations[0]
    middles = torch.arange(int(durations.sum().round())) + 0.5
    behind, before = middles[:, None] - starts, ends - middles[:, None]

    def perceptron(net: torch.nn.Module) -> Tensor:
        features = net.norm(torch.nn.functional.silu(net.conv(hidden)))[0].T
        pairs = torch.cat(
            [
                (behind / 10).unsqueeze(2),
                (before / 10).unsqueeze(2),
                features.unsqueeze(0).expand(len(middles), -1, -1),
            ],
            dim=2,
        )
        silu = torch.nn.functional.silu
        return net.output(silu(net.middle(silu(net.input(pairs)))))

    outside = torch.relu(-behind) + torch.relu(-before)
    weights = (perceptron(module.weighing) - outside.unsqueeze(2) * module.guide).softmax(dim=1)
    contexts = perceptron(module.contexts)
    heads = [weights[:, :, q] @ hidden[0].T for q in range(weights.shape[2])]
    mixed = module.of_phonemes(torch.cat(heads, dim=1))
    mixed = mixed + module.of_contexts(torch.einsum("tlq,tlp->tqp", weights, contexts).flatten(1))
    mean, log_std = module.output(module.norm(mixed.T.unsqueeze(0)))[0].chunk(2)
    return weights, mean, log_std


def test_it_is_the_papers_formula_without_its_tensor_of_all_inputs(upsampling: LearnedUpsampling) -> None:
    hidden, durations = torch.randn(1, C, 5), torch.tensor([[2.3, 0.4, 5.0, 1.2, 3.1]])
    out = run(upsampling, hidden, durations)
    weights, mean, log_std = in_the_papers_form(upsampling, hidden, durations)
    torch.testing.assert_close(out.weights[0].permute(1, 2, 0), weights, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.mean[0], mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.log_std[0], log_std, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("part", ["mean", "log_std"])
def test_durations_have_the_gradient_of_the_papers_formula(upsampling: LearnedUpsampling, part: str) -> None:
    """Through all that knows where phonemes lie: weights, contexts and the guide."""
    hidden, towards = torch.randn(1, C, 5), torch.randn(D, 12)
    gradients = []
    for by in ("module", "formula"):
        durations = torch.tensor([[2.3, 0.4, 5.0, 1.2, 3.1]], requires_grad=True)
        if by == "module":
            found = getattr(run(upsampling, hidden, durations), part)[0]
        else:
            _, mean, log_std = in_the_papers_form(upsampling, hidden, durations)
            found = mean if part == "mean" else log_std
        (found * towards).sum().backward()
        gradients.append(durations.grad)
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-3)


def test_weights_sum_to_one_over_the_phonemes_and_padding_has_none(upsampling: LearnedUpsampling) -> None:
    hidden, tokens = torch.randn(2, C, 7), torch.tensor([7, 4])
    mask = length_mask(tokens, 7)
    durations = torch.rand(2, 7) * 4 * mask[:, 0]
    out: FramePrior = upsampling(hidden * mask, mask, durations, length_mask(torch.tensor([15, 8]), 15))
    torch.testing.assert_close(out.weights.sum(dim=3), torch.ones(2, 4, 15))
    assert float(out.weights[1, :, :8, 4:].detach().abs().max()) == 0
    assert float(out.mean[1, :, 8:].detach().abs().max()) == 0
    assert float(out.log_std[1, :, 8:].detach().abs().max()) == 0


def test_padding_changes_nothing(upsampling: LearnedUpsampling) -> None:
    hidden, durations = torch.randn(1, C, 4), torch.tensor([[3.0, 1.5, 2.0, 4.4]])
    alone = run(upsampling, hidden, durations)
    wide = torch.cat([hidden, torch.randn(1, C, 3)], dim=2)
    mask = length_mask(torch.tensor([4]), 7)
    padded: FramePrior = upsampling(
        wide, mask, torch.nn.functional.pad(durations, (0, 3)), length_mask(torch.tensor([11]), 16)
    )
    torch.testing.assert_close(padded.mean[:, :, :11], alone.mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(padded.log_std[:, :, :11], alone.log_std, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("guide", [1.0, 0.0])
def test_what_frames_hear_has_a_gradient_with_respect_to_each_duration(
    upsampling: LearnedUpsampling, guide: float
) -> None:
    with torch.no_grad():
        upsampling.guide.fill_(guide)
    hidden, durations = torch.randn(1, C, 5), torch.tensor([[2.3, 0.4, 5.0, 1.2, 3.1]], requires_grad=True)
    run(upsampling, hidden, durations).mean.square().sum().backward()
    assert durations.grad is not None
    assert bool((durations.grad.abs() > 1e-6).all())


def test_a_strong_guide_gives_each_frame_its_own_phoneme() -> None:
    torch.manual_seed(0)
    module = LearnedUpsampling(UpsamplingConfig(), C, D)
    with torch.no_grad():
        module.guide.fill_(100.0)
    out = run(module, torch.randn(1, C, 3), torch.tensor([[2.0, 3.0, 1.0]]))
    assert out.weights[0].argmax(dim=2).tolist() == [[0, 0, 1, 1, 1, 2]] * 4


def test_a_prediction_lets_its_gradient_through_to_the_encoder() -> None:
    torch.manual_seed(0)
    predictor = VariancePredictor(DurationConfig(d_filter=8, dropout=0.0), C, 1, d_cond=3)
    hidden, mask = torch.randn(2, C, 6, requires_grad=True), length_mask(torch.tensor([6, 3]), 6)
    out = predictor(hidden, mask, torch.randn(2, 3, 1))
    assert out.shape == (2, 1, 6)
    assert float(out[1, :, 3:].detach().abs().max()) == 0
    out.square().sum().backward()
    assert hidden.grad is not None
    assert bool((hidden.grad[0].abs().sum(dim=0) > 0).all())


def test_padding_does_not_change_a_prediction() -> None:
    torch.manual_seed(0)
    predictor = VariancePredictor(DurationConfig(d_filter=8), C, 1).eval()
    hidden = torch.randn(1, C, 4)
    alone = predictor(hidden, torch.ones(1, 1, 4))
    padded = predictor(torch.cat([hidden, torch.randn(1, C, 5)], dim=2), length_mask(torch.tensor([4]), 9))
    torch.testing.assert_close(padded[:, :, :4], alone)


def test_a_frame_that_hears_its_phoneme_alone_has_all_weight_there_and_one_that_hears_all_alike_a_share() -> None:
    durations = torch.tensor([[3, 1, 4]])
    hard = torch.eye(3).repeat_interleave(durations[0], dim=1)[None]
    assert own_weight(hard, durations) == 1
    assert own_weight(torch.full((1, 3, 8), 1 / 3), durations) == pytest.approx(1 / 3)
    other = torch.eye(3).roll(1, 0).repeat_interleave(durations[0], dim=1)[None]
    assert own_weight(other, durations) == 0
