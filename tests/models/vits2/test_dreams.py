"""Learning from what a voice says by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.data.batch import Batch
from sonorant.models import Purpose
from sonorant.models.vits2.dreams import NEEDED, Dreaming, Recognition, _DreamNoise
from sonorant.models.vits2.model import Vits2
from sonorant.nn.duration import StochasticDurationConfig
from sonorant.training.devices import build_fabric
from sonorant.training.optim import OptimizerConfig, set_up
from sonorant.training.schedule import Schedule
from sonorant.training.step import Randomness
from sonorant.training.supervised import SupervisedStep
from tests.models.batches import examples, padded, split, whole
from tests.models.vits2.small import HOP, SMALL, small

QUIET = replace(SMALL, text_encoder=replace(SMALL.text_encoder, dropout=0.0))
FLOWING = replace(QUIET, duration=StochasticDurationConfig(n_couplings=2, dropout=0.0))
ITEMS = examples(hop=HOP)
BATCH = whole(ITEMS, hop=HOP)
WEIGHTS: dict[str, Schedule] = {"posterior": 1.0, "duration": 1.0}


class Sleeper:
    """A network, the voice it was, and what learns from it."""

    def __init__(self, network: Vits2, *, rate: float = 1e-2) -> None:
        fabric = build_fabric("fp32", accelerator="cpu")
        self.network = network
        self.learner = Recognition(network)
        player = set_up(fabric, "generator", self.learner, OptimizerConfig(learning_rate=rate))
        self.dreaming = Dreaming(player, network.for_inference(Purpose.SPEAKING))
        self.step = SupervisedStep[Batch](fabric, self.dreaming, player, WEIGHTS, Randomness(1))

    def terms(self, batch: Batch) -> dict[str, float]:
        with torch.no_grad():
            return {name: float(term) for name, term in self.dreaming(batch, 0, frozenset(WEIGHTS)).items()}


def weights_of(network: Vits2) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("cfg", [QUIET, FLOWING], ids=["adversarial", "stochastic"])
def test_neither_padding_nor_company_changes_a_dream(cfg: object) -> None:
    sleeper = Sleeper(small(replace(QUIET, duration=cfg.duration)))  # type: ignore[attr-defined]
    expected = sleeper.terms(BATCH)
    assert sleeper.terms(padded(BATCH, hop=HOP)) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    of_parts = [sleeper.terms(part) for part in split(ITEMS, hop=HOP)]
    for name, value in expected.items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_a_posterior_learns_to_hear_what_the_voice_had_in_mind() -> None:
    sleeper = Sleeper(small(QUIET))
    before, first = weights_of(sleeper.network), sleeper.terms(BATCH)["posterior"]
    for step in range(60):
        sleeper.step([BATCH], step)
    after = weights_of(sleeper.network)
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"posterior"}
    assert sleeper.terms(BATCH)["posterior"] < first - 1

    # Better than the best guess without hearing: one Gaussian for each channel of all that was dreamed.
    voice = sleeper.dreaming._voice
    with torch.no_grad():
        noise = _DreamNoise(BATCH.seeds, torch.device("cpu"))
        dream = voice.imagine(BATCH.tokens, BATCH.token_lengths, BATCH.speakers, None, noise=noise)
    z = dream.z.transpose(1, 2)[dream.frame_mask[:, 0] > 0]
    deaf = (torch.log(z.std(dim=0, correction=0)) + 0.5 * math.log(2 * math.pi * math.e)).sum()
    assert sleeper.terms(BATCH)["posterior"] < float(deaf)


def test_the_posterior_of_drawn_durations_learns_from_the_dreamed_ones() -> None:
    sleeper = Sleeper(small(FLOWING), rate=3e-3)
    before, first = weights_of(sleeper.network), sleeper.terms(BATCH)["duration"]
    for step in range(40):
        sleeper.step([BATCH], step)
    after = weights_of(sleeper.network)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("duration.posterior.") for name in changed)
    assert {name.split(".")[0] for name in changed} == {"posterior", "duration"}
    assert sleeper.terms(BATCH)["duration"] < first


def test_what_learns_has_the_names_that_the_network_has() -> None:
    network = small(FLOWING)
    of_network = network.state_dict()
    for name, value in Recognition(network).state_dict().items():
        assert torch.equal(of_network[name], value)


@pytest.mark.parametrize(
    ("name", "is_needed"),
    [
        ("decoder.input.weight", True),
        ("duration.flow.steps.0.input.weight", True),
        ("duration.flow.first.shift", False),
        ("duration.posterior.input.weight", False),
        ("duration.noise.weight", False),
        ("duration.condition.weight", False),
        ("decoder.condition.bias", False),
        ("posterior.input.weight", False),
        ("flow.steps.0.gate", False),
    ],
)
def test_a_voice_dreams_without_what_only_training_needs(name: str, *, is_needed: bool) -> None:
    assert bool(NEEDED.match(name)) is is_needed


def test_a_longer_draw_begins_as_a_shorter_one() -> None:
    def drawn(n: int, seeds: tuple[int, ...]) -> Tensor:
        return _DreamNoise(seeds, torch.device("cpu"))((len(seeds), 3, n))

    assert torch.equal(drawn(40, (1, 2))[1, :, :21], drawn(21, (2,))[0])
    assert not torch.equal(drawn(21, (1,)), drawn(21, (2,)))
    assert float(drawn(2000, (1,)).std()) == pytest.approx(1, abs=0.05)
