"""Laws of the training step of NaturalSpeech, on a model so small that they are quick."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig
from sonorant.errors import ConfigError
from sonorant.losses.adversarial import generator_loss
from sonorant.losses.divergence import gaussian_kl, pairwise_kl
from sonorant.losses.soft_dtw import soft_dtw
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.game import GameSettings, NaturalSpeechGame, Played
from sonorant.models.naturalspeech.labels import Labels
from sonorant.models.naturalspeech.losses import (
    TERMS,
    FrameByFrame,
    SoftlyWarped,
    backward_divergence,
    duration_error,
    forward_divergence,
)
from sonorant.models.naturalspeech.model import Imagined, NaturalSpeech, NaturalSpeechOutput
from sonorant.models.naturalspeech.recipe import taught_by
from sonorant.models.naturalspeech.training import check_learners
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig, FrameResolution
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.nn.posterior import Posterior
from sonorant.training.optim import Player
from sonorant.training.schedule import Linear, Schedule
from sonorant.training.terms import weighted_sum, weights_at
from tests.models.batches import N_SYMBOLS, examples, padded, pitched, share_evenly, split, whole
from tests.models.naturalspeech.small import HOP, SMALL, small
from tests.models.naturalspeech.test_model import train_pass
from tests.models.table import PLAIN, Table, check_means

# No dropout, which parts of a batch and padding would change.
QUIET = replace(
    SMALL, text_encoder=replace(SMALL.text_encoder, dropout=0.0), duration=replace(SMALL.duration, dropout=0.0)
)
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
LOSSES: Mapping[str, Schedule] = {
    "mel": 45.0,
    "spectral": 1.0,
    "kl": 1.0,
    "kl_forward": 0.5,
    "duration": 5.0,
    "adversarial": 1.0,
    "feature": 2.0,
    "end_to_end": 0.5,
}
WARM = GameSettings(
    spectrogram=SMALL.spectrogram,
    mel=MelConfig(n_mels=24),
    spectral=StftLossConfig(resolutions=(SpectrogramConfig(sample_rate_hz=16_000, n_fft=128, hop=32, win=128),)),
    divergence=FrameByFrame(),
    segment_frames=8,
    predicted=0.0,
    memory_share=0.5,
    losses=LOSSES,
)
MAIN = replace(WARM, divergence=SoftlyWarped(band=None), predicted=0.5)
ITEMS = pitched(examples(hop=HOP, n_languages=2), hop=HOP)
BATCH = whole(ITEMS, hop=HOP)
PARTS = split(ITEMS, hop=HOP)
both = pytest.mark.parametrize("settings", [WARM, MAIN], ids=["warm", "main"])


def labels() -> Labels:
    found = {}
    for item in ITEMS:
        n = len(item.samples) // HOP
        found[item.id] = share_evenly(torch.zeros(1, len(item.tokens), n), torch.ones(1, len(item.tokens), n))[0]
    return Labels(found)


def table(
    settings: GameSettings = WARM, *, losses: Mapping[str, Schedule] = LOSSES, cfg: NaturalSpeechConfig = QUIET
) -> Table:
    torch.manual_seed(0)

    def game(fabric: Fabric, generator: Player, discriminator: Player) -> NaturalSpeechGame:
        own = replace(settings, losses=losses)
        return NaturalSpeechGame(fabric, generator, discriminator, settings=own, labels=labels())

    network = NaturalSpeech(cfg, N_SYMBOLS, 3, 2)
    return Table(network, Discriminators(DISCRIMINATORS), game, losses, generator=PLAIN, discriminator=PLAIN)


@both
def test_padding_changes_no_term(settings: GameSettings) -> None:
    at = table(settings)
    before = at.terms(BATCH)
    assert before.keys() == {*LOSSES, "loss", "loss_end_to_end"}
    assert at.terms(padded(BATCH, hop=HOP)) == pytest.approx(before, rel=1e-4)


def test_a_decoder_that_finds_the_pitch_learns_it_of_recordings_alone() -> None:
    at = table(MAIN, losses={**LOSSES, "source": 10.0}, cfg=HARMONIC)
    before = at.terms(BATCH)
    assert before["source"] > 0
    assert at.terms(padded(BATCH, hop=HOP)) == pytest.approx(before, rel=2e-3)
    at.step([BATCH], 0)
    network = at.generator.network.requires_grad_(True)
    at.game.judged(BATCH, at.game.generate(BATCH, 0), frozenset({"source"}))["source"].backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {"speaker", "posterior", "memory", "decoder"}


@both
def test_the_terms_of_a_batch_are_the_sums_of_its_parts(settings: GameSettings) -> None:
    at = table(settings)
    of_parts = [at.terms(part) for part in PARTS]
    for name, value in at.terms(BATCH).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=1e-4), name


@both
def test_a_step_is_the_same_in_one_part_and_in_several(settings: GameSettings) -> None:
    one, two = table(settings), table(settings)
    report = one.step([BATCH], 0)
    assert two.step(PARTS, 0) == pytest.approx(report, rel=1e-3)
    for name, value in one.weights().items():
        torch.testing.assert_close(two.weights()[name], value, atol=2e-4, rtol=0, msg=name)


@both
def test_each_term_is_a_mean_over_what_it_is_a_sum_of(settings: GameSettings) -> None:
    """Of items, frames or tokens: of these an item has its own ratio."""
    at, batch = table(settings), BATCH
    alone = [whole([item], hop=HOP) for item in ITEMS]
    of = {**dict.fromkeys(("kl", "kl_forward"), "frames"), "duration": "tokens"}
    ratios = {(one.totals.frames / one.totals.items, one.totals.tokens / one.totals.items) for one in alone}
    assert len(ratios) == len(ITEMS)
    check_means(at, batch, alone, of=of, rel=1e-3)


def test_what_is_imagined_weighs_alike_on_both_sides_of_the_game() -> None:
    terms = {}
    for weight in (0.25, 0.5):
        at = table(MAIN, losses={**LOSSES, "end_to_end": weight, "adversarial": 2 * weight})
        terms[weight] = at.terms(BATCH)
        played = at.game.generate(BATCH, 0)
        with torch.no_grad():
            judged = at.discriminator.network(played.out.imagined.samples)
        assert terms[weight]["end_to_end"] == pytest.approx(float(generator_loss(judged).mean()), rel=1e-4)
    for name in ("loss", "loss_end_to_end"):
        assert terms[0.5][name] == pytest.approx(2 * terms[0.25][name], rel=1e-5)


def test_the_mel_of_a_slice_is_cut_where_its_samples_are() -> None:
    """A burst in one frame is loudest in the same frame of the slice's samples and of its mel."""
    at, batch = table(replace(MAIN, segment_frames=20)), whole(ITEMS, hop=HOP)
    starts = at.game.generate(batch, 0).out.slice_starts.tolist()
    assert len(set(starts)) > 1
    batch.samples.mul_(1e-4)
    for samples, start in zip(batch.samples, starts, strict=True):
        samples[(start + 7) * HOP : (start + 8) * HOP] += 0.5
    played = at.game.generate(batch, 0)
    energy = played.recorded[:, 0].view(len(ITEMS), 20, HOP).pow(2).sum(2)
    assert energy.argmax(1).tolist() == [7] * len(ITEMS)
    assert played.mel.sum(1).argmax(1).tolist() == [7] * len(ITEMS)


