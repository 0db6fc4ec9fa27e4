"""Laws of the training step of VITS, on a model so small that they are quick."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from sonorant.config import override, parse, read_yaml
from sonorant.errors import ConfigError
from sonorant.models.vits.game import VitsGame
from sonorant.models.vits.losses import ADVERSARIAL, TERMS
from sonorant.models.vits.model import Vits
from sonorant.models.vits.recipe import VitsRecipe
from sonorant.nn.discriminators import Discriminators
from sonorant.training.optim import NonFiniteError, Player
from sonorant.training.schedule import From
from sonorant.training.terms import check_weights
from tests.models.batches import N_SYMBOLS, examples, padded, split, whole
from tests.models.table import PLAIN, Table

DEBUG = Path(__file__).parents[3] / "configs/vits/debug.yaml"
RECIPE = parse(VitsRecipe, override(read_yaml(DEBUG), ["data.manifest=x", "segment_frames=8"]), source="debug")
HOP = RECIPE.model.spectrogram.hop
ITEMS = examples(hop=HOP)
BATCH = whole(ITEMS, hop=HOP)
PARTS = split(ITEMS, hop=HOP)


def vits_table(recipe: VitsRecipe = RECIPE) -> Table:
    torch.manual_seed(0)

    def game(fabric: Fabric, generator: Player, discriminator: Player) -> VitsGame:
        return VitsGame(
            fabric,
            generator,
            discriminator,
            spectrogram=recipe.model.spectrogram,
            mel=recipe.mel,
            segment_frames=recipe.segment_frames,
        )

    return Table(
        Vits(recipe.model, N_SYMBOLS, 3),
        Discriminators(recipe.discriminators),
        game,
        recipe.losses,
        generator=recipe.generator,
        discriminator=recipe.discriminator,
    )


def test_padding_changes_no_term() -> None:
    table = vits_table()
    before = table.terms(BATCH)
    assert before.keys() == {*TERMS, "loss"}
    assert table.terms(padded(BATCH, hop=HOP)) == pytest.approx(before, rel=2e-5)


def test_the_terms_of_a_batch_are_the_sums_of_its_parts() -> None:
    table = vits_table()
    of_parts = [table.terms(part) for part in PARTS]
    for name, value in table.terms(BATCH).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=2e-5), name


def test_a_step_is_the_same_in_one_part_and_in_several() -> None:
    recipe = replace(RECIPE, generator=PLAIN, discriminator=PLAIN)
    one, two = vits_table(recipe), vits_table(recipe)
    report = one.step([BATCH], 0)
    of_parts = two.step(PARTS, 0)
    assert of_parts == pytest.approx(report, rel=1e-4)
    fresh, after = vits_table(recipe).weights(), two.weights()
    for name, value in one.weights().items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0, msg=name)
    moved = [float((value - fresh[name]).abs().max()) for name, value in after.items() if "key.bias" not in name]
    assert min(moved) > 0


def test_memory_that_runs_out_in_mid_step_updates_no_player_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPE, generator=PLAIN, discriminator=PLAIN)
    one, two = vits_table(recipe), vits_table(recipe)
    report = one.step(PARTS, 0)

    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError

    with monkeypatch.context() as patch:
        patch.setattr(two.game, "judged", full)
        with pytest.raises(torch.OutOfMemoryError):
            two.step([BATCH], 0)
    assert two.step(PARTS, 0) == pytest.approx(report, rel=1e-4)
    for name, value in one.weights().items():
        torch.testing.assert_close(two.weights()[name], value, atol=1e-6, rtol=0, msg=name)
    again = one.step(PARTS, 1), two.step(PARTS, 1)
    assert again[1] == pytest.approx(again[0], rel=1e-3)


def test_a_gradient_reaches_every_weight_of_both_players() -> None:
    table = vits_table()
    out = table.game.generate(BATCH, 0)
    sum(table.game.judge(BATCH, out).values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.any() for p in table.discriminator.network.parameters())
    assert all(p.grad is None for p in table.generator.network.parameters()), "judging must not teach the generator"
    sum(table.game.judged(BATCH, out, frozenset(TERMS)).values()).backward()  # type: ignore[union-attr]
    reached = [(name, p) for name, p in table.generator.network.named_parameters() if p.requires_grad]
    assert [name for name, p in reached if p.grad is None or not p.grad.any()] == []


def test_the_generators_update_leaves_nothing_in_the_discriminators() -> None:
    table = vits_table()
    table.step([BATCH], 0)
    assert all(p.grad is None and p.requires_grad for p in table.discriminator.network.parameters())


def test_without_a_weight_the_discriminators_do_not_run() -> None:
    late = {name: From(step=5, value=1.0) if name in ADVERSARIAL else 1.0 for name in TERMS}
    table = vits_table(replace(RECIPE, losses=late))
    judges = {name: value.clone() for name, value in table.weights().items() if name.startswith("discriminator")}
    report = table.step([BATCH], 4)
    assert not [name for name in report if "discriminator" in name or "adversarial" in name or "feature" in name]
    assert all(torch.equal(table.weights()[name], value) for name, value in judges.items())
    report = table.step([BATCH], 5)
    assert report["generator/adversarial"] > 0
    assert not all(torch.equal(table.weights()[name], value) for name, value in judges.items())


def test_a_term_whose_weight_is_still_0_leaves_no_weight_without_a_gradient() -> None:
    table = vits_table(replace(RECIPE, losses={**RECIPE.losses, "kl": From(step=5, value=1.0)}))
    before = table.weights()["generator/text_encoder.embedding.weight"].clone()
    report = table.step([BATCH], 4)
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
        ("generator.weight_decay=-0.1", "weight_decay is -0.1: it must be at least 0"),
        ("generator.clip_norm=0", "clip_norm is 0.0: it must be above 0"),
        ("average_decay=1", "average_decay is 1.0: it must be in 0 to 1, 1 excluded"),
        ("seed=-1", "seed is -1: it must be at least 0"),
        ("losses.melody=1", "'melody' is no term of this system"),
        ("losses.mel=.nan", "losses.mel is nan: it must be a number"),
        ("mel.n_mels=4000", "mel band 0 of 4000"),
        ("segment_frames=0", "segment_frames is 0: it must be a whole number"),
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
    table = vits_table()
    before = {name: value.clone() for name, value in table.weights().items()}
    batch = whole(ITEMS, hop=HOP)
    batch.samples[2] = torch.nan
    with pytest.raises(NonFiniteError, match="loss is not finite"):
        table.step([batch], 0)
    assert all(torch.equal(value, before[name]) for name, value in table.weights().items())
    assert all(p.grad is None for player in table.step.players for p in player.network.parameters())
