"""Laws of the last stage of VITS2, on networks so small that they are quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from sonorant.data.dataset import Share
from sonorant.errors import TrainingError
from sonorant.models.vits2.durations import (
    CachedDurations,
    DurationBatches,
    DurationGame,
    DurationNetwork,
    DurationPart,
    cache,
    duration_statistics,
    read,
)
from sonorant.nn.duration_discriminator import DurationDiscriminator, DurationDiscriminatorConfig
from sonorant.nn.noisy_duration import NoisyDurationConfig, NoisyDurationPredictor
from sonorant.training.average import moving_average
from sonorant.training.devices import build_fabric
from sonorant.training.gan import GanStep
from sonorant.training.loop import RunConfig, Training, train
from sonorant.training.optim import OptimizerConfig, set_up
from sonorant.training.schedule import Schedule
from sonorant.training.step import Randomness
from sonorant.training.tracker import Exhibits, read_log
from tests.nn.random_weights import normal, randomized

D, D_COND, N_SPEAKERS = 8, 5, 3
CACHE = "cache.safetensors"
FAST = OptimizerConfig(learning_rate=3e-3)
WEIGHTS: Mapping[str, Schedule] = {"duration": 1.0, "duration_adversarial": 1.0}


def utterances(n: int = 10) -> list[tuple[torch.Tensor, torch.Tensor, int]]:
    """Their tokens are the longer the greater the first channel of the text is."""
    made = []
    for index in range(n):
        hidden = normal(D, 4 + index, seed=index).half().float()
        durations = torch.exp(1.5 + 0.5 * hidden[0]).round().clamp(min=1).long()
        made.append((hidden, durations, index % N_SPEAKERS))
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    cache(utterances(), tmp_path / CACHE)
    return tmp_path / CACHE


@pytest.fixture
def cached(path: Path) -> CachedDurations:
    return read(path)


class Table:
    """A game, its players and its step, with weights that are always the same."""

    def __init__(
        self,
        optimizer: OptimizerConfig = FAST,
        *,
        dropout: float = 0.5,
        has_speakers: bool = True,
        weights: Mapping[str, Schedule] = WEIGHTS,
    ) -> None:
        torch.manual_seed(0)
        d_cond = D_COND if has_speakers else 0
        predictor = randomized(NoisyDurationPredictor(NoisyDurationConfig(d_filter=16, dropout=dropout), D, d_cond))
        network = DurationNetwork(predictor, normal(N_SPEAKERS, D_COND, seed=9) if has_speakers else None)
        judge = randomized(DurationDiscriminator(DurationDiscriminatorConfig(d_filter=16), D, d_cond), seed=1)
        self.fabric = build_fabric("fp32", accelerator="cpu")
        self.network = network.train()
        self.generator = set_up(self.fabric, "generator", network, optimizer)
        self.discriminator = set_up(self.fabric, "discriminator", judge, optimizer)
        self.game = DurationGame(self.fabric, self.generator, self.discriminator)
        self.step = GanStep(self.fabric, self.game, self.generator, self.discriminator, weights, Randomness(1))

    def weights(self) -> dict[str, torch.Tensor]:
        return {
            f"{player.name}/{name}": value.clone()
            for player in self.step.players
            for name, value in player.network.state_dict().items()
        }

    def terms(self, batch: DurationPart) -> dict[str, float]:
        with torch.no_grad():
            out = self.game.generate(batch, 0)
            terms = {**self.game.judged(batch, out, frozenset(self.game.terms)), **self.game.judge(batch, out)}
        return {name: float(term) for name, term in terms.items()}


def first(cached: CachedDurations, parts: int = 1, items: int = 10) -> Sequence[DurationPart]:
    return next(DurationBatches(cached, items_per_batch=items, seed=3).start(None, parts))[0]


def seen(batches: DurationBatches, position: Mapping[str, int] | None, n: int) -> list[tuple[Any, ...]]:
    """n batches from a position on, as plain data."""
    return [
        (
            [(part.ids, part.seeds, part.n_tokens, part.hidden.tolist(), part.durations.tolist()) for part in parts],
            after,
        )
        for parts, after in islice(batches.start(position, 1), n)
    ]


def test_what_is_cached_comes_back(cached: CachedDurations) -> None:
    assert len(cached) == 10
    assert cached.hidden.dtype == torch.float16
    assert cached.durations.dtype == torch.int32
    for row, (hidden, durations, speaker) in enumerate(utterances()):
        start, end = cached.offsets[row], cached.offsets[row + 1]
        assert torch.equal(cached.hidden[:, start:end].float(), hidden)
        assert torch.equal(cached.durations[start:end].long(), durations)
        assert cached.speakers[row] == speaker


def test_a_cache_that_fails_leaves_no_file(tmp_path: Path) -> None:
    broken = utterances()
    broken[4][0][2, 1] = torch.nan
    for items, fault in (([], "no utterance"), (broken, "utterance 4")):
        with pytest.raises(TrainingError, match=fault):
            cache(items, tmp_path / CACHE)
    with pytest.raises(TrainingError, match="cannot be written"):
        cache(utterances(), tmp_path / "no_such_folder" / CACHE)
    assert not list(tmp_path.iterdir())


def test_what_is_no_cache_is_refused(tmp_path: Path, path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read(tmp_path / "nothing.safetensors")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(TrainingError, match="delete it"):
        read(path)


def test_batches_are_the_same_from_any_position(cached: CachedDurations) -> None:
    batches = DurationBatches(cached, items_per_batch=4, seed=3)
    whole = seen(batches, None, 8)
    for n in (1, 3, 5):
        assert seen(DurationBatches(cached, items_per_batch=4, seed=3), whole[n - 1][1], 8 - n) == whole[n:]
    assert seen(DurationBatches(cached, items_per_batch=4, seed=4), None, 8) != whole


def test_an_epoch_holds_every_utterance_once_and_no_two_noises_alike(cached: CachedDurations) -> None:
    parts = [batch[0][0] for batch in islice(DurationBatches(cached, items_per_batch=4, seed=3).start(None, 1), 6)]
    assert all(1 <= len(part.ids) <= 4 for part in parts)
    assert sorted(name for part in parts[:3] for name in part.ids) == sorted(f"utterance {i}" for i in range(10))
    seeds = [seed for part in parts for seed in part.seeds]
    assert len(set(seeds)) == len(seeds)


def test_processes_share_what_one_would_have_alone(cached: CachedDurations) -> None:
    (alone,), _ = next(DurationBatches(cached, items_per_batch=8, seed=3).start(None, 1))
    shares = [
        next(DurationBatches(cached, items_per_batch=4, seed=3, share=Share(rank, 2)).start(None, 1))[0][0]
        for rank in (0, 1)
    ]
    assert sorted(zip(alone.ids, alone.seeds, strict=True)) == sorted(
        pair for share in shares for pair in zip(share.ids, share.seeds, strict=True)
    )
    assert sum(share.totals.tokens for share in shares) == alone.totals.tokens == sum(alone.n_tokens)
    assert sum(share.totals.frames for share in shares) == alone.totals.frames == int(alone.durations.sum())


def test_padding_changes_no_term(cached: CachedDurations) -> None:
    table, (batch,) = Table(dropout=0.0), first(cached)
    longer = replace(batch, hidden=F.pad(batch.hidden, (0, 6), value=2.0), durations=F.pad(batch.durations, (0, 6)))
    assert table.terms(longer) == pytest.approx(table.terms(batch), rel=1e-5)


def test_the_terms_of_a_batch_are_the_sums_of_its_parts(cached: CachedDurations) -> None:
    table = Table(dropout=0.0)
    of_parts = [table.terms(part) for part in first(cached, parts=3)]
    assert len(of_parts) == 3
    for name, value in table.terms(*first(cached)).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=1e-5), name


def test_the_real_durations_are_those_called_real(cached: CachedDurations, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a discriminator whose score of a token is its log-duration, both losses are known."""
    table, (batch,) = Table(dropout=0.0), first(cached)

    def as_long(hidden: torch.Tensor, mask: torch.Tensor, durations: torch.Tensor, speaker: object) -> torch.Tensor:
        return durations

    monkeypatch.setattr(table.discriminator.network, "forward", as_long)
    with torch.no_grad():
        out = table.game.generate(batch, 0)
    real = torch.log(batch.durations[:, None].float().clamp(min=1))
    torch.testing.assert_close(out.real, real, atol=1e-5, rtol=1e-5)
    is_token = batch.mask > 0
    right = (1 - real[is_token]).square().mean() + out.generated[is_token].square().mean()
    swapped = (1 - out.generated[is_token]).square().mean() + real[is_token].square().mean()
    assert float(swapped) != pytest.approx(float(right), rel=0.1), "the test could not tell them apart"
    terms = table.terms(batch)
    assert terms["loss"] == pytest.approx(float(right), rel=1e-4)
    assert terms["duration_adversarial"] == pytest.approx(
        float((1 - out.generated[is_token]).square().mean()), rel=1e-4
    )


