from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.nn.flow import Flow
from sonorant.nn.transformer_flow import (
    CausalTransformerConfig,
    CouplingConfig,
    HiddenTransformerConfig,
    InputTransformerConfig,
    MonoInterConfig,
    MonoPostConfig,
    PlainCouplingConfig,
    TransformerFlowConfig,
    transformer_flow,
)
from sonorant.voice.interchange.weights_p0p4k import coupling_of, detect, layout, to_ours, to_p0p4k
from tests.nn.random_weights import normal, randomized

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
KINDS = [
    (PlainCouplingConfig(), "plain", "none"),
    (HiddenTransformerConfig(), "hidden", "pre_conv2"),
    (InputTransformerConfig(), "input", "pre_conv"),
    (CausalTransformerConfig(), "fft", "fft"),
    (MonoInterConfig(), "mono", "mono_layer_inter_residual"),
    (MonoPostConfig(), "mono", "mono_layer_post_residual"),
]
every_kind = pytest.mark.parametrize(("coupling", "kind", "said"), KINDS, ids=[said for _, _, said in KINDS])


def shapes_of(name: str) -> dict[str, list[int]]:
    shapes: dict[str, list[int]] = json.loads((KEYS / f"{name}.json").read_text())
    return shapes


def published_flow(coupling: CouplingConfig, d_cond: int = 0) -> Flow:
    with torch.device("meta"):
        return transformer_flow(TransformerFlowConfig(coupling=coupling), 192, 192, d_cond)


def small_flow(coupling: CouplingConfig) -> Flow:
    return randomized(transformer_flow(TransformerFlowConfig(n_couplings=2, coupling=coupling), 8, 8, 5), scale=0.2)


def named(flow: Flow) -> dict[str, Tensor]:
    """The flow's state as part of a model's."""
    return {f"flow.{name}": value for name, value in flow.state_dict().items()}


def flow_shapes(flow: Flow) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in to_p0p4k(named(flow)).items()}


@pytest.mark.parametrize(
    ("name", "coupling", "d_cond", "n_keys", "n_parameters"),
    [
        ("vits2_ljs_nosdp_pre_conv", InputTransformerConfig(), 0, 820, 38_976_065),
        ("vits2_vctk_pre_conv2", HiddenTransformerConfig(), 256, 932, 41_745_392),
    ],
)
def test_published_models_have_their_names_and_shapes(
    name: str, coupling: CouplingConfig, d_cond: int, n_keys: int, n_parameters: int
) -> None:
    shapes = shapes_of(name)
    assert (len(shapes), sum(math.prod(shape) for shape in shapes.values())) == (n_keys, n_parameters)
    alive = {key: shape for key, shape in shapes.items() if "post_transformer" not in key}
    assert flow_shapes(published_flow(coupling, d_cond)) == {k: v for k, v in alive.items() if k.startswith("flow.")}
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    assert coupling_of(state, {}) == coupling
    back = to_p0p4k(to_ours(state))
    assert {key: list(value.shape) for key, value in back.items()} == alive


def test_the_speaker_of_the_text_encoder_has_a_name() -> None:
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes_of("vits2_vctk_pre_conv2").items()}
    assert to_ours(state)["text_encoder.speaker.weight"].shape == (192, 256)


def test_transformers_alone_stand_in_third_place() -> None:
    shapes = flow_shapes(published_flow(MonoPostConfig()))
    like = shapes_of("vits2_ljs_nosdp_pre_conv")
    for i in range(4):
        coupling, alone = f"flow.flows.{3 * i}.", f"flow.flows.{3 * i + 2}."
        vits = {k.removeprefix("flow.flows.0."): v for k, v in like.items() if k.startswith("flow.flows.0.")}
        transformer = {k: v for k, v in vits.items() if k.startswith("pre_transformer.")}
        assert {k.removeprefix(alone): v for k, v in shapes.items() if k.startswith(alone)} == transformer | {
            "post.weight": [96, 96, 1],
            "post.bias": [96],
        }
        assert {k.removeprefix(coupling): v for k, v in shapes.items() if k.startswith(coupling)} == {
            k: v for k, v in vits.items() if "transformer" not in k
        }


