from __future__ import annotations

import pytest
import torch
from torch import nn

from sonorant.nn.conv import fold_weight_norm
from sonorant.nn.hifigan import HifiGan, HifiGanConfig, WideHifiGan
from sonorant.nn.mask import length_mask
from tests.nn.random_weights import normal, randomized

V1 = HifiGanConfig(d_initial=16)
LIGHT = HifiGanConfig(
    d_initial=16,
    upsample_rates=(8, 8, 4),
    upsample_kernels=(16, 16, 8),
    resblock="2",
    resblock_kernels=(3, 5, 7),
    resblock_dilations=((1, 2), (2, 6), (3, 12)),
)
UNEVEN = HifiGanConfig(
    d_initial=8,
    upsample_rates=(5, 3, 2),
    upsample_kernels=(9, 3, 8),
    resblock_kernels=(3, 5),
    resblock_dilations=((1, 3), (1,)),
)
NARROW = HifiGanConfig(
    d_initial=4, upsample_rates=(2,), upsample_kernels=(2,), resblock_kernels=(1,), resblock_dilations=((1,),)
)
CONFIGS = [V1, LIGHT, UNEVEN, NARROW]


def far_looking(cfg: HifiGanConfig) -> HifiGan:
    """A decoder that weighs most what is farthest: nothing cancels, and only the outermost taps of kernels count."""
    model = HifiGan(cfg, 6).double().eval()
    fold_weight_norm(model)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                if module.bias is not None:
                    module.bias.zero_()
                module.weight.fill_(0.5 / module.in_channels)
                if isinstance(module, nn.Conv1d):
                    module.weight[:, :, 1:-1] = 0
        model.output.weight /= 1e6  # away from where tanh is flat
        model.output.weight /= 2 * model(torch.ones(1, 6, 40, dtype=torch.double)).atanh().max()
    return model


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize("d_cond", [0, 5])
def test_a_wide_decoder_is_the_same_function(cfg: HifiGanConfig, d_cond: int) -> None:
    model = randomized(HifiGan(cfg, 6, d_cond))
    fold_weight_norm(model)
    z, mask = normal(2, 6, 45), length_mask(torch.tensor([45, 31]), 45)
    speaker = normal(2, d_cond, 1, seed=1) if d_cond else None
    with torch.no_grad():
        expected = model(z * mask, speaker, mask)
        wide = WideHifiGan(model)
        torch.testing.assert_close(wide(z * mask, speaker, mask), expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(
            wide.decode_in_windows(z * mask, speaker, mask, window=8), expected, atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("cfg", CONFIGS)
@pytest.mark.parametrize(("n_frames", "window"), [(1, 8), (7, 8), (8, 8), (45, 8), (9, 1), (40, 32)])
def test_windows_equal_the_whole(cfg: HifiGanConfig, n_frames: int, window: int) -> None:
    model = randomized(HifiGan(cfg, 6, 5))
    z, speaker = normal(2, 6, n_frames), normal(2, 5, 1, seed=1)
    with torch.no_grad():
        whole = model(z, speaker)
        windows = model.decode_in_windows(z, speaker, window=window)
    assert whole.shape == (2, 1, n_frames * cfg.hop)
    torch.testing.assert_close(windows, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("cfg", CONFIGS)
def test_the_context_is_as_far_as_samples_look(cfg: HifiGanConfig) -> None:
    """The samples of a frame depend on a frame `context_frames` away, and on none beyond."""
    model, context = far_looking(cfg), cfg.context_frames
    middle = context + 1
    z = normal(1, 6, 2 * middle + 1, dtype=torch.double).abs().requires_grad_()
    samples = model(z)[:, :, middle * cfg.hop : (middle + 1) * cfg.hop]
    (gradient,) = torch.autograd.grad(samples.sum(), z)
    seen = gradient.abs().sum((0, 1)).nonzero().flatten() - middle
    assert max(-int(seen.min()), int(seen.max())) == context


@pytest.mark.parametrize("cfg", CONFIGS)
def test_one_frame_less_of_context_is_too_little(cfg: HifiGanConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    model, context = far_looking(cfg), cfg.context_frames
    z = normal(1, 6, 60, dtype=torch.double).abs()
    with torch.no_grad():
        whole = model(z)
        enough = (model.decode_in_windows(z, window=8) - whole).abs().max()
        monkeypatch.setattr(HifiGanConfig, "context_frames", context - 1)
        short = (model.decode_in_windows(z, window=8) - whole).abs().max()
    assert enough < 1e-14
    assert short > 1e-11


@pytest.mark.parametrize("cfg", [V1, LIGHT])
def test_padding_is_invisible(cfg: HifiGanConfig) -> None:
    model = randomized(HifiGan(cfg, 6, 5))
    mask = length_mask(torch.tensor([11, 20]), 20)
    z, speaker = normal(2, 6, 20) * mask, normal(2, 5, 1, seed=1)
    with torch.no_grad():
        padded = model(z, speaker, mask)
        alone = model(z[:1, :, :11], speaker[:1])
        windows = model.decode_in_windows(z, speaker, mask, window=4)
    n = 11 * cfg.hop
    torch.testing.assert_close(padded[:1, :, :n], alone, atol=1e-6, rtol=0)
    torch.testing.assert_close(windows, padded, atol=1e-6, rtol=0)
    assert not padded[0, :, n:].any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"upsample_rates": (8, 8)}, "2 upsample_rates, but 4 upsample_kernels"),
        ({"resblock_kernels": (3, 7)}, "2 resblock_kernels, but 3 resblock_dilations"),
        ({"upsample_kernels": (16, 16, 4, 5)}, "kernel of 5 cannot upsample by 2"),
        ({"resblock_kernels": (3, 7, 10)}, "resblock_kernels holds 10: it must be positive and odd"),
        ({"d_initial": 100}, "d_initial is 100"),
        ({"upsample_rates": (), "upsample_kernels": ()}, "may not be empty"),
    ],
)
def test_impossible_decoders_are_refused(wrong: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HifiGanConfig(**wrong)  # type: ignore[arg-type]