@pytest.mark.parametrize(("score", "adversarial"), [(0.0, 1.0), (1.0, 0.0), (3.0, 4.0)])
def test_a_term_is_a_mean_over_tokens(cached: CachedDurations, score: float, adversarial: float) -> None:
    """A discriminator that gives every token one score leaves terms that do not depend on how many there are."""
    table = Table()
    output = table.discriminator.network.output
    with torch.no_grad():
        output.weight.zero_()
        output.bias.fill_(score)
    for items in (2, 10):
        (batch,) = first(cached, items=items)
        terms = table.terms(batch)
        assert terms["loss"] == pytest.approx((1 - score) ** 2 + score**2)
        assert terms["duration_adversarial"] == pytest.approx(adversarial)


def test_a_batch_of_twice_the_same_utterances_has_the_same_terms_and_gradients(tmp_path: Path) -> None:
    cache([*utterances(), *utterances()], tmp_path / "twice")
    cache(utterances(), tmp_path / "once")
    found = []
    for name, items in (("once", 10), ("twice", 20)):
        table, (batch,) = Table(dropout=0.0), first(read(tmp_path / name), items=items)
        assert len(batch.ids) == items
        noise = table.network.predictor.noise.weight.requires_grad_(False).zero_()  # each item has its own
        out = table.game.generate(batch, 0)
        of_judged = table.game.judged(batch, out, frozenset(table.game.terms)).values()
        players = {"generator": table.network, "discriminator": table.discriminator.network}
        norms = {}
        for (player, network), loss in zip(
            players.items(), (sum(of_judged), table.game.judge(batch, out)["loss"]), strict=True
        ):
            gradients = torch.autograd.grad(loss, [p for p in network.parameters() if p is not noise])
            norms[player] = float(torch.stack([gradient.norm() for gradient in gradients]).norm())
        found.append({**table.terms(batch), **norms})
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_within_sixty_steps_the_real_durations_are_scored_above_the_generated(cached: CachedDurations) -> None:
    # A predictor that stands still, far from the truth: it is the discriminator that learns.
    table = Table(weights={"duration": 0.0, "duration_adversarial": 1e-9})
    with torch.no_grad():
        table.network.predictor.output.bias.fill_(4.0)
    batches = DurationBatches(cached, items_per_batch=4, seed=3).start(None, 1)
    for step, (parts, _) in enumerate(islice(batches, 60)):
        table.step(parts, step)
    (batch,) = first(cached)
    with torch.no_grad():
        out = table.game.generate(batch, 0)
        judge = table.discriminator.network
        real, generated = (judge(out.hidden, out.mask, each, out.speaker) for each in (out.real, out.generated))
    is_token = batch.mask > 0
    assert float(real[is_token].mean()) > float(generated[is_token].mean()) + 0.5


