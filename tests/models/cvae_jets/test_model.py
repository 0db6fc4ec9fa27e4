"""Laws of the network of CVAE-JETS, and of JETS as another setting of it."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.audio.spectrogram import energy_db, linear_spectrogram
from sonorant.errors import ConfigError, ParameterError
from sonorant.models import Purpose, Synthesis
from sonorant.models.cvae_jets.align import aligner_in
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.convert import converter_in
from sonorant.models.cvae_jets.curves import Statistics, semitones
from sonorant.models.cvae_jets.losses import duration_error
from sonorant.models.cvae_jets.model import CvaeJets, CvaeJetsOutput
from sonorant.models.prosody import Prosody
from sonorant.nn import excitation
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.nn.latent import ItemNoise
from sonorant.nn.variance import BinsConfig, Contour, ContourLoss, DirectContour
from tests.models.batches import N_SYMBOLS
from tests.models.cvae_jets.small import DIRECT, HOP, JETS, SMALL, small
from tests.nn.random_weights import normal

MAKES = {"wavelets": (SMALL, 3), "curves": (DIRECT, 3), "one speaker": (SMALL, 1), "jets": (JETS, 3)}
make = pytest.mark.parametrize(("cfg", "n_speakers"), MAKES.values(), ids=MAKES.keys())
settings = pytest.mark.parametrize("cfg", [SMALL, DIRECT, JETS], ids=["wavelets", "curves", "jets"])

TOKENS = torch.randint(0, N_SYMBOLS, (3, 9), generator=torch.Generator().manual_seed(2))
N_TOKENS = [9, 1, 5]
N_FRAMES = [40, 6, 33]
SPEC = normal(3, SMALL.spectrogram.n_bins, 40).abs()
SPEAKERS = torch.tensor([0, 1, 2])
PITCH = 120 + 20 * torch.sin(torch.arange(40) / torch.tensor([[3.0], [4.0], [5.0]]))
PITCH[0, 10:15] = 0
PITCH[1] = 0  # who never has a voice


def train_pass(
    model: CvaeJets,
    rows: slice = slice(None),
    *,
    softness: float = 0.0,
    segment_frames: int = 8,
    n_extra: int = 0,
    pitch: Tensor = PITCH,
) -> CvaeJetsOutput:
    """A pass over some of three items of 40, 6 and 33 frames, padded by some tokens and frames more."""
    n_tokens, n_frames = N_TOKENS[rows], N_FRAMES[rows]
    pad = torch.nn.functional.pad
    return model(
        pad(TOKENS[rows, : max(n_tokens)], (0, n_extra), value=3),
        torch.tensor(n_tokens),
        pad(SPEC[rows, :, : max(n_frames)], (0, n_extra), value=1.0),
        torch.tensor(n_frames),
        SPEAKERS[rows],
        None,
        pitch_hz=pad(pitch[rows, : max(n_frames)], (0, n_extra), value=300.0),
        softness=softness,
        noise=ItemNoise([7, 8, 9][rows], n_tokens=n_tokens, n_frames=n_frames, device=torch.device("cpu")),
        segment_frames=segment_frames,
    )


def say(
    model: CvaeJets,
    tokens: Tensor = TOKENS,
    lengths: list[int] = N_TOKENS,
    *,
    speakers: Tensor = SPEAKERS,
    prosody: Prosody | None = None,
    **scales: float,
) -> Synthesis:
    noise = normal(len(tokens), 8, 4000, seed=3)
    with torch.no_grad():
        return model.synthesize(
            tokens,
            torch.tensor(lengths),
            speakers[: len(tokens)],
            noise=lambda shape: noise[:, :, : shape[2]],
            prosody=prosody,
            **scales,
        )


def lasting(model: CvaeJets, frames: float) -> CvaeJets:
    """The model with every token lasting as long."""
    with torch.no_grad():
        model.duration.output.weight.zero_()
        model.duration.output.bias.fill_(torch.tensor(frames + 1.0).log())
    return model


def voiced(model: CvaeJets) -> CvaeJets:
    """The model with voice everywhere."""
    with torch.no_grad():
        model.pitch.predictor.output.weight[-1] = 0
        model.pitch.predictor.output.bias[-1] = 9
    return model


def test_pitch_and_energy_are_those_of_the_same_frame_as_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click amid the samples of frame 20 is loud in frame 20, where the pitch jumps as well."""
    model = small(DIRECT)
    taught: list[Contour] = []  # pitch, then energy
    of_contour = DirectContour.loss

    def loss(
        self: DirectContour, hidden: Tensor, mask: Tensor, target: Contour, speaker: Tensor | None = None
    ) -> ContourLoss:
        taught.append(target)
        return of_contour(self, hidden, mask, target, speaker)

    monkeypatch.setattr(DirectContour, "loss", loss)
    pitch = torch.full((1, 40), 120.0)
    pitch[:, 20] = 240
    hop = SMALL.spectrogram.hop
    recording = 1e-3 * torch.randn(1, 40 * hop, generator=torch.Generator().manual_seed(3))
    recording[:, 20 * hop + hop // 2] = 0.9
    model(
        TOKENS[:1],
        torch.tensor([9]),
        linear_spectrogram(recording, SMALL.spectrogram),
        torch.tensor([40]),
        SPEAKERS[:1],
        None,
        pitch_hz=pitch,
        softness=0.0,
        noise=ItemNoise([7], n_tokens=[9], n_frames=[40], device=torch.device("cpu")),
        segment_frames=8,
    )
    assert [int(target.value.argmax()) for target in taught] == [20, 20]


@make
@pytest.mark.parametrize("softness", [0.0, 0.4, 1.0])
def test_an_item_is_the_same_alone_in_company_and_padded(cfg: CvaeJetsConfig, n_speakers: int, softness: float) -> None:
    """Public code masks neither its Conformer nor its losses, and takes a contour's deviation over padding too."""
    model = small(cfg, n_speakers=n_speakers)
    together = train_pass(model, softness=softness)
    for index in range(3):
        for n_extra in (0, 17):
            alone = train_pass(model, slice(index, index + 1), softness=softness, n_extra=n_extra)
            torch.testing.assert_close(alone.samples[0], together.samples[index], rtol=1e-3, atol=1e-4)
            one, all_ = alone.explained, together.explained
            n_frames, n_tokens = N_FRAMES[index], N_TOKENS[index]
            assert torch.equal(one.durations[0, :n_tokens], all_.durations[index, :n_tokens])
            torch.testing.assert_close(
                one.decoded[0, :, :n_frames], all_.decoded[index, :, :n_frames], rtol=1e-3, atol=1e-4
            )
            for name in ("pitch", "energy"):
                for part in ("curve", "presence", "statistics"):
                    found = getattr(getattr(one, name), part)[0]
                    expected = getattr(getattr(all_, name), part)[index]
                    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3, msg=f"{name}.{part}")