def test_every_weight_that_learns_moves() -> None:
    at = table(MAIN)
    before = {name: value.clone() for name, value in at.weights().items()}
    at.step([BATCH], 0)
    still = {name for name, value in at.weights().items() if torch.equal(value, before[name])}
    learning = {name for name, p in at.generator.network.named_parameters() if p.requires_grad}
    assert not still & {f"generator/{name}" for name in learning}


def test_what_has_no_weight_is_not_computed() -> None:
    losses = {**dict.fromkeys(TERMS, 0.0), "mel": 1.0}
    report = table(losses=losses).step([BATCH], 0)
    assert {name for name in report if name.startswith("generator/")} == {"generator/mel", "generator/total"}
    assert not any(name.startswith("discriminator/") for name in report)


def test_what_waits_for_its_weight_is_computed_so_that_every_weight_has_a_gradient() -> None:
    """Processes that share gradients wait for one of every weight, at every step."""
    losses = {**LOSSES, "kl": Linear(start=0, end=10, first=0.0, last=1.0), "adversarial": 0.0, "feature": 0.0}
    losses = {**losses, "end_to_end": 0.0, "kl_forward": 0.0}
    at = table(losses=losses)
    wanted = weights_at(losses, 0, optional=at.game.optional)
    assert wanted.keys() == {"mel", "spectral", "kl", "duration"}
    network = at.generator.network.requires_grad_(True)
    terms = at.game.judged(BATCH, at.game.generate(BATCH, 0), frozenset(wanted))
    weighted_sum(terms, wanted).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert not [name for name in without if not name.startswith("memory.")]


