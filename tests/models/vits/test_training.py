"""Laws of the training step of VITS, on a model so small that they are quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from sonorant.config import override, parse, read_yaml
from sonorant.data.batch import Batch, Example, Totals, collate
from sonorant.errors import ConfigError
from sonorant.models.vits.game import VitsGame
from sonorant.models.vits.losses import ADVERSARIAL, TERMS
from sonorant.models.vits.model import Vits
from sonorant.models.vits.recipe import VitsRecipe
from sonorant.nn.discriminators import Discriminators
from sonorant.training.devices import build_fabric
from sonorant.training.gan import GanStep
from sonorant.training.optim import NonFiniteError, OptimizerConfig, Player, set_up
from sonorant.training.schedule import From
from sonorant.training.step import Randomness
from sonorant.training.terms import check_weights
from tests.nn.random_weights import normal, randomized

DEBUG = Path(__file__).parents[3] / "configs/vits/debug.yaml"
RECIPE = parse(VitsRecipe, override(read_yaml(DEBUG), ["data.manifest=x", "segment_frames=8"]), source="debug")
HOP = RECIPE.model.spectrogram.hop
N_SYMBOLS = 30


def examples(n: int = 4) -> list[Example]:
    return [
        Example(
            id=f"u{index}",
            tokens=torch.arange(1 + index, 8 + 2 * index) % N_SYMBOLS,
            samples=0.1 * normal((20 + 7 * index) * HOP, seed=index),
            speaker=index % 3,
            language=0,
            seed=100 + index,
        )
        for index in range(n)
    ]


def totals(items: Sequence[Example]) -> Totals:
    return Totals(len(items), sum(len(item.tokens) for item in items), sum(len(item.samples) // HOP for item in items))


def whole(items: Sequence[Example]) -> Batch:
    return collate(items, hop=HOP, totals=totals(items))


def split(items: Sequence[Example]) -> list[Batch]:
    return [collate(items[start::2], hop=HOP, totals=totals(items)) for start in (0, 1)]


def padded(batch: Batch) -> Batch:
    """The same with 20 frames and 5 tokens of padding more."""
    return replace(batch, samples=F.pad(batch.samples, (0, 20 * HOP)), tokens=F.pad(batch.tokens, (0, 5)))


class Table:
    """A game, its players and its step, with random weights that are always the same."""

    def __init__(self, recipe: VitsRecipe = RECIPE) -> None:
        torch.manual_seed(0)
        fabric = build_fabric("fp32", accelerator="cpu")
        network = randomized(Vits(recipe.model, N_SYMBOLS, 3), scale=0.02)
        judges = randomized(Discriminators(recipe.discriminators), seed=1, scale=0.02)
        self.generator: Player = set_up(fabric, "generator", network, recipe.generator)
        self.discriminator: Player = set_up(fabric, "discriminator", judges, recipe.discriminator)
        self.game = VitsGame(
            fabric,
            self.generator,
            self.discriminator,
            spectrogram=recipe.model.spectrogram,
            mel=recipe.mel,
            segment_frames=recipe.segment_frames,
        )
        self.step = GanStep(fabric, self.game, self.generator, self.discriminator, recipe.losses, Randomness(1))

    def weights(self) -> dict[str, torch.Tensor]:
        parts = {"generator": self.generator.network, "discriminator": self.discriminator.network}
        return {
            f"{part}/{name}": value for part, module in parts.items() for name, value in module.state_dict().items()
        }

    def terms(self, batch: Batch) -> dict[str, float]:
        with torch.no_grad():
            out = self.game.generate(batch, 0)
            judged = self.game.judged(batch, out, frozenset(TERMS))
            return {name: float(term) for name, term in {**judged, **self.game.judge(batch, out)}.items()}


def test_padding_changes_no_term() -> None:
    batch, table = whole(examples()), Table()
    before = table.terms(batch)
    assert before.keys() == {*TERMS, "loss"}
    assert table.terms(padded(batch)) == pytest.approx(before, rel=2e-5)


def test_the_terms_of_a_batch_are_the_sums_of_its_parts() -> None:
    table = Table()
    of_parts = [table.terms(part) for part in split(examples())]
    for name, value in table.terms(whole(examples())).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=2e-5), name


def test_a_step_is_the_same_in_one_part_and_in_several() -> None:
    # With so large an eps, an update is as long as its gradient; Adam's own would make rounding errors into steps.
    plain = OptimizerConfig(learning_rate=1e-2, eps=1.0)
    recipe = replace(RECIPE, generator=plain, discriminator=plain)
    one, two = Table(recipe), Table(recipe)
    report = one.step([whole(examples())], 0)
    of_parts = two.step(split(examples()), 0)
    assert of_parts == pytest.approx(report, rel=1e-4)
    fresh, after = Table(recipe).weights(), two.weights()
    for name, value in one.weights().items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0, msg=name)
    moved = [float((value - fresh[name]).abs().max()) for name, value in after.items() if "key.bias" not in name]
    assert min(moved) > 0


def test_memory_that_runs_out_in_mid_step_updates_no_player_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = OptimizerConfig(learning_rate=1e-2, eps=1.0)
    recipe = replace(RECIPE, generator=plain, discriminator=plain)
    one, two = Table(recipe), Table(recipe)
    report = one.step(split(examples()), 0)

    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patch:
        patch.setattr(two.game, "judged", full)
        with pytest.raises(torch.OutOfMemoryError):
            two.step([whole(examples())], 0)
    assert two.step(split(examples()), 0) == pytest.approx(report, rel=1e-4)
    for name, value in one.weights().items():
        torch.testing.assert_close(two.weights()[name], value, atol=1e-6, rtol=0, msg=name)
    again = one.step(split(examples()), 1), two.step(split(examples()), 1)
    assert again[1] == pytest.approx(again[0], rel=1e-3)


def test_a_gradient_reaches_every_weight_of_both_players() -> None:
    table = Table()
    batch = whole(examples())
    out = table.game.generate(batch, 0)
    sum(table.game.judge(batch, out).values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.any() for p in table.discriminator.network.parameters())
    assert all(p.grad is None for p in table.generator.network.parameters()), "judging must not teach the generator"
    sum(table.game.judged(batch, out, frozenset(TERMS)).values()).backward()  # type: ignore[union-attr]
    reached = [(name, p) for name, p in table.generator.network.named_parameters() if p.requires_grad]
    assert [name for name, p in reached if p.grad is None or not p.grad.any()] == []


def test_the_generators_update_leaves_nothing_in_the_discriminators() -> None:
    table = Table()
    table.step([whole(examples())], 0)
    assert all(p.grad is None and p.requires_grad for p in table.discriminator.network.parameters())


def test_without_a_weight_the_discriminators_do_not_run() -> None:
    late = {name: From(step=5, value=1.0) if name in ADVERSARIAL else 1.0 for name in TERMS}
    table = Table(replace(RECIPE, losses=late))
    judges = {name: value.clone() for name, value in table.weights().items() if name.startswith("discriminator")}
    report = table.step([whole(examples())], 4)
    assert not [name for name in report if "discriminator" in name or "adversarial" in name or "feature" in name]
    assert all(torch.equal(table.weights()[name], value) for name, value in judges.items())
    report = table.step([whole(examples())], 5)
    assert report["generator/adversarial"] > 0
    assert not all(torch.equal(table.weights()[name], value) for name, value in judges.items())


def test_a_term_whose_weight_is_still_0_leaves_no_weight_without_a_gradient() -> None:
    table = Table(replace(RECIPE, losses={**RECIPE.losses, "kl": From(step=5, value=1.0)}))
    before = table.weights()["generator/text_encoder.embedding.weight"].clone()
    report = table.step([whole(examples())], 4)
    assert "generator/kl" in report
    updated = table.generator.optimizer.state_dict()["state"]
    assert len(updated) == len([p for p in table.generator.network.parameters() if p.requires_grad])
    torch.testing.assert_close(table.weights()["generator/text_encoder.embedding.weight"], before, atol=1e-4, rtol=0)


def test_weights_and_terms_must_have_the_same_names() -> None:
    with pytest.raises(ConfigError, match="'melody' is no term"):
        replace(RECIPE, losses={"melody": 1.0})
    with pytest.raises(ConfigError, match="no weight for the term 'adversarial'"):
        check_weights({"mel": 45.0}, TERMS, source="losses")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("generator.learning_rate=-1", "learning_rate is -1.0: it must not be below 0"),
        ("generator.learning_rate=.nan", "learning_rate is nan"),
        ("discriminator.betas=[0.8, 1.0]", r"betas are \(0.8, 1.0\): they must lie in 0 to 1, 1 excluded"),
        ("generator.eps=0", "eps is 0.0"),
        ("generator.weight_decay=-0.1", "weight_decay -0.1"),
        ("generator.clip_norm=0", "clip_norm is 0.0: it must be above 0"),
        ("average_decay=1", "average_decay is 1.0: it must lie in 0 to 1, 1 excluded"),
        ("seed=-1", "seed is -1: it must not be below 0"),
        ("losses.melody=1", "'melody' is no term of this system"),
        ("losses.mel=.nan", "losses.mel is nan: it must be a number"),
        ("loader.workers=-1", "workers is -1: it must not be below 0"),
        ("data.batch_s=.nan", "batch_s is nan: it must be above 0"),
    ],
)
def test_settings_that_cannot_train_are_refused_before_anything_is_done(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(VitsRecipe, override(read_yaml(DEBUG), ["data.manifest=x", setting]), source="debug")


def test_weights_left_out_are_as_published() -> None:
    expected = {"mel": 10.0, "kl": 1.0, "duration": 1.0, "adversarial": 1.0, "feature": 2.0}
    assert replace(RECIPE, losses={"mel": 10.0}).losses == expected


def test_a_loss_that_is_not_finite_changes_no_weight() -> None:
    table = Table()
    before = {name: value.clone() for name, value in table.weights().items()}
    batch = whole(examples())
    batch.samples[2] = torch.nan
    with pytest.raises(NonFiniteError, match="loss is not finite"):
        table.step([batch], 0)
    assert all(torch.equal(value, before[name]) for name, value in table.weights().items())
    assert all(p.grad is None for player in table.step.players for p in player.network.parameters())