@make
def test_speech_is_the_same_alone_and_in_company(cfg: CvaeJetsConfig, n_speakers: int) -> None:
    model = lasting(small(cfg, n_speakers=n_speakers).for_inference(), 4.3)
    together = say(model)
    assert together.lengths.tolist() == [round(n * 4.3) * HOP for n in N_TOKENS]
    torch.testing.assert_close(together.frames_per_token.sum(1) * HOP, together.lengths)
    for index in (0, 2):
        rows = slice(index, index + 1)
        noise = normal(3, 8, 4000, seed=3)[rows]
        with torch.no_grad():
            alone = model.synthesize(
                TOKENS[rows, : N_TOKENS[index]],
                torch.tensor(N_TOKENS[rows]),
                SPEAKERS[rows],
                noise=lambda shape, noise=noise: noise[:, :, : shape[2]],
            )
        n = int(alone.lengths)
        assert n == together.lengths[index]
        torch.testing.assert_close(alone.samples[0, :n], together.samples[index, :n], rtol=1e-3, atol=1e-4)
        assert not together.samples[index, n:].any()


@make
def test_a_copy_for_inference_speaks_alike(cfg: CvaeJetsConfig, n_speakers: int) -> None:
    model = small(cfg, n_speakers=n_speakers)
    said = say(model)
    for purpose in (Purpose.SPEAKING, Purpose.CONVERSION):
        copy = model.for_inference(purpose)
        torch.testing.assert_close(say(copy).samples, said.samples, rtol=1e-4, atol=1e-5)
        assert (copy.aligner is None) == (purpose is Purpose.SPEAKING)
        assert (copy.posterior is None) == (purpose is Purpose.SPEAKING or cfg.latent is None)


