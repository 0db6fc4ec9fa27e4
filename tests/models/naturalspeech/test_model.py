"""Laws of the network of NaturalSpeech."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.errors import ParameterError, VoiceError
from sonorant.models import Purpose
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.memory import Clusters, MemoryConfig
from sonorant.models.naturalspeech.model import MAX_STRETCH, NaturalSpeech, NaturalSpeechOutput
from sonorant.nn.latent import ItemNoise
from tests.models.batches import N_SYMBOLS
from tests.models.naturalspeech.small import HOP, SMALL, small
from tests.nn.random_weights import normal

MAKES = {
    "one speaker": (SMALL, 1),
    "three speakers": (SMALL, 3),
    "no memory": (replace(SMALL, memory=None), 3),
    "linear posterior": (replace(SMALL, posterior_mel=None), 3),
}
make = pytest.mark.parametrize(("cfg", "n_speakers"), MAKES.values(), ids=MAKES.keys())

TOKENS = torch.randint(0, N_SYMBOLS, (3, 9), generator=torch.Generator().manual_seed(2))
N_TOKENS = [9, 1, 5]
N_FRAMES = [40, 6, 33]
SPEC = normal(3, SMALL.spectrogram.n_bins, 40).abs()
SPEAKERS = torch.tensor([0, 1, 2])
LABELS = torch.zeros(3, 9)
LABELS[0] = torch.tensor([4.0, 3, 7, 1, 0, 10, 5, 6, 4])
LABELS[1, 0] = 6
LABELS[2, :5] = torch.tensor([8.0, 8, 1, 12, 4])


def train_pass(
    model: NaturalSpeech,
    rows: slice = slice(None),
    *,
    predicted: bool = False,
    imagines: bool = True,
    segment_frames: int = 8,
    n_extra: int = 0,
) -> NaturalSpeechOutput:
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
        labels=pad(LABELS[rows, : max(n_tokens)], (0, n_extra)),
        is_predicted=torch.full((len(n_tokens),), predicted),
        noise=ItemNoise([7, 8, 9][rows], n_tokens=n_tokens, n_frames=n_frames, device=torch.device("cpu")),
        segment_frames=segment_frames,
        imagines=imagines,
    )


def say(model: NaturalSpeech, tokens: Tensor = TOKENS, lengths: list[int] = N_TOKENS, **settings: float):  # type: ignore[no-untyped-def]
    noise = normal(len(tokens), model.cfg.d_latent, 4000, seed=3)
    with torch.no_grad():
        return model.synthesize(
            tokens,
            torch.tensor(lengths),
            SPEAKERS[: len(tokens)],
            noise=lambda shape: noise[:, :, : shape[2]],
            **settings,
        )


def lasting(model: NaturalSpeech, log_frames: float) -> NaturalSpeech:
    """The model with every token lasting as long."""
    with torch.no_grad():
        model.duration.output.weight.zero_()
        assert model.duration.output.bias is not None
        model.duration.output.bias.fill_(log_frames)
    return model


def test_the_published_sizes_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        network = NaturalSpeech(NaturalSpeechConfig(), 178, 1, purpose=Purpose.SPEAKING)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(28.7e6, abs=0.3e6)


@make
def test_with_labels_the_prior_is_as_long_as_the_recording(cfg: NaturalSpeechConfig, n_speakers: int) -> None:
    out = train_pass(small(cfg, n_speakers=n_speakers))
    assert out.prior_lengths.tolist() == N_FRAMES
    assert out.prior.mean.shape == out.z_p.shape == (3, 8, 40)
    assert out.samples.shape == (3, 1, 8 * HOP)
    assert out.imagined is not None
    assert out.imagined.z.shape == (3, 8, 40)


@make
@pytest.mark.parametrize("predicted", [False, True])
def test_an_item_does_not_depend_on_others_nor_on_padding(
    cfg: NaturalSpeechConfig, n_speakers: int, predicted: bool
) -> None:
    model = small(cfg, n_speakers=n_speakers)
    whole = train_pass(model, predicted=predicted, n_extra=5)
    for row, (n_tokens, n_frames) in enumerate(zip(N_TOKENS, N_FRAMES, strict=True)):
        alone = train_pass(model, slice(row, row + 1), predicted=predicted)
        n_prior = int(alone.prior_lengths)
        assert int(whole.prior_lengths[row]) == n_prior
        assert whole.imagined is not None
        assert alone.imagined is not None
        pairs = [
            (whole.z_p[row, :, :n_frames], alone.z_p[0]),
            (whole.prior.mean[row, :, :n_prior], alone.prior.mean[0, :, :n_prior]),
            (whole.prior.log_std[row, :, :n_prior], alone.prior.log_std[0, :, :n_prior]),
            (whole.imagined.z[row, :, :n_prior], alone.imagined.z[0, :, :n_prior]),
            (whole.log_duration[row, :, :n_tokens], alone.log_duration[0]),
            (whole.samples[row], alone.samples[0]),
            (whole.imagined.samples[row], alone.imagined.samples[0]),
        ]
        for found, expected in pairs:
            torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_what_is_imagined_reaches_encoder_and_durations_through_flow_and_decoder() -> None:
    """The paper's gradient of the end-to-end loss: decoder, flow, durator, phoneme encoder; not the posterior."""
    model = small()
    out = train_pass(model, predicted=True)
    assert out.imagined is not None
    out.imagined.samples.square().sum().backward()
    for part in (model.decoder, model.flow, model.upsampling, model.duration, model.text_encoder):
        gradients = [p.grad for p in part.parameters() if p.grad is not None]
        assert sum(float(g.abs().sum()) for g in gradients) > 0, type(part)
    assert model.posterior is not None
    assert all(p.grad is None or not p.grad.any() for p in model.posterior.parameters())


