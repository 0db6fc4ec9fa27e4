"""Laws of the training step of VITS2, on a model so small that they are quick."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, linear_spectrogram, mel_spectrogram
from sonorant.config import override, parse, read_yaml
from sonorant.data.dataset import DataConfig
from sonorant.errors import ConfigError
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.slices import terms_of
from sonorant.models.vits2 import game as game_module
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.evaluate import Vits2Subject
from sonorant.models.vits2.game import GameSettings, Played, Vits2Game
from sonorant.models.vits2.losses import ADVERSARIAL, TERMS, kl
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.recipe import Vits2Recipe
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig, FrameResolution
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.nn.transformer_flow import MonoPostConfig
from sonorant.training.loop import RunConfig
from sonorant.training.optim import NonFiniteError, OptimizerConfig, Player
from sonorant.training.schedule import Exponential, From, Linear, Schedule, Steps, value_at
from tests.models.batches import N_SYMBOLS, examples, padded, pitched, split, whole
from tests.models.table import PLAIN, Table
from tests.models.vits2.small import HOP, SMALL, set_gates, small

DEBUG = Path(__file__).parents[3] / "configs/vits2/debug.yaml"
# No dropout, which parts of a batch and padding would change.
QUIET = replace(
    SMALL,
    text_encoder=replace(SMALL.text_encoder, dropout=0.0),
    duration=replace(SMALL.duration, dropout=0.0),
)
DOUBLING = replace(QUIET, flow=replace(QUIET.flow, coupling=MonoPostConfig(dropout=0.0)))
DISCRIMINATORS = DiscriminatorConfig(
    periods=(2, 5),
    period_channels=(4, 8),
    scale=None,
    frames=FrameDiscriminatorConfig(resolutions=(FrameResolution(n_fft=128, hop=32),), channels=(8,)),
)
HARMONIC = replace(
    QUIET,
    decoder=HarmonicHeadConfig(d=16, d_filter=24, n_fft=256, hop=HOP, d_pitch=8),
)
SETTINGS = GameSettings(
    terms=TERMS,
    spectrogram=SMALL.spectrogram,
    mel=MelConfig(n_mels=24),
    spectral=StftLossConfig(resolutions=(SpectrogramConfig(sample_rate_hz=16_000, n_fft=128, hop=32, win=128),)),
    segment_frames=8,
    alignment_noise=Linear(start=0, end=5000, first=0.01, last=0.0),
)
LOSSES: Mapping[str, Schedule] = {
    "mel": 45.0,
    "spectral": 1.0,
    "kl": 1.0,
    "duration": 1.0,
    "adversarial": 1.0,
    "feature": 2.0,
}
ITEMS = pitched(examples(hop=HOP, n_languages=2), hop=HOP)
BATCH = whole(ITEMS, hop=HOP)
PARTS = split(ITEMS, hop=HOP)


def vits2_table(
    model: Vits2Config = QUIET,
    *,
    settings: GameSettings = SETTINGS,
    losses: Mapping[str, Schedule] = LOSSES,
    optimizer: OptimizerConfig = PLAIN,
) -> Table:
    torch.manual_seed(0)
    terms = terms_of(TERMS, model.decoder)
    losses = {**losses, **dict.fromkeys(set(terms) - set(TERMS), 10.0)}

    def game(fabric: Fabric, generator: Player, discriminator: Player) -> Vits2Game:
        return Vits2Game(fabric, generator, discriminator, settings=replace(settings, terms=terms))

    network = Vits2(model, N_SYMBOLS, 3, 2)
    table = Table(network, Discriminators(DISCRIMINATORS), game, losses, generator=optimizer, discriminator=optimizer)
    set_gates(network, 1.0)
    return table


def copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in weights.items()}


# ---- the step --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 6000])
@pytest.mark.parametrize("model", [QUIET, DOUBLING, HARMONIC], ids=["hidden", "doubling", "harmonic"])
def test_padding_changes_no_term(model: Vits2Config, step: int) -> None:
    table = vits2_table(model)
    before = table.terms(BATCH, step)
    assert before.keys() == {*terms_of(TERMS, model.decoder), "loss"}
    assert table.terms(padded(BATCH, hop=HOP), step) == pytest.approx(before, rel=2e-5)


@pytest.mark.parametrize("model", [QUIET, HARMONIC], ids=["istft", "harmonic"])
def test_the_terms_of_a_batch_are_the_sums_of_its_parts(model: Vits2Config) -> None:
    table = vits2_table(model)
    of_parts = [table.terms(part) for part in PARTS]
    for name, value in table.terms(BATCH).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=2e-5), name


def test_items_shorter_than_the_slices_do_not_see_their_neighbours() -> None:
    """As when slices grow longer than the shortest utterances."""
    table = vits2_table(settings=replace(SETTINGS, segment_frames=30))
    whole_, of_parts = table.terms(BATCH), [table.terms(part) for part in PARTS]
    assert table.terms(padded(BATCH, hop=HOP)) == pytest.approx(whole_, rel=2e-5)
    for name, value in whole_.items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=2e-5), name
    alone = whole(ITEMS[:1], hop=HOP)
    with torch.no_grad():
        of_one: Played = table.game.generate(alone, 0)
        of_all: Played = table.game.generate(BATCH, 0)
    assert of_one.recorded.shape == (1, 1, 30 * HOP)
    assert not of_one.recorded[:, :, 20 * HOP :].any()
    torch.testing.assert_close(of_all.recorded[:1], of_one.recorded)
    torch.testing.assert_close(of_all.mel[:1], of_one.mel)
    silence = mel_spectrogram(
        linear_spectrogram(torch.zeros(1, 4 * HOP), SMALL.spectrogram), SMALL.spectrogram, SETTINGS.mel
    )
    torch.testing.assert_close(of_one.mel[0, :, 20:], silence[0, :, :1].expand(-1, 10))


def test_a_step_is_the_same_in_one_part_and_in_several() -> None:
    one, two = vits2_table(), vits2_table()
    report = one.step([BATCH], 0)
    assert two.step(PARTS, 0) == pytest.approx(report, rel=1e-4)
    fresh, after = vits2_table().weights(), two.weights()
    for name, value in one.weights().items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0, msg=name)
    moved = [float((value - fresh[name]).abs().max()) for name, value in after.items() if "key.bias" not in name]
    assert min(moved) > 0


def test_memory_that_runs_out_in_mid_step_updates_no_player_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = vits2_table(), vits2_table()
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


@pytest.mark.parametrize(
    "model",
    [
        SMALL,
        replace(SMALL, duration=StochasticDurationConfig(n_layers=1, n_couplings=2)),
        replace(SMALL, duration=DurationConfig(d_filter=12), flow=DOUBLING.flow),
        replace(SMALL, decoder=HARMONIC.decoder),
    ],
    ids=["published", "stochastic", "deterministic, doubling", "harmonic"],
)
def test_a_gradient_reaches_every_weight_of_both_players(model: Vits2Config) -> None:
    table = vits2_table(model)
    out = table.game.generate(BATCH, 0)
    sum(table.game.judge(BATCH, out).values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.any() for p in table.discriminator.network.parameters())
    assert all(p.grad is None for p in table.generator.network.parameters()), "judging must not teach the generator"
    sum(table.game.judged(BATCH, out, frozenset(table.game.terms)).values()).backward()  # type: ignore[union-attr]
    reached = [(name, p) for name, p in table.generator.network.named_parameters() if p.requires_grad]
    assert [name for name, p in reached if p.grad is None or not p.grad.any()] == []


def test_a_closed_gate_learns_to_open() -> None:
    table = vits2_table()
    network = table.generator.network
    assert isinstance(network, Vits2)
    set_gates(network, 0.0)
    table.step([BATCH], 0)
    gates = [value for name, value in network.state_dict().items() if name.endswith(".gate")]
    assert len(gates) == 2
    assert all(gate.all() for gate in gates)


def test_only_the_duration_term_teaches_the_duration_predictor_and_nothing_else() -> None:
    table = vits2_table()
    out = table.game.generate(BATCH, 0)
    table.game.judged(BATCH, out, frozenset({"duration"}))["duration"].backward()
    for name, parameter in table.generator.network.named_parameters():
        taught = parameter.grad is not None and bool(parameter.grad.any())
        assert taught == name.startswith("duration."), name


def test_a_term_that_is_not_wanted_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    off = {**LOSSES, "adversarial": 0.0, "feature": 0.0, "spectral": From(step=5, value=1.0)}
    table = vits2_table(losses=off)
    judges = {name: value for name, value in copied(table.weights()).items() if name.startswith("discriminator")}

    def refuse(*arguments: object) -> None:
        raise AssertionError("was asked")

    with monkeypatch.context() as patch:
        patch.setattr("sonorant.models.vits2.losses.stft_distance", refuse)
        patch.setattr("sonorant.models.vits2.losses.generator_loss", refuse)
        patch.setattr(table.discriminator.network, "forward", refuse)
        report = table.step([BATCH], 4)
        with pytest.raises(AssertionError, match="was asked"):
            table.step([BATCH], 5)
    assert {name for name in report if name.startswith("generator/")} == {
        "generator/mel",
        "generator/kl",
        "generator/duration",
        "generator/total",
    }
    assert all(torch.equal(table.weights()[name], value) for name, value in judges.items())
    assert table.step([BATCH], 5)["generator/spectral"] > 0


def test_without_adversarial_terms_no_discriminator_is_needed() -> None:
    table = vits2_table()
    alone = Vits2Game(table.step._fabric, table.generator, None, settings=SETTINGS)
    wanted = frozenset(TERMS) - ADVERSARIAL
    assert alone.judged(BATCH, alone.generate(BATCH, 0), wanted).keys() == wanted


def test_weights_and_terms_must_have_the_same_names() -> None:
    with pytest.raises(ConfigError, match="'melody' is no term of this system"):
        vits2_table(losses={**LOSSES, "melody": 1.0})
    with pytest.raises(ConfigError, match="no weight for the term 'spectral'"):
        vits2_table(losses={name: weight for name, weight in LOSSES.items() if name != "spectral"})


def test_a_loss_that_is_not_finite_changes_no_weight() -> None:
    table = vits2_table()
    before = copied(table.weights())
    batch = whole(ITEMS, hop=HOP)
    batch.samples[2] = torch.nan
    with pytest.raises(NonFiniteError, match="loss is not finite"):
        table.step([batch], 0)
    assert all(torch.equal(value, before[name]) for name, value in table.weights().items())


def test_slices_grow_when_their_schedule_says() -> None:
    table = vits2_table(settings=replace(SETTINGS, segment_frames=Steps(changes=(10,), values=(8, 12))))
    with torch.no_grad():
        for step, n in ((9, 8), (10, 12)):
            out: Played = table.game.generate(BATCH, step)
            assert out.out.samples.shape == out.recorded.shape == (4, 1, n * HOP)
            assert out.mel.shape == (4, 24, n)


def test_the_mel_of_a_slice_is_cut_where_its_samples_are() -> None:
    """A burst in one frame is loudest in the same frame of the slice's samples and of its mel."""
    table = vits2_table(settings=replace(SETTINGS, segment_frames=20))
    batch = whole(ITEMS, hop=HOP)
    batch.samples.mul_(1e-4)
    batch.samples[:, 15 * HOP : 16 * HOP] += 0.5
    with torch.no_grad():
        out: Played = table.game.generate(batch, 0)
    energy = out.recorded[:, 0].view(4, 20, HOP).pow(2).sum(2)
    assert torch.equal(energy.argmax(1), 15 - out.out.slice_starts)
    assert torch.equal(out.mel.sum(1).argmax(1), 15 - out.out.slice_starts)


