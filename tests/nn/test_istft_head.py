from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sonorant.nn.istft_head import MAX_MAGNITUDE, IstftHead, IstftHeadConfig, OverlapAdd
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized

USUAL = IstftHeadConfig(d=8, d_filter=12, n_layers=2, n_fft=32, hop=8)
HALF = IstftHeadConfig(d=8, d_filter=12, n_layers=1, kernel=3, n_fft=12, hop=6)
THIRD = IstftHeadConfig(d=8, d_filter=12, n_layers=3, kernel=5, n_fft=12, hop=4)
POINTWISE = IstftHeadConfig(d=8, d_filter=12, n_layers=1, kernel=1, n_fft=20, hop=4)
CONFIGS = [USUAL, HALF, THIRD, POINTWISE]


def stft(samples: Tensor, n_fft: int, hop: int) -> Tensor:
    """Frames whose middle is the middle of each hop, zeros beyond the ends. [B, N] -> [B, T, n_fft / 2 + 1]."""
    beyond = (n_fft - hop) // 2
    frames = torch.nn.functional.pad(samples, (beyond, beyond)).unfold(1, n_fft, hop)
    return torch.fft.rfft(frames * torch.hann_window(n_fft, dtype=samples.dtype))


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize("n_frames", [1, 2, 17])
def test_a_frame_makes_a_hop_of_samples(cfg: IstftHeadConfig, n_frames: int) -> None:
    assert IstftHead(cfg, 6)(normal(3, 6, n_frames)).shape == (3, 1, n_frames * cfg.hop)


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize("n_frames", [1, 2, 3, 40])
def test_overlap_add_undoes_an_stft(cfg: IstftHeadConfig, n_frames: int) -> None:
    samples = normal(2, n_frames * cfg.hop, dtype=torch.double)
    back = OverlapAdd(cfg.n_fft, cfg.hop).double()(stft(samples, cfg.n_fft, cfg.hop))
    torch.testing.assert_close(back.squeeze(1), samples, atol=1e-6, rtol=0)  # the window is rounded to float32


