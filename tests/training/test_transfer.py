from __future__ import annotations

import pytest
import torch
from torch import nn

from sonorant.errors import TrainingError
from sonorant.nn.conv import folded_state, weight_normed
from sonorant.training.transfer import RowTable, Source, transfer


class Tiny(nn.Module):
    def __init__(self, n_symbols: int = 4, n_speakers: int = 2, width: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_symbols, 2)
        self.speaker = nn.Embedding(n_speakers, 2)
        self.conv = weight_normed(nn.Conv1d(2, width, 3))
        self.posterior = nn.Linear(2, 2)


def source(network: nn.Module, weights: dict[str, torch.Tensor] | None = None) -> Source:
    return Source("old", weights or network.state_dict(), {"a": 0, "b": 1, "c": 2, "d": 3}, ("ann", "bob"))


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())


def test_the_same_network_is_taken_whole() -> None:
    torch.manual_seed(0)
    old, new = Tiny(), Tiny()
    outcome = transfer(source(old), new)
    assert same(new, old)
    assert outcome.fresh == outcome.in_part == outcome.left_over == ()
    assert set(outcome.taken) == set(old.state_dict())


def test_folded_weights_are_split_again_into_direction_and_length() -> None:
    torch.manual_seed(0)
    old, new = Tiny(), Tiny()
    weights = {name: value for name, value in folded_state(old).items() if not name.startswith("posterior")}
    outcome = transfer(source(old, weights), new, may_be_fresh=("posterior.*",))
    x = torch.randn(1, 2, 9)
    torch.testing.assert_close(new.conv(x), old.conv(x))
    assert set(outcome.fresh) == {"posterior.weight", "posterior.bias"}


def test_rows_are_matched_by_their_names() -> None:
    torch.manual_seed(0)
    old, new = Tiny(), Tiny(n_symbols=3, n_speakers=3)
    fresh = new.embedding.weight[2].detach().clone()
    tables = (
        RowTable("embedding.weight", {"a": 0, "b": 1, "c": 2, "d": 3}, {"d": 0, "a": 1, "z": 2}),
        RowTable("speaker.weight", {"ann": 0, "bob": 1}, {"bob": 0, "cid": 1, "ann": 2}),
    )
    outcome = transfer(source(old), new, tables=tables)
    assert torch.equal(new.embedding.weight[:2], old.embedding.weight[[3, 0]])
    assert torch.equal(new.embedding.weight[2], fresh)
    assert torch.equal(new.speaker.weight[[0, 2]], old.speaker.weight[[1, 0]])
    assert set(outcome.in_part) == {"embedding.weight", "speaker.weight"}


def test_what_nothing_explains_is_refused() -> None:
    old, new = Tiny(), Tiny()
    state = dict(old.state_dict())
    without = {name: value for name, value in state.items() if name != "posterior.bias"}
    with pytest.raises(TrainingError, match=r"old: lacks posterior\.bias"):
        transfer(source(old, without), new)
    with pytest.raises(TrainingError, match="old: has, and the model has not, extra"):
        transfer(source(old, {**state, "extra": torch.zeros(1)}), new)
    with pytest.raises(TrainingError, match=r"conv\.bias has shape \(5,\), but the model's has \(3,\)"):
        transfer(source(Tiny(width=5)), new)


def test_a_folded_weight_of_another_shape_begins_anew_in_both_its_halves() -> None:
    """The length alone would fit: it is that of each output, and only the taps differ."""
    torch.manual_seed(0)
    new = Tiny()
    before = {name: value.clone() for name, value in new.state_dict().items()}
    weights = {**folded_state(Tiny()), "conv.weight": torch.randn(3, 2, 5)}
    outcome = transfer(source(new, weights), new, may_be_resized=("conv.*",))
    assert outcome.resized == tuple(name for name in before if name.startswith("conv.parametrizations."))
    assert all(torch.equal(new.state_dict()[name], before[name]) for name in outcome.resized)
    with pytest.raises(TrainingError, match=r"old: conv\.weight has shape \(3, 2, 5\), but .* \(3, 2, 3\)"):
        transfer(source(new, weights), new)