@pytest.mark.parametrize("has_speakers", [True, False])
def test_training_changes_every_weight_of_both_and_nothing_it_is_given(
    cached: CachedDurations, has_speakers: bool
) -> None:
    table = Table(has_speakers=has_speakers)
    before, given = table.weights(), [tensor.clone() for tensor in vars(cached).values()]
    batches = DurationBatches(cached, items_per_batch=4, seed=3).start(None, 1)
    for step, (parts, _) in enumerate(islice(batches, 30)):
        table.step(parts, step)
    for name, value in table.weights().items():
        assert torch.equal(value, before[name]) == (name == "generator/speakers"), name
    assert all(torch.equal(a, b) for a, b in zip(vars(cached).values(), given, strict=True))


def test_training_is_the_same_each_time(cached: CachedDurations) -> None:
    def trained() -> dict[str, torch.Tensor]:
        table = Table()
        for step, (parts, _) in enumerate(
            islice(DurationBatches(cached, items_per_batch=4, seed=3).start(None, 2), 30)
        ):
            table.step(parts, step)
        return table.weights()

    one, two = trained(), trained()
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def test_a_step_is_the_same_in_one_part_and_in_several(cached: CachedDurations) -> None:
    # With so large an eps, an update is as long as its gradient; Adam's own would make rounding errors into steps.
    plain = OptimizerConfig(learning_rate=1e-2, eps=1.0)
    one, two = Table(plain, dropout=0.0), Table(plain, dropout=0.0)
    assert two.step(first(cached, parts=3), 0) == pytest.approx(one.step(first(cached), 0), rel=1e-4)
    after = two.weights()
    for name, value in one.weights().items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0, msg=name)