def test_overlap_add_undoes_an_stft_of_each_item_of_a_batch() -> None:
    mask = length_mask(torch.tensor([5, 12, 1]), 12, dtype=torch.double)
    samples = normal(3, 12 * 8, dtype=torch.double) * mask.repeat_interleave(8, dim=2).squeeze(1)
    spectrum = stft(samples, 32, 8)
    real = mask.transpose(1, 2)
    back = OverlapAdd(32, 8).double()(spectrum + 3 * (1 - real), real)
    torch.testing.assert_close(back.squeeze(1), samples, atol=1e-6, rtol=0)


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize(("n_frames", "window"), [(1, 8), (7, 8), (8, 8), (45, 8), (9, 1), (40, 32)])
def test_windows_equal_the_whole(cfg: IstftHeadConfig, n_frames: int, window: int) -> None:
    model = randomized(IstftHead(cfg, 6, 5), scale=0.3)
    z, speaker = normal(2, 6, n_frames), normal(2, 5, 1, seed=1)
    with torch.no_grad():
        whole = model(z, speaker)
        windows = model.decode_in_windows(z, speaker, window=window)
    assert whole.std() > 1e-3
    torch.testing.assert_close(windows, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("cfg", CONFIGS)
def test_samples_look_as_far_as_the_context_and_no_farther(cfg: IstftHeadConfig) -> None:
    model, context = randomized(IstftHead(cfg, 6).double(), scale=0.3), cfg.context_frames
    middle = context + 2
    z = normal(1, 6, 2 * middle + 1, dtype=torch.double).requires_grad_()
    samples = model(z)[:, :, middle * cfg.hop : (middle + 1) * cfg.hop]
    (gradient,) = torch.autograd.grad((samples * normal(cfg.hop, seed=1)).sum(), z)
    seen = gradient.abs().sum((0, 1)).nonzero().flatten() - middle
    assert (int(seen.min()), int(seen.max())) == (-context, context)


@pytest.mark.parametrize("cfg", CONFIGS)
def test_padding_is_invisible(cfg: IstftHeadConfig) -> None:
    model = randomized(IstftHead(cfg, 6, 5), scale=0.3)
    mask = length_mask(torch.tensor([11, 20, 1]), 20)
    z, speaker = normal(3, 6, 20), normal(3, 5, 1, seed=1)
    with torch.no_grad():
        padded = model(z, speaker, mask)
        windows = model.decode_in_windows(z, speaker, mask, window=4)
        for item, n_frames in enumerate([11, 20, 1]):
            alone = model(z[item : item + 1, :, :n_frames], speaker[item : item + 1])
            torch.testing.assert_close(padded[item : item + 1, :, : n_frames * cfg.hop], alone, atol=1e-5, rtol=0)
            assert not padded[item, :, n_frames * cfg.hop :].any()
            single = model(z[item : item + 1], speaker[item : item + 1], mask[item : item + 1])
            torch.testing.assert_close(single, padded[item : item + 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(windows, padded, atol=1e-5, rtol=0)


def test_no_gradient_comes_from_padding() -> None:
    model = randomized(IstftHead(USUAL, 6))
    mask = length_mask(torch.tensor([4, 9]), 9)
    z = normal(2, 6, 9).requires_grad_()
    (gradient,) = torch.autograd.grad(model(z, None, mask)[0].square().sum(), z)
    assert gradient[0, :, :4].any()
    assert not gradient[0, :, 4:].any()
    assert not gradient[1].any()


def test_gradients_reach_every_parameter() -> None:
    model = IstftHead(USUAL, 6, 5)
    model(normal(2, 6, 9), normal(2, 5, 1, seed=1)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_a_fresh_head_is_quiet() -> None:
    torch.manual_seed(0)
    samples = IstftHead(IstftHeadConfig(d=64, d_filter=96), 6)(normal(2, 6, 30))
    assert 0 < samples.abs().max() < 0.2


def test_magnitudes_are_bounded_and_their_gradients_finite() -> None:
    model = IstftHead(USUAL, 6)
    with torch.no_grad():
        model.output.bias[: USUAL.n_fft // 2 + 1] = 1e3
    samples = model(normal(1, 6, 20))
    samples.square().sum().backward()
    assert samples.abs().max() <= MAX_MAGNITUDE * USUAL.n_fft
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_the_spectrum_is_float32_under_autocast() -> None:
    model = randomized(IstftHead(USUAL, 6, 5))
    z, speaker = normal(2, 6, 9), normal(2, 5, 1, seed=1)
    with torch.no_grad():
        expected = model(z, speaker)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            samples = model(z, speaker)
    assert samples.dtype == torch.float32
    assert (samples - expected).abs().max() < 0.05 * expected.abs().max()


def test_a_head_learns_a_tone() -> None:
    torch.manual_seed(0)
    cfg = IstftHeadConfig(d=32, d_filter=64, n_layers=2, n_fft=64, hop=16)
    model, n_frames = IstftHead(cfg, 6), 24
    z = normal(1, 6, n_frames)
    tone = 0.5 * torch.sin(0.7 * torch.arange(n_frames * cfg.hop)).unsqueeze(0)
    wanted = stft(tone, 128, 32).abs()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(80):
        loss = (stft(model(z).squeeze(1), 128, 32).abs() - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_fft": 1000}, "n_fft is 1000, expected a multiple of hop 256"),
        ({"n_fft": 256}, "n_fft is 256, expected a multiple of hop 256, at least twice"),
        ({"n_fft": 28, "hop": 7}, "hop is 7: it must be positive and even"),
        ({"hop": 0}, "hop is 0"),
        ({"kernel": 6}, "kernel is 6: it must be positive and odd"),
        ({"kernel": -1}, "kernel is -1"),
        ({"n_layers": 0}, "n_layers is 0: it must be at least 1"),
        ({"d": 0}, "d is 0"),
        ({"d_filter": 0}, "d_filter is 0"),
    ],
)
def test_impossible_heads_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IstftHeadConfig(**wrong)  # type: ignore[arg-type]
