from __future__ import annotations

import math

import pytest
import torch

from sonorant.config import parse, plain
from sonorant.nn.flow import Flow, FlowConfig, residual_flow
from sonorant.nn.mask import length_mask
from sonorant.nn.transformer_flow import (
    CausalTransformer,
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
from sonorant.nn.wavenet import WaveNetConfig
from tests.nn.random_weights import normal, randomized

WAVENET = WaveNetConfig(n_layers=2)
KINDS = [
    PlainCouplingConfig(),
    HiddenTransformerConfig(),
    InputTransformerConfig(),
    CausalTransformerConfig(d_filter=12),
    MonoInterConfig(),
    MonoPostConfig(),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def config_of(kind: CouplingConfig) -> TransformerFlowConfig:
    return TransformerFlowConfig(n_couplings=2, wavenet=WAVENET, coupling=kind)


def flow_of(kind: CouplingConfig, d: int = 8, d_cond: int = 5) -> Flow:
    return randomized(transformer_flow(config_of(kind), d, 8, d_cond), scale=0.2)


@every_kind
def test_reverse_undoes_forward(kind: CouplingConfig) -> None:
    flow, mask = flow_of(kind), length_mask(torch.tensor([9, 12, 1]), 12)
    z, speaker = normal(3, 8, 12) * mask, normal(3, 5, 1, seed=1)
    z_p = flow(z, mask, speaker)
    assert not torch.allclose(z_p, z, atol=0.1)
    torch.testing.assert_close(flow.reverse(z_p, mask, speaker), z, atol=1e-4, rtol=0)


@every_kind
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_padding_is_invisible(kind: CouplingConfig, direction: str) -> None:
    run, lengths = getattr(flow_of(kind), direction), torch.tensor([7, 12, 1])
    mask = length_mask(lengths, 12)
    z, speaker = normal(3, 8, 12) * mask, normal(3, 5, 1, seed=1)
    padded = run(z, mask, speaker)
    for i, n in enumerate(lengths.tolist()):
        alone = run(z[i : i + 1, :, :n], torch.ones(1, 1, n), speaker[i : i + 1])
        torch.testing.assert_close(padded[i : i + 1, :, :n], alone, atol=1e-5, rtol=1e-5)
        assert not padded[i, :, n:].any()


@every_kind
def test_the_log_determinant_is_that_of_the_jacobian(kind: CouplingConfig) -> None:
    flow = flow_of(kind, d=4, d_cond=0).double()
    mask, z = torch.ones(1, 1, 3, dtype=torch.double), normal(1, 4, 3, dtype=torch.double)
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x, mask), z).view(12, 12)
    expected = torch.tensor(3 * flow.log_det_per_frame, dtype=torch.double)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, expected)


def test_only_doubling_changes_volume() -> None:
    found = {kind.kind: flow_of(kind).log_det_per_frame for kind in KINDS}
    assert found.pop("mono_post") == pytest.approx(2 * 8 * math.log(2))
    assert set(found.values()) == {0.0}


@every_kind
def test_a_fresh_flow_moves_nothing(kind: CouplingConfig) -> None:
    z, mask = normal(1, 8, 9), torch.ones(1, 1, 9)
    fresh = transformer_flow(config_of(kind), 8, 8)
    torch.testing.assert_close(fresh(z, mask), z * math.exp(fresh.log_det_per_frame / 8))


@every_kind
def test_every_parameter_learns(kind: CouplingConfig) -> None:
    flow = flow_of(kind).train()
    flow(normal(2, 8, 12), torch.ones(2, 1, 12), normal(2, 5, 1, seed=1)).square().sum().backward()
    for name, parameter in flow.named_parameters():
        # A bias of all keys alike changes no attention.
        assert name.endswith("attention.key.bias") or (parameter.grad is not None and parameter.grad.any()), name


@every_kind
def test_it_is_read_back_from_its_file(kind: CouplingConfig) -> None:
    assert parse(TransformerFlowConfig, plain(config_of(kind)), source="test") == config_of(kind)


def test_with_closed_gates_it_is_the_flow_of_vits() -> None:
    vits = randomized(residual_flow(FlowConfig(n_couplings=2, wavenet=WAVENET), 8, 8, 5), scale=0.2)
    flow = transformer_flow(config_of(HiddenTransformerConfig()), 8, 8, 5).eval()
    missing, unexpected = flow.load_state_dict(vits.state_dict(), strict=False)
    assert unexpected == []
    assert {name.split(".")[2] for name in missing} == {"transformer", "gate"}
    mask = length_mask(torch.tensor([9, 12]), 12)
    z, speaker = normal(2, 8, 12) * mask, normal(2, 5, 1, seed=1)
    assert torch.equal(flow(z, mask, speaker), vits(z, mask, speaker))


def test_a_closed_gate_can_open() -> None:
    flow = flow_of(HiddenTransformerConfig())
    gates = [parameter for name, parameter in flow.named_parameters() if name.endswith(".gate")]
    assert len(gates) == 2
    for gate in gates:
        torch.nn.init.zeros_(gate)
    flow(normal(2, 8, 12), torch.ones(2, 1, 12), normal(2, 5, 1, seed=1)).square().sum().backward()
    assert all(gate.grad is not None and bool(gate.grad.all()) for gate in gates)


def test_an_open_gate_lets_far_frames_be_seen() -> None:
    def reach(kind: CouplingConfig) -> int:
        flow, z = flow_of(kind, d_cond=0), normal(1, 8, 60)
        other = z.clone()
        other[:, :, 0] += 3.0
        mask = torch.ones(1, 1, 60)
        return int((flow(z, mask) != flow(other, mask)).any(dim=1).nonzero().max())

    assert reach(PlainCouplingConfig()) < 20
    assert reach(HiddenTransformerConfig()) == 59


def test_a_causal_transformer_sees_no_future() -> None:
    transformer = randomized(CausalTransformer(CausalTransformerConfig(n_layers=2, d_filter=12), 8, 5), scale=0.3)
    mask, speaker = torch.ones(1, 1, 20), normal(1, 5, 1, seed=1)
    x = normal(1, 8, 20)
    other = x.clone()
    other[:, :, 11] += 3.0
    changed = (transformer(x, mask, speaker) - transformer(other, mask, speaker)).abs().amax(dim=(0, 1)) > 1e-6
    assert not changed[:11].any()
    assert changed[11:].all()


def test_keys_of_a_fresh_causal_transformer_are_its_queries() -> None:
    attention = CausalTransformer(CausalTransformerConfig(), 8).layers[0].attention
    x = normal(1, 8, 4)
    assert torch.equal(attention.query(x), attention.key(x))


@every_kind
def test_the_speaker_is_heard(kind: CouplingConfig) -> None:
    flow, z, mask = flow_of(kind), normal(1, 8, 12), torch.ones(1, 1, 12)
    assert not torch.allclose(flow(z, mask, normal(1, 5, 1)), flow(z, mask, normal(1, 5, 1, seed=1)))


@every_kind
def test_an_odd_width_has_no_halves(kind: CouplingConfig) -> None:
    with pytest.raises(ValueError, match="there are 5"):
        transformer_flow(config_of(kind), 5, 8)
