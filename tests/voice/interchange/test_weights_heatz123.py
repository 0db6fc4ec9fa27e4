"""The weights of heatz123's NaturalSpeech, changed so that our network computes what that program does."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.durator import DurationConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.mask import length_mask
from sonorant.voice.interchange.weights_heatz123 import (
    has_bank,
    is_heatz123,
    n_duration_layers,
    to_heatz123,
    to_ours,
)
from sonorant.voice.interchange.weights_layout import fit
from tests.nn.random_weights import normal
from tests.voice.interchange import heatz123

KEYS = Path(__file__).parents[2] / "fixtures" / "keys"
N_SYMBOLS = 178
PUBLISHED = NaturalSpeechConfig(duration=DurationConfig(n_layers=2), decoder=HifiGanConfig(d_initial=256))
WITHOUT_BANK = replace(PUBLISHED, memory=None)


def shapes(*, bank: bool = True, prefixes: tuple[str, ...] = ("",)) -> dict[str, list[int]]:
    """The names and shapes of the published model, or of some of its parts."""
    found: dict[str, list[int]] = json.loads((KEYS / "naturalspeech_ljs.json").read_text())
    wanted = {name: shape for name, shape in found.items() if name.startswith(prefixes)}
    return {name: shape for name, shape in wanted.items() if bank or not name.startswith("memory_bank.")}


def durator_state() -> dict[str, Tensor]:
    """Weights of the parts that VITS has not; names must go together, so there are no others."""
    return heatz123.random_state(shapes(prefixes=("dp.", "learnable_upsampling.", "memory_bank.")))


def imported(state: dict[str, Tensor], cfg: NaturalSpeechConfig = PUBLISHED) -> NaturalSpeech:
    """A network of the published sizes, to speak, with the durator and the bank of a state; the rest at random."""
    torch.manual_seed(0)
    network = NaturalSpeech(cfg, N_SYMBOLS, 1, purpose=Purpose.SPEAKING)
    ours = to_ours(state, cfg)
    parts = ("duration.", "upsampling.", "memory.")
    like = {name: value for name, value in network.state_dict().items() if name.startswith(parts)}
    network.load_state_dict(
        fit(ours, like, source="G") | {n: v for n, v in network.state_dict().items() if n not in like}
    )
    return network


def phonemes() -> tuple[Tensor, Tensor, Tensor]:
    """Features of two texts of different lengths, their mask, and real-valued durations."""
    mask = length_mask(torch.tensor([13, 9]), 13)
    durations = (0.3 + 9 * normal(2, 13, seed=5).abs()) * mask.squeeze(1)
    return normal(2, 192, 13, seed=4) * mask, mask, durations


def test_the_published_model_has_its_names_and_shapes() -> None:
    found = shapes()
    assert (len(found), sum(math.prod(shape) for shape in found.values())) == (607, 25_272_745)
    assert len(shapes(bank=False)) == 607 - 9
    for bank, cfg in ((True, PUBLISHED), (False, WITHOUT_BANK)):
        state = {name: torch.empty(shape, device="meta") for name, shape in shapes(bank=bank).items()}
        assert (is_heatz123(state), has_bank(state), n_duration_layers(state)) == (True, bank, 2)
        for purpose in (Purpose.TRAINING, Purpose.SPEAKING):
            with torch.device("meta"):
                like = NaturalSpeech(cfg, N_SYMBOLS, 1, purpose=purpose).state_dict()
                assert fit(to_ours(state, cfg), like, source="G").keys() == like.keys()


@pytest.mark.parametrize("bank", [True, False])
def test_what_is_not_folded_comes_back_bit_for_bit(bank: bool) -> None:
    state = heatz123.random_state(shapes(bank=bank))
    back = to_heatz123(to_ours(state, PUBLISHED if bank else WITHOUT_BANK))
    assert {name: list(value.shape) for name, value in back.items()} == shapes(bank=bank)
    folded = {name for name in state if ".conv_layer." in name or ".layer.0.linear." in name}
    assert len(folded) == 2 * (2 + 5 + 2)
    assert all(torch.equal(back[name], state[name]) for name in state.keys() - folded)
    torch.testing.assert_close(
        [back[name] for name in sorted(folded) if ".layer.0.linear." in name],
        [state[name] for name in sorted(folded) if ".layer.0.linear." in name],
    )
    hidden, mask, durations = phonemes()
    torch.testing.assert_close(
        heatz123.prior(back, hidden, mask, durations), heatz123.prior(state, hidden, mask, durations)
    )


def test_folded_norms_come_back_bit_for_bit_once_they_change_nothing() -> None:
    once = to_heatz123(to_ours(durator_state(), PUBLISHED))
    twice = to_heatz123(to_ours(once, PUBLISHED))
    assert all(torch.equal(twice[name], once[name]) for name in once if ".conv_layer." in name)


def test_the_prior_is_theirs() -> None:
    state = durator_state()
    hidden, mask, durations = phonemes()
    mean, log_std = heatz123.prior(state, hidden, mask, durations)
    assert mean.shape[2] > 60
    lengths = durations.sum(dim=1).round().long()
    with torch.no_grad():
        ours = imported(state).upsampling(hidden, mask, durations, length_mask(lengths, mean.shape[2]))
    torch.testing.assert_close(ours.mean, mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.log_std, log_std, atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_layers", [2, 3])
def test_durations_are_theirs(n_layers: int) -> None:
    found = shapes(prefixes=("dp.", "learnable_upsampling.", "memory_bank."))
    if n_layers == 3:
        third = {
            name.replace("_2", "_3"): shape
            for name, shape in found.items()
            if name.startswith(("dp.conv_2", "dp.norm_2"))
        }
        found |= third
    state = heatz123.random_state(found)
    assert n_duration_layers(state) == n_layers
    hidden, mask, _ = phonemes()
    network = imported(state, replace(PUBLISHED, duration=DurationConfig(n_layers=n_layers)))
    with torch.no_grad():
        ours = network.duration(hidden, mask)
    torch.testing.assert_close(ours, heatz123.log_durations(state, hidden, mask), atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_the_memory_is_theirs(n_heads: int) -> None:
    state = durator_state()
    assert PUBLISHED.memory is not None
    network = imported(state, replace(PUBLISHED, memory=replace(PUBLISHED.memory, n_heads=n_heads)))
    z = 3 * normal(2, 192, 17)
    with torch.no_grad():
        ours = network.given(z, torch.ones_like(z[:, :1]))
    theirs = heatz123.remembered(state, z, n_heads)
    assert theirs.std() > 0.02
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_the_state_that_is_read_is_left_as_it_was() -> None:
    state = {name: value.double() for name, value in durator_state().items()}
    before = {name: value.clone() for name, value in state.items()}
    to_ours(state, PUBLISHED)
    assert state.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in state.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"learnable_upsampling.conv_w.conv_layer.1.running_var": None},
            r"^G: lacks learnable_upsampling\.conv_w\.conv_layer\.1\.running_var$",
        ),
        (
            {"learnable_upsampling.conv_c.conv_layer.1.bias": torch.zeros(5)},
            r"^G: learnable_upsampling\.conv_c\.conv_layer\.1\.bias has shape \[5\], but .*0\.conv\.bias has \[8\]$",
        ),
        (
            {"learnable_upsampling.proj_o.linear.weight": torch.zeros(3)},
            r"^G: .* has shape \[3\], expected 2 dimensions$",
        ),
        ({"memory_bank.memory_bank": None}, r"^G: lacks memory_bank\.memory_bank$"),
        ({"memory_bank.encoder.emb_rel_k": torch.zeros(3)}, r"emb_rel_k have no place in a NaturalSpeech model"),
    ],
)
def test_weights_that_cannot_be_changed_are_named(change: dict[str, Tensor | None], message: str) -> None:
    changed = {**durator_state(), **change}
    with pytest.raises(ImportingError, match=message):
        to_ours({name: value for name, value in changed.items() if value is not None}, PUBLISHED, source="G")


@pytest.mark.parametrize(
    "name",
    [
        "upsampling.guide",
        "upsampling.of_contexts.bias",
        "upsampling.output.bias",
        "memory.slot_bias",
        "memory.share",
    ],
)
def test_what_theirs_has_not_cannot_be_written_once_it_does_something(name: str) -> None:
    ours = to_ours(durator_state(), PUBLISHED)
    to_heatz123(ours)
    with pytest.raises(ImportingError, match=rf"^{name} is not [01] everywhere, which heatz123's NaturalSpeech has no"):
        to_heatz123({**ours, name: ours[name] + 0.5})