# ---- noise of the alignment (2.2) ------------------------------------------------------------------------------------


@contextmanager
def alignments_seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Tensor, float]]]:
    """The noise and the scale of each alignment of a game, as they are searched for."""
    seen: list[tuple[Tensor, float]] = []
    aligned = game_module.noisy_alignment

    def spy(value: Tensor, mask: Tensor, *, noise: Tensor, scale: float) -> Tensor:
        seen.append((noise, scale))
        return aligned(value, mask, noise=noise, scale=scale)

    with monkeypatch.context() as patch:
        patch.setattr(game_module, "noisy_alignment", spy)
        yield seen


def test_the_published_noise_is_gone_after_5000_steps() -> None:
    recipe = Vits2Recipe(data=DataConfig(shards="none"), run=RunConfig(steps=1))
    scales = [value_at(recipe.alignment_noise, step) for step in (0, 3000, 5000, 20_000)]
    assert scales == pytest.approx([0.01, 0.004, 0.0, 0.0], abs=1e-9)
    assert scales[2:] == [0.0, 0.0]


def test_the_step_decides_how_much_noise_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    table = vits2_table()
    with alignments_seen(monkeypatch) as seen, torch.no_grad():
        for step in (0, 3000, 5000, 20_000):
            table.game.generate(BATCH, step)
    assert [scale for _, scale in seen] == pytest.approx([0.01, 0.004, 0.0, 0.0])