@settings
def test_a_change_of_speed_comes_before_rounding(cfg: CvaeJetsConfig) -> None:
    """Public code rounds durations first: 1.4 frames made 1.2 times as long then stay 1."""
    model = lasting(small(cfg).for_inference(), 1.4)
    tokens, lengths = TOKENS.repeat(1, 30), [270, 150, 200]
    plain, slow, asked = (
        say(model, tokens, lengths, **given)  # type: ignore[arg-type]
        for given in ({}, {"length_scale": 1.2}, {"prosody": Prosody(duration_scale=torch.full((3, 270), 1.2))})
    )
    for other in (slow, asked):
        assert (other.lengths / plain.lengths).tolist() == pytest.approx([1.2] * 3, rel=0.02)


@settings
def test_a_shift_of_pitch_is_heard_by_the_network_in_semitones(cfg: CvaeJetsConfig) -> None:
    model = voiced(lasting(small(cfg).for_inference(), 5.0))
    plain = say(model).curves
    shift = torch.zeros(3, 9)
    shift[:, 2:] = 2.0
    asked = say(model, prosody=Prosody(pitch_shift=shift)).curves
    ratio = asked.pitch_hz[0, :45] / plain.pitch_hz[0, :45]
    torch.testing.assert_close(ratio[10:], torch.full((35,), 2 ** (2 / 12)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ratio[:10], torch.ones(10), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(say(model).samples, say(model, prosody=Prosody(pitch_shift=shift)).samples)


def test_a_curve_says_how_far_the_bins_of_an_embedding_follow_it() -> None:
    model = voiced(lasting(small(SMALL).for_inference(), 5.0))
    assert isinstance(SMALL.pitch.embedding, BinsConfig)
    highest = model.statistics.pitch_mean + SMALL.pitch.embedding.reach * model.statistics.pitch_std
    said = say(model, prosody=Prosody(pitch_shift=torch.full((3, 9), 40.0))).curves.pitch_hz
    assert [float(semitones(said[item, 0])) for item in range(3)] == pytest.approx(highest.tolist(), abs=1e-3)


def test_a_decoder_with_a_source_sounds_the_curve_that_was_asked_for() -> None:
    decoder = HarmonicHeadConfig(d=16, d_filter=24, n_fft=256, hop=HOP, d_pitch=8)
    model = voiced(lasting(small(replace(SMALL, decoder=decoder)).for_inference(), 5.0))
    given: list[Tensor] = []
    real = excitation.pulse_train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sonorant.nn.harmonic_head.pulse_train", lambda pitch, hop: given.append(pitch * 16_000) or real(pitch, hop)
        )
        curves = [say(model, prosody=Prosody(pitch_shift=torch.full((3, 9), n))).curves.pitch_hz for n in (0.0, 4.0)]
    for sounded, curve in zip(given, curves, strict=True):
        torch.testing.assert_close(sounded, curve)
    torch.testing.assert_close(given[1][0, :45], given[0][0, :45] * 2 ** (4 / 12))
    assert (given[0][0, :45] > 0).all()


@settings
def test_more_energy_is_heard_by_the_network_in_decibels(cfg: CvaeJetsConfig) -> None:
    """Public code multiplies what is counted from the mean: below it, more is then less."""
    model = lasting(small(cfg).for_inference(), 5.0)
    levels = []
    for gain in (-6.0, 0.0, 6.0):
        said = say(model, prosody=Prosody(energy_gain_db=torch.full((3, 9), gain)))
        levels.append(said.curves.energy_db[0, :45])
    torch.testing.assert_close(levels[1] - levels[0], torch.full((45,), 6.0), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(levels[2] - levels[1], torch.full((45,), 6.0), rtol=1e-3, atol=1e-3)


@settings
def test_a_range_of_nothing_is_the_speakers_mean(cfg: CvaeJetsConfig) -> None:
    model = voiced(lasting(small(cfg).for_inference(), 5.0))
    flat = say(model, prosody=Prosody(pitch_range=torch.zeros(3, 9))).curves.pitch_hz
    assert semitones(flat[2, 0]) == pytest.approx(float(model.statistics.pitch_mean[2]), abs=1e-3)
    assert flat[2, :25].std() < 1e-3


@settings
def test_whole_curves_are_taken_as_given(cfg: CvaeJetsConfig) -> None:
    model = voiced(lasting(small(cfg).for_inference(), 5.0))
    durations = torch.zeros(3, 9)
    durations[0], durations[1, 0], durations[2, :5] = 4, 3, 8
    pitch = torch.full((3, 72), 150.0)
    pitch[:, 36:] = 0
    energy = torch.full((3, 72), 12.0)
    said = say(model, prosody=Prosody(durations=durations, pitch_hz=pitch, energy_db=energy))
    assert torch.equal(said.frames_per_token, durations.long())
    found = said.curves
    torch.testing.assert_close(found.pitch_hz[0, :16], torch.full((16,), 150.0), rtol=1e-3, atol=1e-2)
    assert not found.pitch_hz[0, 20:].any()
    torch.testing.assert_close(found.energy_db[0, :36], torch.full((36,), 12.0), rtol=1e-3, atol=1e-2)
    # What it said itself, given back, it says again.
    first = say(model, TOKENS[:1], N_TOKENS[:1])
    back = Prosody(durations=first.frames_per_token.float(), **vars(first.curves))
    again = say(model, TOKENS[:1], N_TOKENS[:1], prosody=back, length_scale=1.3)
    assert torch.equal(again.frames_per_token, first.frames_per_token)
    torch.testing.assert_close(again.samples, first.samples, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("cfg", [SMALL, DIRECT], ids=["wavelets", "curves"])
def test_what_it_says_of_a_recordings_curves_is_drawn_from_the_prior_of_that_recording(
    cfg: CvaeJetsConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the decoder is given, taken through the flow again, is the prior's mean and its noise, scaled."""
    model = small(cfg)
    n_frames, speaker = 40, torch.tensor([2])
    with torch.no_grad():
        recorded = model.explain(
            TOKENS[:1],
            torch.tensor(N_TOKENS[:1]),
            SPEC[:1],
            torch.tensor([n_frames]),
            speaker,
            None,
            pitch_hz=PITCH[:1],
            softness=0.0,
            noise=ItemNoise([7], n_tokens=[9], n_frames=[n_frames], device=torch.device("cpu")),
        )
    given: list[Tensor] = []
    decode = CvaeJets.decode

    def spy(self: CvaeJets, x: Tensor, *arguments: object, **named: object) -> Tensor:
        given.append(x)
        return decode(self, x, *arguments, **named)

    monkeypatch.setattr(CvaeJets, "decode", spy)
    asked = Prosody(durations=recorded.durations.float(), pitch_hz=PITCH[:1], energy_db=energy_db(SPEC[:1]).squeeze(1))
    noise = normal(1, 8, 4000, seed=3)[:, :, :n_frames]
    assert recorded.latents is not None
    mean, std = recorded.latents.prior_mean, recorded.latents.prior_log_std.exp()
    assert float(std.log().abs().max()) > 0.1
    for scale in (0.0, 0.5, 1.0):
        say(model, TOKENS[:1], N_TOKENS[:1], speakers=speaker, prosody=asked, noise_scale=scale)
        with torch.no_grad():
            z_p = model.flow(given[-1], torch.ones(1, 1, n_frames), model.embed(speaker))
        torch.testing.assert_close(z_p, mean + scale * std * noise, rtol=1e-3, atol=1e-3)
        assert not torch.allclose(given[-1], z_p, atol=0.01)


@settings
def test_energy_suits_the_pitch_that_is_said(cfg: CvaeJetsConfig) -> None:
    model = voiced(lasting(small(cfg).for_inference(), 5.0))
    low, high = (say(model, prosody=Prosody(pitch_shift=torch.full((3, 9), n))).curves for n in (-3.0, 3.0))
    assert not torch.allclose(low.energy_db[0, :45], high.energy_db[0, :45], atol=1e-2)


def test_a_curve_of_another_length_is_stretched_about_its_middles() -> None:
    """Of two values over 45 frames, the frame in the very middle has the second."""
    model = voiced(lasting(small(DIRECT).for_inference(), 5.0))
    asked = torch.tensor([[100.0, 200.0]]).repeat(3, 1)
    found = say(model, prosody=Prosody(pitch_hz=asked)).curves.pitch_hz[0, :45]
    torch.testing.assert_close(found, torch.tensor([100.0] * 22 + [200.0] * 23), rtol=1e-3, atol=1e-2)


@settings
def test_a_slice_lies_within_its_item_or_before_its_end(cfg: CvaeJetsConfig) -> None:
    """Public code draws one start for all items, up to the longest's end: the others train on padding."""
    model = small(cfg)
    starts = torch.stack([train_pass(model, segment_frames=n).slice_starts for n in (1, 6, 33)])
    lengths = torch.tensor(N_FRAMES)
    assert (starts[0] < lengths).all()
    assert (starts[1] <= lengths - 6).all()
    assert starts[2, 2] == 0  # as long as the item: where public code has no start left
    assert len({int(start) for start in starts[1]}) > 1


def test_the_attention_teaches_no_one_by_way_of_the_sound() -> None:
    model = small(SMALL).train()
    out = train_pass(model, softness=1.0)
    out.explained.latents.prior_mean.pow(2).sum().backward()
    assert all(parameter.grad is None for parameter in model.aligner.parameters())
    assert model.text_encoder.embedding.weight.grad.abs().sum() > 0


def test_softness_goes_from_attention_to_path() -> None:
    model = small(SMALL)
    hard, little, most, soft = (
        train_pass(model, softness=s).explained.latents.prior_mean for s in (0.0, 0.2, 0.8, 1.0)
    )
    assert not torch.allclose(hard, soft, atol=1e-3)
    assert 0 < (little - hard).norm() < 0.5 * (little - soft).norm()
    assert 0 < (most - soft).norm() < 0.5 * (most - hard).norm()


@settings
def test_what_durations_are_taught_is_how_long_they_are_taken_for(cfg: CvaeJetsConfig) -> None:
    model = lasting(small(cfg), 4.0)
    explained = train_pass(model).explained
    four = replace(explained, durations=torch.full_like(explained.durations, 4))
    assert duration_error(four).tolist() == pytest.approx([0] * 3, abs=1e-9)
    assert duration_error(explained)[0].item() > 0.1
    said = say(lasting(small(cfg).for_inference(), 4.0))
    assert said.frames_per_token[0].tolist() == [4] * 9


def test_statistics_are_each_speakers_own() -> None:
    statistics = Statistics(2)
    statistics.pitch_mean.copy_(torch.tensor([0.0, 12.0]))
    statistics.energy_mean.copy_(torch.tensor([0.0, 20.0]))
    statistics.energy_std.copy_(torch.tensor([10.0, 5.0]))
    level = statistics.energy(torch.full((2, 1, 3), 30.0), torch.ones(2, 1, 3), torch.tensor([0, 1]))
    assert level.value[:, 0, 0].tolist() == [3, 2]
    hz = torch.tensor([[[100.0, 0.0, 200.0]]]).repeat(2, 1, 1)
    found = statistics.pitch(hz, torch.ones(2, 1, 3), torch.tensor([0, 1]))
    torch.testing.assert_close(found.value.squeeze(1), torch.tensor([[0.0, 2.0, 4.0], [-4.0, -2.0, 0.0]]))
    assert found.present.squeeze(1).tolist() == [[1, 0, 1]] * 2
    back = statistics.curves(
        found, statistics.energy(hz, torch.ones(2, 1, 3), None), torch.ones(2, 1, 3), torch.tensor([0, 1])
    )
    torch.testing.assert_close(back.pitch_hz, hz.squeeze(1), rtol=1e-4, atol=1e-3)


def test_curves_and_priors_cannot_be_taken_for_one_another() -> None:
    """Arguments of the same shape are given by name only."""
    for function in (CvaeJets.forward, CvaeJets.explain):
        assert inspect.signature(function).parameters["pitch_hz"].kind is inspect.Parameter.KEYWORD_ONLY


def test_speech_is_given_to_another_speaker() -> None:
    model = small(SMALL).for_inference(Purpose.CONVERSION)
    converter = converter_in(model)
    noise = normal(3, 8, 40)
    lengths = torch.tensor(N_FRAMES)
    mine, other = (
        converter.convert(SPEC, lengths, SPEAKERS, target, noise=lambda shape: noise)
        for target in (SPEAKERS, SPEAKERS.flip(0))
    )
    assert mine.shape == (3, 40 * HOP)
    assert not torch.allclose(mine[0], other[0])
    torch.testing.assert_close(mine[1], other[1])
    assert converter_in(small(JETS).for_inference(Purpose.CONVERSION)) is None
    with pytest.raises(ParameterError, match="no posterior encoder"):
        small(JETS).convert(SPEC, lengths, SPEAKERS, SPEAKERS, noise=lambda shape: noise)


@settings
def test_it_says_which_frames_are_whose(cfg: CvaeJetsConfig) -> None:
    model = small(cfg)
    aligner = aligner_in(model.for_inference(Purpose.CONVERSION))
    found = aligner.durations(TOKENS, torch.tensor(N_TOKENS), SPEC, torch.tensor(N_FRAMES), SPEAKERS, None)
    assert torch.equal(found, train_pass(model).explained.durations)
    assert found.sum(1).tolist() == N_FRAMES
    assert aligner_in(model.for_inference()) is None


def test_settings_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"pitch\.kind is wavelet, which needs frames, but level is token"):
        replace(SMALL, level="token")
    with pytest.raises(ValueError, match=r"sharpness is 0\.0: it must be above 0"):
        replace(SMALL, sharpness=0.0)
    with pytest.raises(ValueError, match=r"sharpness is 0\.2, but upsampling is repeat, .*leave it out, or at 0\.1"):
        replace(SMALL, sharpness=0.2)
    with pytest.raises(ValueError, match=r"temperature is 0\.2, but distances .*leave it out, or at 0\.0005"):
        replace(JETS.aligner, temperature=0.2)
    with pytest.raises(ConfigError, match="decoder makes 64 samples"):
        replace(SMALL, spectrogram=replace(SMALL.spectrogram, hop=128))
    with pytest.raises(ConfigError, match=r"d_hidden is 16, which 3 text_encoder\.n_heads do not divide"):
        replace(SMALL, text_encoder=replace(SMALL.text_encoder, n_heads=3))
    with pytest.raises(ConfigError, match=r"d_hidden is 16, which 3 frames\.n_heads do not divide"):
        replace(JETS, frames=replace(JETS.frames, n_heads=3))
