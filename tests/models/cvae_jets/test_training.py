"""Laws of the training step of CVAE-JETS, on a model so small that they are quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.distributions import Normal

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, energy_db, linear_spectrogram, mel_spectrogram
from sonorant.losses.spectral import StftLossConfig
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.evaluate import CvaeJetsSubject, watched
from sonorant.models.cvae_jets.game import CvaeJetsGame, GameSettings
from sonorant.models.cvae_jets.losses import TERMS, duration_error, kl
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.cvae_jets.recipe import CvaeJetsRecipe
from sonorant.models.slices import terms_of
from sonorant.nn.discriminators import DiscriminatorConfig, Discriminators
from sonorant.nn.frame_discriminators import FrameDiscriminatorConfig, FrameResolution
from sonorant.nn.harmonic_head import HarmonicHead, HarmonicHeadConfig
from sonorant.training.optim import Player
from sonorant.training.schedule import Linear, Schedule, value_at
from sonorant.training.tracker import Exhibits
from tests.models.batches import N_SYMBOLS, examples, padded, split, whole
from tests.models.cvae_jets.small import HOP, JETS, SMALL, small
from tests.models.cvae_jets.test_model import train_pass
from tests.models.table import PLAIN, Table, check_means

DISCRIMINATORS = DiscriminatorConfig(
    periods=(2, 5),
    period_channels=(4, 8),
    scale=None,
    frames=FrameDiscriminatorConfig(resolutions=(FrameResolution(n_fft=128, hop=32),), channels=(8,)),
)
LOSSES: Mapping[str, Schedule] = {**dict.fromkeys(TERMS, 1.0), "mel": 45.0, "feature": 2.0}
ITEMS = [
    replace(item, pitch=150 + 30 * torch.sin(torch.arange(len(item.samples) // HOP) / 5.0))
    for item in examples(hop=HOP, n_languages=2)
]
BATCH = whole(ITEMS, hop=HOP)
PARTS = split(ITEMS, hop=HOP)
HARMONIC = replace(
    SMALL,
    decoder=HarmonicHeadConfig(d=16, d_filter=24, n_fft=256, hop=HOP, d_pitch=8),
)
both = pytest.mark.parametrize("cfg", [SMALL, JETS, HARMONIC], ids=["cvae-jets", "jets", "harmonic"])


def quiet(cfg: CvaeJetsConfig) -> CvaeJetsConfig:
    """Without dropout, which parts of a batch and padding would change."""
    still = replace(cfg.duration, dropout=0.0)
    return replace(
        cfg,
        text_encoder=replace(cfg.text_encoder, dropout=0.0),
        duration=still,
        pitch=replace(cfg.pitch, predictor=still),
        energy=replace(cfg.energy, predictor=still),
    )


def table(
    cfg: CvaeJetsConfig = SMALL,
    *,
    losses: Mapping[str, Schedule] = LOSSES,
    softness: Schedule = 0.5,
    gain_db: float = 0.0,
) -> Table:
    torch.manual_seed(0)
    terms = terms_of(TERMS, cfg.decoder)
    losses = {**losses, **dict.fromkeys(set(terms) - set(TERMS), 10.0)}
    settings = GameSettings(
        terms=terms,
        spectrogram=SMALL.spectrogram,
        mel=MelConfig(n_mels=24),
        spectral=StftLossConfig(resolutions=(SpectrogramConfig(sample_rate_hz=16_000, n_fft=128, hop=32, win=128),)),
        segment_frames=8,
        softness=softness,
        level=cfg.level,
        gain_db=gain_db,
    )

    def game(fabric: Fabric, generator: Player, discriminator: Player) -> CvaeJetsGame:
        return CvaeJetsGame(fabric, generator, discriminator, settings=settings)

    network = CvaeJets(quiet(cfg), N_SYMBOLS, 3, 2)
    return Table(network, Discriminators(DISCRIMINATORS), game, losses, generator=PLAIN, discriminator=PLAIN)


@both
def test_padding_changes_no_term(cfg: CvaeJetsConfig) -> None:
    at = table(cfg)
    before = at.terms(BATCH)
    assert before.keys() == {*terms_of(TERMS, cfg.decoder), "loss"}
    wide = padded(BATCH, hop=HOP)
    wide = replace(wide, pitch=torch.nn.functional.pad(BATCH.pitch, (0, 20), value=400.0))
    assert at.terms(wide) == pytest.approx(before, rel=1e-3)


@both
def test_the_terms_of_a_batch_are_the_sums_of_its_parts(cfg: CvaeJetsConfig) -> None:
    at = table(cfg)
    of_parts = [at.terms(part) for part in PARTS]
    for name, value in at.terms(BATCH).items():
        assert sum(part[name] for part in of_parts) == pytest.approx(value, rel=1e-3), name


@both
def test_a_step_is_the_same_in_one_part_and_in_several(cfg: CvaeJetsConfig) -> None:
    one, two = table(cfg), table(cfg)
    report = one.step([BATCH], 0)
    assert two.step(PARTS, 0) == pytest.approx(report, rel=1e-2)
    for name, value in one.weights().items():
        torch.testing.assert_close(two.weights()[name], value, atol=2e-4, rtol=0, msg=name)


@both
def test_every_weight_that_learns_moves(cfg: CvaeJetsConfig) -> None:
    at = table(cfg)
    before = {name: value.clone() for name, value in at.weights().items()}
    at.step([BATCH], 0)
    still = {name for name, value in at.weights().items() if torch.equal(value, before[name])}
    learning = {name for name, p in at.generator.network.named_parameters() if p.requires_grad}
    # Of bins only those that occur are looked up; but the table is one weight.
    assert not still & {f"generator/{name}" for name in learning}


@both
def test_what_waits_for_its_weight_is_computed_so_that_every_weight_has_a_gradient(cfg: CvaeJetsConfig) -> None:
    """Processes that share gradients wait for one of every weight, at every step."""
    losses = {**LOSSES, "mel": 0.0, "binarization": 0.0, "adversarial": 0.0, "feature": 0.0}
    at = table(cfg, losses=losses)
    at.step([BATCH], 0)
    network = at.generator.network.requires_grad_(True)
    terms = at.game.judged(
        BATCH, at.game.generate(BATCH, 0), frozenset({*at.game.terms} - {"mel", "adversarial", "feature"})
    )
    sum(terms.values()).backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


def test_the_divergence_knows_posterior_from_prior() -> None:
    """Public code permutes the two twice, which cancels out; here an exchange would be another number."""
    out = train_pass(small(SMALL)).explained
    latents = out.latents
    posterior, prior = (
        Normal(mean, log_std.exp())
        for mean, log_std in (
            (latents.posterior.mean, latents.posterior.log_std),
            (latents.prior_mean, latents.prior_log_std),
        )
    )
    assert not torch.allclose(latents.posterior.log_std, latents.prior_log_std, atol=0.1)
    expected = ((-posterior.entropy() - prior.log_prob(latents.z_p)) * out.frame_mask).sum(dim=(1, 2))
    torch.testing.assert_close(kl(out), expected, rtol=1e-4, atol=1e-3)
    assert not kl(replace(out, latents=None)).any()


@both
def test_each_term_is_a_mean_over_what_it_is_a_sum_of(cfg: CvaeJetsConfig) -> None:
    """Of items, frames or tokens: of these each item has a ratio of its own."""
    at = table(cfg)
    alone = [whole([item], hop=HOP) for item in ITEMS]
    assert len({one.totals.frames / one.totals.tokens for one in alone}) == len(ITEMS)
    frames, positions = ("kl", "forward_sum", "binarization"), ("pitch", "voicing", "energy")
    of = {**dict.fromkeys(frames, "frames"), **dict.fromkeys(positions, f"{cfg.level}s"), "duration": "tokens"}
    check_means(at, BATCH, alone, of=of, rel=2e-3)


def test_durations_teach_the_encoder_too() -> None:
    network = small(SMALL).train()
    duration_error(train_pass(network).explained).sum().backward()
    assert network.text_encoder.embedding.weight.grad.abs().sum() > 0


def test_behind_an_items_end_its_mel_is_that_of_silence() -> None:
    """Whatever its last window hears of what comes after."""
    item = ITEMS[0]
    short = replace(item, tokens=item.tokens[:3], samples=item.samples[: 5 * HOP], pitch=item.pitch[:5])
    played = table().game.generate(padded(whole([short], hop=HOP), hop=HOP), 0)
    silent = linear_spectrogram(torch.zeros(1, 8 * HOP), SMALL.spectrogram)
    expected = mel_spectrogram(silent, SMALL.spectrogram, MelConfig(n_mels=24))
    torch.testing.assert_close(played.mel[0, :, 5:], expected[0, :, 5:])
    assert not torch.allclose(played.mel[0, :, :5], expected[0, :, :5])


def test_a_decoder_is_told_the_pitch_of_its_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Tensor] = []
    learn = HarmonicHead.learn

    def spy(self: HarmonicHead, *arguments: Tensor, pitch_hz: Tensor, **named: Tensor) -> object:
        told.append(pitch_hz)
        return learn(self, *arguments, pitch_hz=pitch_hz, **named)

    monkeypatch.setattr(HarmonicHead, "learn", spy)
    played = table(HARMONIC).game.generate(BATCH, 0)
    starts = played.out.slice_starts.tolist()
    assert any(starts)
    for item, start in enumerate(starts):
        assert torch.equal(told[0][item], BATCH.pitch[item, start : start + 8])


def test_steps_change_softness_and_weights_where_the_public_code_has_them() -> None:
    recipe = CvaeJetsRecipe(data={"manifest": "m.jsonl"}, run={"steps": 300_000})
    assert [value_at(recipe.softness, step) for step in (0, 5_999, 6_000, 28_000)] == [1, 1, 0, 0]
    weights = [value_at(recipe.losses["binarization"], step) for step in (0, 18_000, 23_000, 28_000, 90_000)]
    assert weights == [0, 0, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"softness": 1.5}, r"softness is 1\.5: it must lie in 0 to 1"),
        ({"losses": {"spectral": 0.0}}, r"losses\.mel and losses\.spectral are both 0"),
        ({"segment_frames": 0}, "segment_frames is 0"),
        ({"gain_db": -1.0}, "gain_db is -1"),
    ],
)
def test_recipes_that_are_none_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CvaeJetsRecipe(data={"manifest": "m.jsonl"}, run={"steps": 1}, **change)


def test_recordings_are_heard_louder_or_softer_each_by_its_own_draw() -> None:
    """So is the slice that they are compared with."""
    at = table(gain_db=6.0)
    heard: list[Tensor] = []
    at.generator.network.register_forward_pre_hook(lambda _, given: heard.append(given[2]))
    played, again = at.game.generate(BATCH, 0), at.game.generate(BATCH, 0)
    recorded = linear_spectrogram(BATCH.samples, SMALL.spectrogram, BATCH.frame_lengths * HOP)
    gains_db = (energy_db(heard[0]) - energy_db(recorded)).amax(dim=(1, 2))
    assert (gains_db.abs() <= 6.0).all()
    assert gains_db.min() < -0.5
    assert gains_db.max() > 0.5
    torch.testing.assert_close(heard[0], heard[1])
    torch.testing.assert_close(played.recorded, again.recorded)
    starts, n = played.out.slice_starts * HOP, played.recorded.shape[2]
    slices = torch.stack([BATCH.samples[item, start : start + n] for item, start in enumerate(starts)])
    torch.testing.assert_close(played.recorded[:, 0], slices * 10 ** (gains_db / 20).unsqueeze(1), atol=1e-4, rtol=1e-3)


def test_an_evaluation_decodes_the_posteriors_mean_but_draws_for_the_divergence() -> None:
    """Of the mean alone the divergence would come out too low by half a nat for each channel of a sharp prior."""
    subject = CvaeJetsSubject(small(quiet(SMALL), n_languages=2))
    batch = whole(ITEMS[:1], hop=HOP)
    spec = linear_spectrogram(batch.samples, SMALL.spectrogram)
    with torch.no_grad():
        first = subject.reconstruct(batch, spec)
        second = subject.reconstruct(replace(batch, seeds=(99,)), spec)
    assert torch.equal(first.samples, second.samples)
    assert first.kl_per_frame != second.kl_per_frame


def test_a_path_where_there_is_no_alignment_yet_is_told_once_frames_hear_it() -> None:
    own_weights = {1: 0.2, 2: 0.2, 3: 0.5, 4: 0.49}
    evaluate = watched(
        lambda _, step: Exhibits({"own_weight": own_weights[step]}, told=("one was left out",)),
        Linear(start=1, end=3, first=1.0, last=0.0),
    )
    told = {step: evaluate(torch.nn.Identity(), step).told for step in own_weights}
    assert [len(lines) for lines in told.values()] == [1, 2, 1, 2]
    assert told[1] == ("one was left out",)
    assert "hear 0.20 of their own token (own_weight), expected 0.5 and above, while softness is 0.5" in told[2][1]
    assert evaluate(torch.nn.Identity(), 4).metrics == {"own_weight": 0.49}