def test_without_its_weight_the_discriminator_does_not_play(cached: CachedDurations) -> None:
    table = Table(weights={"duration": 1.0, "duration_adversarial": 0.0})
    before = table.weights()
    report = table.step(first(cached), 0)
    assert "generator/duration_adversarial" not in report
    for name, value in table.weights().items():
        is_still = name.startswith("discriminator/") or name == "generator/speakers"
        assert torch.equal(value, before[name]) == is_still, name


def test_the_training_loop_takes_it_and_goes_on_from_a_checkpoint(cached: CachedDurations, tmp_path: Path) -> None:
    def run(folder: Path, *, steps: int) -> dict[str, torch.Tensor]:
        folder.mkdir(exist_ok=True)
        table = Table()
        training = Training[DurationPart](
            step=table.step,
            batches=DurationBatches(cached, items_per_batch=4, seed=3),
            average=moving_average(table.network, decay=0.9),
            evaluate=lambda network, step: Exhibits(metrics=duration_statistics(network, cached)),
            best_by="crps",
        )
        assert train(table.fabric, training, RunConfig(steps=steps, evaluate_every=4, checkpoint_every=4), folder)
        return table.weights()

    run(tmp_path / "stopped", steps=4)
    resumed, whole = run(tmp_path / "stopped", steps=8), run(tmp_path / "whole", steps=8)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    found = [row for row in read_log(tmp_path / "whole" / "log.jsonl") if row["kind"] == "evaluation"]
    assert len(found) == 2


def test_statistics_tell_draws_that_are_alike_from_draws_that_differ(cached: CachedDurations) -> None:
    network = Table(has_speakers=False).network.eval()
    with torch.no_grad():
        network.predictor.noise.weight.zero_()
        alike = duration_statistics(network, cached)
        network.predictor.noise.weight.copy_(torch.eye(D)[:, :, None])
    differing = duration_statistics(network, cached)
    assert alike["diversity"] == 0.0
    assert differing["diversity"] > 0.01
    assert duration_statistics(network, cached) == differing
    assert duration_statistics(network, cached, noise_scale=0.0) == pytest.approx(alike, rel=1e-4)
    # Draws without spread are scored by their distance alone.
    assert alike["crps"] <= alike["mse"] ** 0.5


def test_statistics_of_a_known_predictor_are_known(cached: CachedDurations) -> None:
    """One that says log 4.5 of every token speaks five frames for each, in whatever company it is measured."""
    network = Table().network.eval()
    with torch.no_grad():
        network.predictor.output.weight.zero_()
        network.predictor.output.bias.fill_(torch.log(torch.tensor(4.5)))
    found = duration_statistics(network, cached)
    real = torch.log(cached.durations.double())
    assert found["log_mean"] == pytest.approx(1.50408, rel=1e-4)
    assert found["log_std"] == pytest.approx(0.0, abs=1e-6)
    assert found["log_mean_real"] == pytest.approx(float(real.mean()), rel=1e-4)
    assert found["log_std_real"] == pytest.approx(float(real.std(correction=0)), rel=1e-4)
    assert found["mse"] == pytest.approx(float((real - 1.50408).pow(2).mean()), rel=1e-4)
    assert found["crps"] == pytest.approx(float((real - 1.50408).abs().mean()), rel=1e-4)
    assert found["length"] == pytest.approx(5 * len(real) / float(cached.durations.sum()))
    assert found["length_error"] == pytest.approx(abs(found["length"] - 1))
    assert duration_statistics(network, cached, rows=[2])["length"] == pytest.approx(
        5 * 6 / float(cached.durations[cached.offsets[2] : cached.offsets[3]].sum())
    )