def test_features_are_compared_by_discriminators_that_learn() -> None:
    losses = {**dict.fromkeys(TERMS, 0.0), "mel": 1.0, "feature": 2.0}
    report = table(losses=losses).step([BATCH], 0)
    assert "discriminator/loss" in report
    assert "generator/feature" in report


def test_tuning_is_played_on_what_is_imagined_alone() -> None:
    losses = {**dict.fromkeys(TERMS, 0.0), "end_to_end": 1.0}
    report = table(MAIN, losses=losses).step([BATCH], 0)
    terms = {name for name in report if "/" in name and not name.startswith(("norm", "rate"))}
    assert terms == {
        "discriminator/loss_end_to_end",
        "discriminator/total",
        "generator/end_to_end",
        "generator/total",
    }


def test_the_share_of_the_memory_follows_its_schedule() -> None:
    at = table(replace(WARM, memory_share=Linear(start=0, end=10, first=0.0, last=1.0)))
    memory = at.generator.network.memory
    for step, share in ((0, 0.0), (5, 0.5), (20, 1.0)):
        at.game.generate(BATCH, step)
        assert float(memory.share) == pytest.approx(share)


def test_as_many_items_last_as_predicted_as_the_schedule_says() -> None:
    def lengths(share: float) -> list[int]:
        played: Played = table(replace(MAIN, predicted=share)).game.generate(BATCH, 0)
        return played.out.prior_lengths.tolist()

    labelled, predicted = lengths(0.0), lengths(1.0)
    assert labelled == [len(item.samples) // HOP for item in ITEMS]
    assert all(a != b for a, b in zip(labelled, predicted, strict=True))
    assert all(n in (a, b) for n, a, b in zip(lengths(0.5), labelled, predicted, strict=True))


# ---- the divergences -------------------------------------------------------------------------------------------------


def matched(n_items: int = 400) -> NaturalSpeechOutput:
    """A prior that is the posterior, behind a flow that is the identity."""
    generator = torch.Generator().manual_seed(0)
    out = train_pass(small(), slice(0, 1))
    mean, log_std = (torch.randn(n_items, 8, 40, generator=generator) * scale for scale in (1.0, 0.3))
    draws = [mean + torch.randn(mean.shape, generator=generator) * log_std.exp() for _ in range(2)]
    mask = torch.ones(n_items, 1, 40)
    return replace(
        out,
        posterior=Posterior(z=draws[0], mean=mean, log_std=log_std),
        z_p=draws[0],
        prior=replace(out.prior, mean=mean, log_std=log_std),
        frame_mask=mask,
        prior_mask=mask,
        imagined=Imagined(z=draws[1], samples=out.samples),
    )


def test_of_a_prior_that_is_the_posterior_both_divergences_are_zero_on_average() -> None:
    out = matched()
    for divergence in (backward_divergence, forward_divergence):
        per_frame = divergence(out, FrameByFrame()) / 40
        assert float(per_frame.mean()) == pytest.approx(0.0, abs=5 * float(per_frame.std()) / 20)


def test_the_forward_divergence_is_that_of_the_prior_from_the_posterior() -> None:
    out = matched(4000)
    other = replace(out.posterior, mean=out.posterior.mean + 0.5, log_std=out.posterior.log_std + 0.2)
    found = forward_divergence(replace(out, posterior=other), FrameByFrame())
    exact = gaussian_kl(
        posterior_mean=out.prior.mean,
        posterior_log_std=out.prior.log_std,
        prior_mean=other.mean,
        prior_log_std=other.log_std,
        mask=out.prior_mask,
    )
    assert float(found.mean()) == pytest.approx(float(exact.mean()), rel=0.01)


def test_behind_a_flow_that_stretches_both_divergences_count_its_volume() -> None:
    """Everything twice as wide on the prior's side: it is the same distribution still."""
    out, log_two = matched(), float(torch.log(torch.tensor(2.0)))
    prior = replace(out.prior, mean=2 * out.prior.mean, log_std=out.prior.log_std + log_two)
    wide = replace(out, z_p=2 * out.z_p, prior=prior, log_det=8 * log_two)
    for divergence in (backward_divergence, forward_divergence):
        per_frame = divergence(wide, FrameByFrame()) / 40
        assert float(per_frame.mean()) == pytest.approx(0.0, abs=5 * float(per_frame.std()) / 20)


def test_a_warped_divergence_weighs_paths_as_the_paper_does() -> None:
    """The paper's softness is for the mean over channels, of which there are eight here; its warp for 192."""
    out = train_pass(small(), predicted=True)
    rows, columns = out.prior_mask.sum(dim=(1, 2)).long(), out.frame_mask.sum(dim=(1, 2)).long()
    assert not torch.equal(rows, columns)
    cost = pairwise_kl(
        out.z_p,
        out.posterior.log_std,
        out.prior.mean,
        out.prior.log_std,
        z_mask=out.frame_mask,
        mean_mask=out.prior_mask,
    )
    expected = 8 * soft_dtw(cost / 8, rows, columns, gamma=0.01, warp=0.07 * math.sqrt(192 / 8))
    torch.testing.assert_close(backward_divergence(out, SoftlyWarped(band=None)), expected)


@pytest.mark.parametrize("predicted", [0.0, 1.0], ids=["as labelled", "as predicted"])
@pytest.mark.parametrize("share", [0.0, 0.5], ids=["no memory", "memory"])
def test_each_term_teaches_the_parts_that_it_is_said_to(predicted: float, share: float) -> None:
    losses = {**dict.fromkeys(TERMS, 1.0), "source": 1.0}
    at = table(replace(MAIN, predicted=predicted, memory_share=share), losses=losses, cfg=HARMONIC)
    at.step([BATCH], 0)  # what begins at zero lets no gradient through
    network = at.generator.network.requires_grad_(True)
    found = {}
    for name in TERMS:
        network.zero_grad()
        played = at.game.generate(BATCH, 0)
        terms = at.game.judged(BATCH, played, frozenset({name}))
        terms[name].backward()
        has_gradient = {part for part, p in network.named_parameters() if p.grad is not None and p.grad.any()}
        found[name] = {part.split(".")[0] for part in has_gradient}
    reached = taught_by(is_predicted=predicted > 0, is_remembered=share > 0)
    assert found == {name: set(parts) for name, parts in reached.items()}


@pytest.mark.parametrize("divergence", [backward_divergence, forward_divergence])
def test_equally_long_and_stiff_a_warped_divergence_is_the_one_frame_by_frame(divergence) -> None:  # type: ignore[no-untyped-def]
    out = train_pass(small())
    stiff = SoftlyWarped(gamma=1e-6, warp=1e6, band=None)
    torch.testing.assert_close(divergence(out, stiff), divergence(out, FrameByFrame()), atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize("divergence", [backward_divergence, forward_divergence])
def test_what_predicted_durations_make_can_be_held_against_the_recording(divergence) -> None:  # type: ignore[no-untyped-def]
    model = small()
    out = train_pass(model, predicted=True)
    found = divergence(out, SoftlyWarped())
    assert bool(torch.isfinite(found).all())
    found.sum().backward()
    gradient = model.duration.output.weight.grad
    assert gradient is not None
    assert float(gradient.abs().sum()) > 0


def test_the_duration_error_counts_real_tokens_and_a_token_without_frames_as_half_a_one() -> None:
    out = train_pass(small())
    labels_ = torch.exp(out.log_duration.detach()).squeeze(1) * out.token_mask[:, 0]
    labels_ = labels_.clamp(min=0.5)
    same = replace(out, log_duration=torch.log(labels_).unsqueeze(1))
    torch.testing.assert_close(duration_error(same, labels_), torch.zeros(3))
    none = duration_error(replace(same, log_duration=torch.zeros_like(same.log_duration)), torch.zeros_like(labels_))
    torch.testing.assert_close(none, torch.tensor([9.0, 1.0, 5.0]) * torch.log(torch.tensor(0.5)).square())


def test_a_stage_whose_parts_hold_no_weights_is_refused() -> None:
    """As that of speakers, where there is one."""
    check_learners(small(n_speakers=2), ["speaker"], source="tune.trains")
    check_learners(small(n_speakers=1), ["speaker", "duration"], source="tune.trains")
    with pytest.raises(
        ConfigError, match=r"tune\.trains is \['speaker'\], but .* nothing to learn there; it has .*flow"
    ):
        check_learners(small(n_speakers=1), ["speaker"], source="tune.trains")