def test_what_is_imagined_is_drawn_from_the_prior() -> None:
    """Taken through the flow again, it scatters around the prior's means as the prior says."""
    model = small()
    with torch.no_grad():
        out = train_pass(model)
        assert out.imagined is not None
        z_p = model.flow(out.imagined.z, out.prior_mask, model.embed(SPEAKERS))
    drawn = ((z_p - out.prior.mean) * torch.exp(-out.prior.log_std))[out.prior_mask.expand_as(z_p) > 0]
    assert len(drawn) == SMALL.d_latent * sum(N_FRAMES)
    assert abs(float(drawn.mean())) < 4 / len(drawn) ** 0.5
    assert float(drawn.std()) == pytest.approx(1, abs=4 / (2 * len(drawn)) ** 0.5)


def noise_places() -> list[float]:
    """Where the slices of `train_pass` lie, in shares: what each item draws after the posterior's noise."""
    noise = ItemNoise([7, 8, 9], n_tokens=N_TOKENS, n_frames=N_FRAMES, device=torch.device("cpu"))
    noise.per_frame(SMALL.d_latent, 40)
    return noise.uniform().tolist()


def test_the_slice_of_what_is_imagined_lies_in_it_however_long_the_recording_is() -> None:
    model = lasting(small(replace(SMALL, memory=None)), float(torch.log(torch.tensor(1.5))))
    with torch.no_grad():
        out = train_pass(model, predicted=True, segment_frames=5)  # 14 frames of 40, 2 of 6, 8 of 33
        embedding = model.embed(SPEAKERS)
        assert embedding is not None
        assert out.imagined is not None
        for row, (n_prior, place) in enumerate(zip(out.prior_lengths.tolist(), noise_places(), strict=True)):
            assert n_prior < N_FRAMES[row]
            start = min(int(place * max(n_prior - 4, 1)), max(n_prior - 5, 0))
            z = out.imagined.z[row : row + 1, :, start : start + 5]
            z = z * out.prior_mask[row : row + 1, :, start : start + 5]
            expected = model.decoder(z, embedding[row : row + 1])
            torch.testing.assert_close(out.imagined.samples[row : row + 1], expected, atol=1e-5, rtol=1e-4)


def test_behind_an_items_end_the_decoder_is_given_silence_in_training_as_in_speaking() -> None:
    model = small()
    assert model.memory is not None
    model.memory.share.fill_(1.0)
    given: list[Tensor] = []
    model.decoder.register_forward_pre_hook(lambda module, arguments: given.append(arguments[0]))
    with torch.no_grad():
        train_pass(model, segment_frames=10)  # the second item has 6 frames
    for slices in given:
        assert not slices[1, :, 6:].any()
        assert slices[1, :, :6].any()