def test_causal_transformers_have_their_names_and_shapes() -> None:
    shapes = flow_shapes(published_flow(CausalTransformerConfig(), 256))
    expected = {"pre.weight": [192, 96, 1], "pre.bias": [192], "post.weight": [96, 192, 1], "post.bias": [96]}
    expected |= {"enc.cond_pre.weight": [384, 192, 1], "enc.cond_pre.bias": [384]}
    expected |= {f"enc.cond_layer.{k}": v for k, v in (("weight_g", [384, 1, 1]), ("weight_v", [384, 256, 1]))}
    expected |= {"enc.cond_layer.bias": [384]}
    for conv in "qkvo":
        expected |= {f"enc.self_attn_layers.0.conv_{conv}.weight": [192, 192, 1]}
        expected |= {f"enc.self_attn_layers.0.conv_{conv}.bias": [192]}
    expected |= {f"enc.norm_layers_{i}.0.{leaf}": [192] for i in (0, 1) for leaf in ("gamma", "beta")}
    expected |= {"enc.ffn_layers.0.conv_1.weight": [768, 192, 5], "enc.ffn_layers.0.conv_1.bias": [768]}
    expected |= {"enc.ffn_layers.0.conv_2.weight": [192, 768, 5], "enc.ffn_layers.0.conv_2.bias": [192]}
    assert shapes == {f"flow.flows.{2 * i}.{k}": v for i in range(4) for k, v in expected.items()}


@every_kind
def test_a_flow_there_and_back_computes_the_same(coupling: CouplingConfig, kind: str, said: str) -> None:
    flow = small_flow(coupling)
    theirs = to_p0p4k(named(flow))
    assert detect(theirs) == kind
    back = small_flow(coupling)
    back.load_state_dict({name.removeprefix("flow."): value for name, value in to_ours(theirs).items()})
    z, mask, speaker = normal(1, 8, 12), torch.ones(1, 1, 12), normal(1, 5, 1, seed=1)
    torch.testing.assert_close(back(z, mask, speaker), flow(z, mask, speaker))


@every_kind
def test_names_go_there_and_back(coupling: CouplingConfig, kind: str, said: str) -> None:
    names = [name for name in named(small_flow(coupling)) if not name.endswith(".gate")]
    its = layout(detect(to_p0p4k(named(small_flow(coupling)))))
    theirs = [its.theirs(name) for name in names]
    assert len(set(theirs)) == len(names)
    assert [its.ours(name) for name in theirs if name is not None] == names


@every_kind
def test_weights_and_configuration_tell_the_kind(coupling: CouplingConfig, kind: str, said: str) -> None:
    theirs = to_p0p4k(named(published_flow(coupling)))
    model = {"use_transformer_flows": kind != "plain", "transformer_flow_type": said}
    assert coupling_of(theirs, model) == coupling


def test_kinds_of_the_same_names_must_be_told() -> None:
    theirs = to_p0p4k(named(published_flow(MonoPostConfig())))
    with pytest.raises(ImportingError, match="type mono_layer_inter_residual or mono_layer_post_residual, which its"):
        coupling_of(theirs, {"use_transformer_flows": True})
    assert coupling_of(to_p0p4k(named(published_flow(InputTransformerConfig()))), {}) == InputTransformerConfig()


def test_a_configuration_may_not_contradict_the_weights() -> None:
    model = {"use_transformer_flows": True, "transformer_flow_type": "fft"}
    with pytest.raises(ImportingError, match=r"a flow of type pre_conv2, but its config\.json says 'fft'"):
        coupling_of(to_p0p4k(named(published_flow(HiddenTransformerConfig()))), model)
    for model in (
        {"use_transformer_flows": False},
        {"use_transformer_flows": False, "transformer_flow_type": "pre_conv2"},
    ):
        with pytest.raises(
            ImportingError, match=r"of type pre_conv2, but its config\.json says use_transformer_flows false"
        ):
            coupling_of(to_p0p4k(named(published_flow(HiddenTransformerConfig()))), model)
    model = {"use_transformer_flows": True, "transformer_flow_type": "fft"}
    with pytest.raises(ImportingError, match=r"has no transformer in its flow, but its config\.json says 'fft'"):
        coupling_of(to_p0p4k(named(published_flow(PlainCouplingConfig()))), model)


def test_what_is_no_vits2_is_refused() -> None:
    with pytest.raises(ImportingError, match=r"^D_0\.pth: lacks flow\.flows\.0\.pre\.weight; it is not"):
        detect({"discriminators.0.convs.0.bias": torch.zeros(1)}, source="D_0.pth")
