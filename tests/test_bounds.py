"""Settings that are none are refused where they are set, in words that name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sonorant.audio.spectrogram import MelConfig
from sonorant.bounds import check_at_least, check_even, check_finite, check_odd, check_share
from sonorant.config import config, parse
from sonorant.data.dataset import DataConfig
from sonorant.errors import ConfigError
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.recipe import CvaeJetsRecipe
from sonorant.models.naturalspeech.losses import SoftlyWarped
from sonorant.models.naturalspeech.recipe import WarmStage
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits2.config import Vits2Config
from sonorant.nn.aligner import AlignerConfig
from sonorant.nn.discriminators import DiscriminatorConfig, ScaleDiscriminatorConfig
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.duration_discriminator import DurationDiscriminatorConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.latent import LogStdBounds
from sonorant.nn.noisy_duration import NoisyDurationConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import (
    CausalTransformerConfig,
    HiddenTransformerConfig,
    InputTransformerConfig,
    MonoInterConfig,
    MonoPostConfig,
    TransformerFlowConfig,
)
from sonorant.nn.variance import BinsConfig, WaveletConfig
from sonorant.nn.wavenet import WaveNetConfig
from sonorant.training.loop import RunConfig
from sonorant.training.optim import OptimizerConfig
from sonorant.training.schedule import Exponential, From, Linear, Steps

NAN, INF = float("nan"), float("inf")
NO_COUNT, NO_KERNEL, NO_SHARE, NO_NUMBER = (0, -1), (0, 4, -3), (-0.1, 1, 2, NAN, INF), (NAN, INF, -INF)
KINDS = [HiddenTransformerConfig, InputTransformerConfig, CausalTransformerConfig, MonoInterConfig, MonoPostConfig]

# A configuration, what else it needs, and of each field what it cannot be.
REFUSED: list[tuple[type, dict[str, Any], dict[str, tuple[Any, ...]]]] = [
    (
        WaveNetConfig,
        {"n_layers": 2},
        {"n_layers": NO_COUNT, "dilation_rate": NO_COUNT, "kernel": NO_KERNEL, "dropout": NO_SHARE},
    ),
    (
        TextEncoderConfig,
        {},
        {
            **dict.fromkeys(("d_filter", "n_heads", "n_layers", "kernel"), NO_COUNT),
            "window": (-1,),
            "dropout": NO_SHARE,
        },
    ),
    *(
        (
            kind,
            {},
            {
                **dict.fromkeys(("d_filter", "n_heads", "n_layers", "kernel"), NO_COUNT),
                "window": (-1,),
                "dropout": NO_SHARE,
            },
        )
        for kind in KINDS
    ),
    (FlowConfig, {}, {"n_couplings": NO_COUNT}),
    (TransformerFlowConfig, {}, {"n_couplings": NO_COUNT}),
    (DurationConfig, {}, {"d_filter": NO_COUNT, "kernel": NO_KERNEL, "dropout": NO_SHARE}),
    (NoisyDurationConfig, {}, {"d_filter": NO_COUNT, "kernel": NO_KERNEL, "dropout": NO_SHARE}),
    (
        StochasticDurationConfig,
        {},
        {
            **dict.fromkeys(("n_layers", "n_couplings"), NO_COUNT),
            "n_bins": (*NO_COUNT, 1000),
            "kernel": NO_KERNEL,
            "dropout": NO_SHARE,
            "bound": (0, *NO_NUMBER),
        },
    ),
    (DurationDiscriminatorConfig, {}, {"d_filter": NO_COUNT, "kernel": NO_KERNEL}),
    (DiscriminatorConfig, {}, {"periods": ((2, 0),), "period_channels": ((4, 0),)}),
    (
        ScaleDiscriminatorConfig,
        {"channels": (4,), "kernels": (3,), "strides": (1,), "groups": (1,)},
        {"channels": ((0,),), "kernels": ((4,), (-1,)), "strides": ((0,),), "groups": ((0,),)},
    ),
    (FrameDiscriminatorConfig, {}, {"channels": ((0,), ()), "kernel": NO_KERNEL}),
    (
        HifiGanConfig,
        {},
        {
            "d_initial": (0, -512, 8),
            "upsample_rates": ((0, 8, 2, 2),),
            "resblock_kernels": ((3, 7, 4), (3, 7, -1)),
            "resblock_dilations": (((1, 3), (1, 3), (0, 3)), ((1, 3), (1, 3), ())),
        },
    ),
    (LogStdBounds, {"low": -1, "high": 1}, {"low": NO_NUMBER, "high": NO_NUMBER}),
    (VitsConfig, {}, {"d_hidden": NO_COUNT, "d_speaker": (-1,), "d_latent": (0, -2, 7)}),
    (
        Vits2Config,
        {},
        {
            "d_hidden": NO_COUNT,
            "d_speaker": (-1,),
            "d_latent": (0, -2, 7),
            "posterior_mel": (MelConfig(n_mels=500),),
        },
    ),
    (AlignerConfig, {}, {"prior_scale": (-1, *NO_NUMBER), "temperature": (0, -1, *NO_NUMBER)}),
    (BinsConfig, {}, {"n_bins": (0, 1), "reach": (0, -1, *NO_NUMBER)}),
    (WaveletConfig, {}, {"std_scale": (0, -1, *NO_NUMBER)}),
    (CvaeJetsConfig, {}, {"sharpness": (0, -1, *NO_NUMBER)}),
    (SoftlyWarped, {}, {"gamma": (0, -1, *NO_NUMBER), "warp": (-1, *NO_NUMBER), "band": (0,)}),
    (
        CvaeJetsRecipe,
        {"data": DataConfig(manifest=Path("m.jsonl")), "run": RunConfig(steps=1)},
        {"gain_db": (-1, *NO_NUMBER, 6), "losses": ({"mel": -45.0}, {"kl": NAN})},
    ),
    (
        WarmStage,
        {},
        {"losses": ({"mel": -1.0}, {"kl": INF}), "trains": ((), ("nose",))},
    ),
    (From, {"step": 5, "value": 1}, {"step": (-1,), "value": NO_NUMBER}),
    (Linear, {"start": 0, "end": 9, "first": 0, "last": 1}, {"first": NO_NUMBER, "last": NO_NUMBER, "start": (-1,)}),
    (Exponential, {"value": 1, "gamma": 0.9}, {"value": NO_NUMBER, "gamma": (NAN,), "warmup": (-1,)}),
    (Steps, {"changes": (5,), "values": (1, 2)}, {"values": ((1, NAN), (INF, 1)), "changes": ((-5,),)}),
    (
        OptimizerConfig,
        {},
        {"learning_rate": (-1, *NO_NUMBER, Linear(start=0, end=9, first=1, last=-1), Steps(changes=(), values=(-1,)))},
    ),
]
CASES = [
    pytest.param(cls, needed, name, value, id=f"{cls.__name__} {name}={value}")
    for cls, needed, fields in REFUSED
    for name, values in fields.items()
    for value in values
]


@pytest.mark.parametrize(("cls", "needed", "name", "value"), CASES)
def test_a_setting_that_is_none_is_refused_by_name(cls: type, needed: dict[str, Any], name: str, value: Any) -> None:
    cls(**needed)
    # Some say it of what the field decides.
    words = {"posterior_mel": "mel band", "upsample_rates": "upsampl", "learning_rate": "learning_rate"}
    with pytest.raises(ValueError, match=words.get(name, rf"\b{name}\b")):
        cls(**{**needed, name: value})


@pytest.mark.parametrize("kind", KINDS)
def test_heads_must_divide_what_they_look_at(kind: Any) -> None:
    sees_hidden = kind in (HiddenTransformerConfig, CausalTransformerConfig)
    right, wrong = (3, 5) if sees_hidden else (5, 3)
    widths = {"d_hidden": 12, "d_latent": 20}  # 12 or 10 channels
    Vits2Config(**widths, flow=TransformerFlowConfig(coupling=kind(n_heads=right)))
    with pytest.raises(ValueError, match=f"flow.coupling.n_heads is {wrong}: it must divide .*d_"):
        Vits2Config(**widths, flow=TransformerFlowConfig(coupling=kind(n_heads=wrong)))


@pytest.mark.parametrize("cls", [VitsConfig, Vits2Config])
def test_only_a_single_speaker_needs_no_width(cls: Any) -> None:
    assert cls(d_speaker=0).d_condition(1) == 0
    assert cls(d_speaker=7).d_condition(2) == 7
    with pytest.raises(ConfigError, match="d_speaker is 0"):
        cls(d_speaker=0).d_condition(2)


@config
class Several:
    count: int | None = 1
    counts: tuple[int, ...] = (1, 3)
    share: float = 0.0


def test_what_is_right_or_not_set_passes() -> None:
    settings = Several(count=None)
    for check in (check_odd, check_even, check_share, check_finite):
        check(settings, "count")
    check_at_least(9, settings, "count")
    check_odd(settings, "counts")
    check_at_least(1, settings, "counts", "count")
    check_share(settings, "share")
    check_finite(settings, "counts", "share")


def test_the_fault_is_told_with_its_field_and_its_value() -> None:
    with pytest.raises(ValueError, match=r"^counts holds 2: it must be positive and odd$"):
        check_odd(Several(counts=(1, 2)), "counts")
    with pytest.raises(ValueError, match=r"^share is 1\.5: it must be in 0 to 1, 1 excluded$"):
        check_share(Several(share=1.5), "share")


def test_of_a_file_the_whole_place_is_told() -> None:
    with pytest.raises(ConfigError) as error:
        parse(
            Vits2Config, {"text_encoder": {"n_heads": 0}, "duration": {"kind": "adversarial", "kernel": 4}}, source="x"
        )
    assert str(error.value) == (
        "x: text_encoder: n_heads is 0: it must be at least 1; duration: kernel is 4: it must be positive and odd"
    )