def test_a_memory_of_what_the_posterior_says_is_attached_without_a_jump_and_another_is_not() -> None:
    model = small()
    with torch.no_grad():
        out = train_pass(model)
        z, mask = out.posterior.mean, out.frame_mask
        frames = z.transpose(1, 2)[mask[:, 0] > 0]
        plenty = small(replace(SMALL, memory=MemoryConfig(n_slots=len(frames))))
        assert plenty.memory is not None
        embedding = model.embed(SPEAKERS)
        plenty.memory.share.fill_(0.0)
        before = plenty.decode(z, mask, embedding)
        plenty.memory.share.fill_(1.0)
        of_nothing = plenty.decode(z, mask, embedding)
        plenty.memory.fill(Clusters(frames.clone(), torch.full((SMALL.d_latent,), 1e-4)))
        of_frames = plenty.decode(z, mask, embedding)
    scale = float(before.abs().mean())
    assert float((of_frames - before).abs().mean()) < 0.01 * scale
    assert float((of_nothing - before).abs().mean()) > 0.1 * scale


def test_predictions_far_too_long_are_cut_in_training() -> None:
    out = train_pass(lasting(small(), 12.0), predicted=True)
    assert out.prior_lengths.tolist() == [MAX_STRETCH * n for n in N_FRAMES]
    out = train_pass(lasting(small(), 90.0), predicted=True)  # more than there are numbers
    assert out.prior_lengths.tolist() == [MAX_STRETCH * n for n in N_FRAMES]
    out = train_pass(lasting(small(), -12.0), predicted=True)
    assert out.prior_lengths.tolist() == [1, 1, 1]


@make
def test_spoken_alone_or_with_others_it_is_the_same(cfg: NaturalSpeechConfig, n_speakers: int) -> None:
    model = lasting(small(cfg, n_speakers=n_speakers), 1.3)
    together = say(model)
    assert together.lengths.tolist() == [HOP * round(n * 3.6693) for n in N_TOKENS]
    alone = say(model, TOKENS[:1], N_TOKENS[:1])
    torch.testing.assert_close(together.samples[0, : int(alone.lengths)], alone.samples[0], atol=1e-5, rtol=1e-4)
    assert torch.equal(together.frames_per_token.sum(dim=1) * HOP, together.lengths)


def test_what_lasts_nothing_lasts_a_frame() -> None:
    spoken = say(lasting(small(), -20.0))
    assert spoken.lengths.tolist() == [HOP] * 3
    assert bool(torch.isfinite(spoken.samples).all())


def test_endless_speech_is_refused() -> None:
    with pytest.raises(VoiceError, match="its weights are broken"):
        say(lasting(small(), 20.0))


def test_speaking_twice_as_slowly_lasts_twice_as_long_to_a_frame() -> None:
    model = lasting(small(), 1.3)
    slow, fast = say(model, length_scale=2.0), say(model)
    assert bool(((slow.lengths - 2 * fast.lengths).abs() <= 2 * HOP).all())


@make
def test_folded_it_speaks_the_same(cfg: NaturalSpeechConfig, n_speakers: int) -> None:
    model = lasting(small(cfg, n_speakers=n_speakers), 1.0)
    folded = model.for_inference()
    assert folded.posterior is None
    torch.testing.assert_close(say(folded).samples, say(model).samples, atol=1e-5, rtol=1e-4)


def test_converting_to_oneself_goes_through_the_flow_and_back() -> None:
    model = small()
    lengths, speaker = torch.tensor(N_FRAMES), SPEAKERS
    with torch.no_grad():
        converted = model.convert(SPEC, lengths, speaker, speaker, noise=torch.zeros)
        out = train_pass(model)
        expected = model.decode(out.posterior.mean, out.frame_mask, model.embed(speaker))
    torch.testing.assert_close(converted, expected, atol=1e-4, rtol=1e-3)
    other = model.convert(SPEC, lengths, speaker, speaker.flip(0), noise=torch.zeros)
    assert float((other[0] - converted[0]).detach().abs().max()) > 1e-4


def test_who_speaks_must_be_said() -> None:
    with pytest.raises(ParameterError, match="3 speakers"):
        small().synthesize(TOKENS, torch.tensor(N_TOKENS), None, noise=torch.zeros)
    with pytest.raises(ParameterError, match="2 languages"):
        small(n_languages=2).synthesize(TOKENS, torch.tensor(N_TOKENS), SPEAKERS, noise=torch.zeros)
    with pytest.raises(ParameterError, match="one speaker"):
        small(n_speakers=1).convert(SPEC, torch.tensor(N_FRAMES), SPEAKERS, SPEAKERS, noise=torch.zeros)