def test_noise_is_that_of_an_item_whatever_its_batch_and_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a run that is resumed, or computed in parts, aligns as one that was not."""
    first = vits2_table()
    with alignments_seen(monkeypatch) as seen, torch.no_grad():
        for batch in (BATCH, padded(BATCH, hop=HOP), PARTS[1]):
            torch.manual_seed(len(seen))
            first.game.generate(batch, 3000)
        torch.manual_seed(99)
        vits2_table().game.generate(BATCH, 3000)
    (of_batch, _), (of_padded, _), (of_part, _), (again, _) = seen
    assert torch.equal(again, of_batch)
    for item in range(4):
        real = slice(0, BATCH.n_tokens[item]), slice(0, BATCH.n_frames[item])
        assert torch.equal(of_padded[item][real], of_batch[item][real])
        assert of_batch[item][real].std() == pytest.approx(1.0, abs=0.25)
    assert torch.equal(
        of_part[0][: BATCH.n_tokens[1], : BATCH.n_frames[1]], of_batch[1][: BATCH.n_tokens[1], : BATCH.n_frames[1]]
    )


def test_noise_makes_other_paths_and_its_end_the_best_one() -> None:
    table = vits2_table(settings=replace(SETTINGS, alignment_noise=From(step=0, value=1.0)))
    with torch.no_grad():
        noisy = table.game.generate(BATCH, 0).out.explained
        best = vits2_table().game.generate(BATCH, 5000).out.explained
    assert torch.equal(noisy.durations.sum(1), best.durations.sum(1))
    assert not torch.equal(noisy.durations, best.durations)


def test_noise_on_the_alignment_leaves_all_that_is_not_aligned_as_it_was() -> None:
    with torch.no_grad():
        one, two = (vits2_table().game.generate(BATCH, step).out for step in (0, 5000))
    assert torch.equal(one.explained.z_p, two.explained.z_p)
    assert torch.equal(one.explained.hidden, two.explained.hidden)


def test_an_evaluation_knows_no_noise_of_the_alignment(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = whole(ITEMS[:1], hop=HOP)
    subject = Vits2Subject(small(QUIET, n_languages=2))
    spec = linear_spectrogram(batch.samples, QUIET.spectrogram)
    found: list[Tensor] = []

    def spy(value: Tensor, mask: Tensor) -> Tensor:
        found.append(monotonic_alignment(value, mask))
        return found[-1]

    monkeypatch.setattr("sonorant.models.vits2.evaluate.monotonic_alignment", spy)
    with torch.no_grad():
        first = subject.reconstruct(batch, spec)
        torch.manual_seed(5)
        second = subject.reconstruct(batch, spec)
    assert len(found) == 2
    assert torch.equal(first.durations, found[0])
    assert torch.equal(first.samples, second.samples)
    assert torch.equal(first.durations, second.durations)
    assert first.kl_per_frame == second.kl_per_frame


# ---- the divergence of a flow that stretches -------------------------------------------------------------------------


def test_a_prior_stretched_with_the_latent_diverges_no_more() -> None:
    """Doubled z_p, prior mean and prior deviation name the same densities: the log-determinant makes up for it."""
    with torch.no_grad():
        seen = vits2_table().game.generate(BATCH, 5000).out.explained
    assert seen.log_det == 0.0
    doubled = replace(
        seen,
        z_p=2 * seen.z_p,
        prior_mean=2 * seen.prior_mean,
        prior_log_std=seen.prior_log_std + math.log(2) * seen.frame_mask,
        log_det=QUIET.d_latent * math.log(2),
    )
    torch.testing.assert_close(kl(doubled), kl(seen), rtol=1e-4, atol=1e-3)
    forgotten = kl(replace(doubled, log_det=0.0))
    per_frame = (forgotten - kl(seen)) / torch.tensor(BATCH.n_frames)
    torch.testing.assert_close(per_frame, torch.full((4,), QUIET.d_latent * math.log(2)), rtol=1e-4, atol=1e-4)


def test_a_doubling_flow_says_its_determinant_to_the_divergence() -> None:
    table = vits2_table(DOUBLING)
    with torch.no_grad():
        out = table.game.generate(BATCH, 5000)
        per_frame = float(table.game.judged(BATCH, out, frozenset({"kl"}))["kl"])
        explained = out.out.explained
    assert explained.log_det == pytest.approx(2 * DOUBLING.d_latent * math.log(2))
    without = float(kl(replace(explained, log_det=0.0)).sum()) / BATCH.totals.frames
    assert without - per_frame == pytest.approx(explained.log_det, rel=1e-4)


# ---- the schedule of the learning rate -------------------------------------------------------------------------------


def test_the_rate_follows_its_schedule_and_is_logged() -> None:
    decaying = OptimizerConfig(learning_rate=Exponential(value=1e-3, gamma=0.5))
    table = vits2_table(optimizer=decaying)
    reports = [table.step([BATCH], step) for step in range(3)]
    for player in ("generator", "discriminator"):
        assert [report[f"rate/{player}"] for report in reports] == pytest.approx([1e-3, 5e-4, 2.5e-4])
    assert [group["lr"] for group in table.generator.optimizer.param_groups] == [pytest.approx(2.5e-4)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("alignment_noise=-0.1", "alignment_noise is -0.1: it must not be below 0"),
        ("alignment_noise={kind: linear, start: 0, end: 10, first: 0.1, last: -0.1}", "alignment_noise is -0.1"),
        ("mel.n_mels=4000", "mel band 0 of 4000"),
        ("segment_frames=0", "segment_frames is 0.0: it must be a whole number"),
        ("segment_frames=2", "segment_frames is 2, which at a hop of .* samples, but .* needs .* at least . frames"),
        ("segment_frames={kind: steps, changes: [9], values: [64, 1]}", "segment_frames is 1, which at a hop"),
        ("average_decay=1", "average_decay is 1.0"),
        ("losses.mel=.inf", "losses.mel is inf: it must be a number"),
        ("durations.losses.duration=.nan", "durations.losses.duration is nan: it must be a number"),
        ("durations.batch_items=0", "batch_items is 0: it must be at least 1"),
    ],
)
def test_settings_that_cannot_train_are_refused_before_anything_is_done(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(Vits2Recipe, override(read_yaml(DEBUG), ["data.manifest=x", setting]), source="debug")
