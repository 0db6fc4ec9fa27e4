"""Laws of the network of VITS2, each for the makes of its parts that could break it."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_spectrogram
from sonorant.errors import ParameterError
from sonorant.models import Purpose
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Explained, Vits2, Vits2Output
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.latent import ItemNoise
from sonorant.nn.transformer_flow import MonoPostConfig, PlainCouplingConfig
from tests.models.batches import N_SYMBOLS, recorded, share_evenly
from tests.models.vits2.small import HOP, SMALL, set_gates, small
from tests.nn.random_weights import normal, randomized

HIFIGAN = HifiGanConfig(
    d_initial=16,
    upsample_rates=(8, 8),
    upsample_kernels=(16, 16),
    resblock="2",
    resblock_kernels=(3,),
    resblock_dilations=((1, 3),),
)
DETERMINISTIC = DurationConfig(d_filter=12)
STOCHASTIC = StochasticDurationConfig(n_layers=1, n_couplings=2)
MAKES = {
    "published": SMALL,
    "hifigan, stochastic": replace(SMALL, decoder=HIFIGAN, duration=STOCHASTIC),
    "deterministic, doubling": replace(
        SMALL, duration=DETERMINISTIC, flow=replace(SMALL.flow, coupling=MonoPostConfig())
    ),
    "linear posterior, plain flow": replace(
        SMALL, posterior_mel=None, flow=replace(SMALL.flow, coupling=PlainCouplingConfig())
    ),
}
make = pytest.mark.parametrize("cfg", MAKES.values(), ids=MAKES.keys())

TOKENS = torch.randint(0, N_SYMBOLS, (3, 9), generator=torch.Generator().manual_seed(2))
TOKEN_LENGTHS = torch.tensor([9, 1, 5])
N_FRAMES = [40, 6, 33]
SPEC = normal(3, SMALL.spectrogram.n_bins, 40).abs()
SPEAKERS = torch.tensor([0, 1, 2])


def train_pass(
    model: Vits2, rows: slice = slice(None), *, segment_frames: int = 8, language: Tensor | None = None
) -> Vits2Output:
    """A pass over some of three items of 40, 6 and 33 frames."""
    n_tokens, n_frames = TOKEN_LENGTHS[rows].tolist(), N_FRAMES[rows]
    return model(
        TOKENS[rows, : max(n_tokens)],
        TOKEN_LENGTHS[rows],
        SPEC[rows, :, : max(n_frames)],
        torch.tensor(n_frames),
        SPEAKERS[rows],
        language,
        align=share_evenly,
        noise=ItemNoise([7, 8, 9][rows], n_tokens=n_tokens, n_frames=n_frames, device=torch.device("cpu")),
        segment_frames=segment_frames,
    )


def draws_for(model: Vits2, n_items: int, n_tokens: int) -> list[Tensor]:
    """What speaking asks for: noise for durations, if they are drawn, and for frames."""
    of_tokens = [normal(n_items, model.duration.d_noise, n_tokens)] if model.duration.d_noise else []
    return [*of_tokens, normal(n_items, model.cfg.d_latent, 400, seed=1)]


def prior_of(
    model: Vits2, *, speaker: int = 0, language: int | None = None, tokens: Tensor = TOKENS[:1]
) -> tuple[Tensor, Tensor]:
    """The prior of a text, mean and log-deviation, both [1, d_latent, L]."""
    out: Explained = model.explain(
        tokens,
        torch.tensor([tokens.shape[1]]),
        SPEC[:1, :, : tokens.shape[1]],
        torch.tensor([tokens.shape[1]]),
        torch.tensor([speaker]),
        None if language is None else torch.tensor([language]),
        align=share_evenly,
        noise=ItemNoise([1], n_tokens=[9], n_frames=[tokens.shape[1]], device=torch.device("cpu")),
    )
    return out.prior_mean, out.prior_log_std


# ---- VITS is a special case of it ------------------------------------------------------------------------------------


def vits_and_its_successor(
    duration: StochasticDurationConfig | DurationConfig, n_speakers: int, gates: float
) -> tuple[Vits, Vits2]:
    """A VITS, and a VITS2 that has its weights and transformers of its own."""
    theirs = VitsConfig(
        spectrogram=SMALL.spectrogram,
        d_hidden=16,
        d_latent=8,
        d_speaker=5,
        text_encoder=replace(SMALL.text_encoder, speaker_layer=None),
        posterior=SMALL.posterior,
        flow=FlowConfig(n_couplings=2, wavenet=SMALL.flow.wavenet),
        duration=duration,
        decoder=HIFIGAN,
    )
    ours = replace(
        SMALL, posterior_mel=None, text_encoder=theirs.text_encoder, duration=theirs.duration, decoder=theirs.decoder
    )
    torch.manual_seed(0)
    vits = randomized(Vits(theirs, N_SYMBOLS, n_speakers), scale=0.05)
    vits2 = small(ours, n_speakers=n_speakers)
    missing, unexpected = vits2.load_state_dict(vits.state_dict(), strict=False)
    assert not unexpected
    assert missing
    assert all(re.match(r"flow\.steps\.\d+\.(transformer\.|gate$)", name) for name in missing)
    set_gates(vits2, gates)
    return vits, vits2


@pytest.mark.parametrize("n_speakers", [1, 3])
@pytest.mark.parametrize("duration", [STOCHASTIC, DETERMINISTIC], ids=["stochastic", "deterministic"])
def test_with_closed_gates_it_speaks_as_vits_does(
    duration: StochasticDurationConfig | DurationConfig, n_speakers: int
) -> None:
    vits, closed = vits_and_its_successor(duration, n_speakers, gates=0.0)
    _, open_ = vits_and_its_successor(duration, n_speakers, gates=1.0)

    def said(model: Vits | Vits2) -> Tensor:
        draws = [normal(3, 2, 9)] if model.duration.d_noise else []
        noise = recorded(*draws, normal(3, 8, 400, seed=1))
        with torch.no_grad():
            return model.synthesize(TOKENS, TOKEN_LENGTHS, SPEAKERS % n_speakers, noise=noise).samples

    expected = said(vits)
    torch.testing.assert_close(said(closed), expected, atol=1e-5, rtol=0)
    assert float((said(open_) - expected).abs().max()) > 1e-4


@pytest.mark.parametrize("n_speakers", [1, 3])
@pytest.mark.parametrize("duration", [STOCHASTIC, DETERMINISTIC], ids=["stochastic", "deterministic"])
def test_with_closed_gates_it_trains_as_vits_does(
    duration: StochasticDurationConfig | DurationConfig, n_speakers: int
) -> None:
    vits, closed = vits_and_its_successor(duration, n_speakers, gates=0.0)
    _, open_ = vits_and_its_successor(duration, n_speakers, gates=1.0)
    n_frames = [40, 12, 33]

    def seen(model: Vits | Vits2) -> dict[str, Tensor]:
        out = model(
            TOKENS,
            TOKEN_LENGTHS,
            SPEC,
            torch.tensor(n_frames),
            SPEAKERS % n_speakers,
            *([None] if isinstance(model, Vits2) else []),
            align=share_evenly,
            noise=ItemNoise([7, 8, 9], n_tokens=[9, 1, 5], n_frames=n_frames, device=torch.device("cpu")),
            segment_frames=8,
        )
        explained = out.explained if isinstance(out, Vits2Output) else out
        return {
            "samples": out.samples,
            "starts": out.slice_starts,
            "duration_loss": out.duration_loss,
            "z": explained.posterior.z,
            "z_p": explained.z_p,
            "prior_mean": explained.prior_mean,
            "prior_log_std": explained.prior_log_std,
            "durations": explained.durations,
        }

    with torch.no_grad():
        expected, found, differing = seen(vits), seen(closed), seen(open_)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=1e-5, msg=name)
    assert float((differing["z_p"] - expected["z_p"]).abs().max()) > 1e-4


def test_with_closed_gates_it_converts_as_vits_does() -> None:
    vits, closed = vits_and_its_successor(STOCHASTIC, 3, gates=0.0)
    _, open_ = vits_and_its_successor(STOCHASTIC, 3, gates=1.0)

    def converted(model: Vits | Vits2) -> Tensor:
        with torch.no_grad():
            return model.convert(
                SPEC, torch.tensor(N_FRAMES), SPEAKERS, SPEAKERS.flip(0), noise=recorded(normal(3, 8, 40))
            )

    expected = converted(vits)
    torch.testing.assert_close(converted(closed), expected, atol=1e-5, rtol=0)
    assert float((converted(open_) - expected).abs().max()) > 1e-4


# ---- padding and batches ---------------------------------------------------------------------------------------------


@make
@torch.no_grad()
def test_an_item_is_understood_in_a_batch_as_alone(cfg: Vits2Config) -> None:
    model = small(cfg)
    batch = train_pass(model)
    for row, (n_tokens, n_frames) in enumerate(zip(TOKEN_LENGTHS.tolist(), N_FRAMES, strict=True)):
        one = train_pass(model, slice(row, row + 1))
        assert int(batch.slice_starts[row]) == int(one.slice_starts)
        torch.testing.assert_close(batch.samples[row], one.samples[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(batch.duration_loss[row], one.duration_loss[0], atol=1e-4, rtol=1e-5)
        assert torch.equal(batch.explained.durations[row, :n_tokens], one.explained.durations[0])
        torch.testing.assert_close(batch.explained.hidden[row, :, :n_tokens], one.explained.hidden[0])
        for name in ("z_p", "prior_mean", "prior_log_std"):
            of_batch, of_one = getattr(batch.explained, name)[row], getattr(one.explained, name)[0]
            torch.testing.assert_close(of_batch[:, :n_frames], of_one, atol=1e-5, rtol=1e-5, msg=name)
            assert not of_batch[:, n_frames:].any(), name


@make
@torch.no_grad()
def test_a_padded_batch_speaks_like_its_items(cfg: Vits2Config) -> None:
    model = small(cfg)
    draws = draws_for(model, 3, 9)
    batch = model.synthesize(TOKENS, TOKEN_LENGTHS, SPEAKERS, noise=recorded(*draws))
    assert len({*batch.lengths.tolist()}) > 1
    for row, n in enumerate(TOKEN_LENGTHS.tolist()):
        item = slice(row, row + 1)
        one = model.synthesize(
            TOKENS[item, :n], TOKEN_LENGTHS[item], SPEAKERS[item], noise=recorded(*(draw[item] for draw in draws))
        )
        n_samples = int(one.lengths)
        assert int(batch.lengths[row]) == n_samples == one.samples.shape[1] == HOP * int(one.frames_per_token.sum())
        assert torch.equal(batch.frames_per_token[row, :n], one.frames_per_token[0])
        assert not batch.frames_per_token[row, n:].any()
        torch.testing.assert_close(batch.samples[row, :n_samples], one.samples[0], atol=1e-5, rtol=0)
        assert not batch.samples[row, n_samples:].any()


@make
@torch.no_grad()
def test_an_item_shorter_than_its_slice_is_decoded_with_nothing_after_it(cfg: Vits2Config) -> None:
    model = small(cfg)
    out = train_pass(model, segment_frames=50)
    assert out.samples.shape == (3, 1, 50 * HOP)
    assert out.slice_starts.tolist() == [0, 0, 0]
    z = torch.zeros(3, 8, 50)
    z[:, :, :40] = out.explained.posterior.z
    torch.testing.assert_close(out.samples, model.decoder(z, out.explained.embedding))


@make
def test_the_training_pass_repeats_with_its_noise(cfg: Vits2Config) -> None:
    one, two = (train_pass(small(cfg)) for _ in range(2))
    assert torch.equal(one.samples, two.samples)
    assert torch.equal(one.duration_loss, two.duration_loss)


@make
@torch.no_grad()
def test_a_text_of_one_token_is_spoken(cfg: Vits2Config) -> None:
    model = small(cfg)
    said = model.synthesize(
        torch.tensor([[3]]), torch.tensor([1]), torch.tensor([1]), noise=recorded(*draws_for(model, 1, 1))
    )
    assert said.frames_per_token.shape == (1, 1)
    assert said.samples.shape == (1, HOP * int(said.frames_per_token))
    assert said.samples.isfinite().all()


# ---- copies for inference --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.SPEAKING, Purpose.CONVERSION])
@make
@torch.no_grad()
def test_a_copy_for_inference_says_the_same_with_less(cfg: Vits2Config, purpose: Purpose) -> None:
    model = small(cfg, n_languages=2)
    before = copy.deepcopy(model.state_dict())
    lean = model.for_inference(purpose)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not lean.training
    assert not [name for name in lean.state_dict() if "parametrizations" in name or name.startswith("duration.post")]
    assert (lean.posterior is None) == (purpose is Purpose.SPEAKING)

    language = torch.tensor([1, 0, 1])
    draws = draws_for(model, 3, 9)
    one, other = (
        each.synthesize(TOKENS, TOKEN_LENGTHS, SPEAKERS, language, noise=recorded(*draws)) for each in (model, lean)
    )
    torch.testing.assert_close(other.samples, one.samples, atol=1e-5, rtol=0)
    if purpose is Purpose.CONVERSION:
        spec, lengths, noise = SPEC, torch.tensor(N_FRAMES), normal(3, 8, 40)
        one_, other_ = (
            each.convert(spec, lengths, SPEAKERS, SPEAKERS.flip(0), noise=recorded(noise)) for each in (model, lean)
        )
        torch.testing.assert_close(other_, one_, atol=1e-5, rtol=0)


@torch.no_grad()
def test_converting_to_the_same_speaker_is_decoding_the_posterior() -> None:
    model = small()
    lengths, noise = torch.tensor(N_FRAMES), normal(3, 8, 40, seed=3)
    same = model.convert(SPEC, lengths, SPEAKERS, SPEAKERS, noise=recorded(noise))
    other = model.convert(SPEC, lengths, SPEAKERS, SPEAKERS.flip(0), noise=recorded(noise))
    mask = (torch.arange(40) < lengths[:, None]).float().unsqueeze(1)
    embedding = model.embed(SPEAKERS)
    assert model.posterior is not None
    assert model.cfg.posterior_mel is not None
    seen = mel_spectrogram(SPEC, model.cfg.spectrogram, model.cfg.posterior_mel)
    z = model.posterior(seen, mask, noise, embedding).z
    torch.testing.assert_close(same, model.decoder(z, embedding, mask).squeeze(1), atol=1e-5, rtol=0)
    assert not torch.allclose(other, same, atol=1e-4)


# ---- speakers and languages ------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_text_encoder_hears_the_speaker_where_it_is_told_to() -> None:
    hears = small()
    deaf = small(replace(SMALL, text_encoder=replace(SMALL.text_encoder, speaker_layer=None)))
    for first, second in zip(prior_of(hears, speaker=0), prior_of(hears, speaker=2), strict=True):
        assert float((first - second).abs().max()) > 1e-4
    for first, second in zip(prior_of(deaf, speaker=0), prior_of(deaf, speaker=2), strict=True):
        assert torch.equal(first, second)


def test_one_speaker_has_no_table_and_needs_no_name() -> None:
    model = small(n_speakers=1)
    assert not [name for name in model.state_dict() if "condition" in name or "speaker" in name]
    said = model.synthesize(TOKENS[:1], torch.tensor([9]), None, noise=torch.zeros)
    assert said.samples.shape == (1, int(said.lengths))


def test_one_speaker_that_is_kept_has_a_table_of_one() -> None:
    model = small(replace(SMALL, keeps_single_speaker=True), n_speakers=1)
    assert model.state_dict()["speaker.weight"].shape == (1, 5)
    assert "text_encoder.speaker.weight" in model.state_dict()
    said = model.synthesize(TOKENS[:1], torch.tensor([9]), torch.tensor([0]), noise=torch.zeros)
    assert said.samples.shape == (1, int(said.lengths))


def test_many_speakers_need_a_name() -> None:
    with pytest.raises(ParameterError, match="3 speakers"):
        small().synthesize(TOKENS[:1], torch.tensor([9]), None, noise=torch.zeros)


@torch.no_grad()
def test_a_fresh_language_table_changes_nothing_and_a_set_one_the_prior() -> None:
    model = small(n_languages=2)
    table = model.text_encoder.language
    assert table is not None
    fresh = Vits2(SMALL, N_SYMBOLS, 3, 2).text_encoder.language
    assert fresh is not None
    assert not fresh.weight.any()

    table.weight.zero_()
    of_one = small(n_languages=1)
    of_one.load_state_dict({name: value for name, value in model.state_dict().items() if "language" not in name})
    for without, first, second in zip(
        prior_of(of_one), prior_of(model, language=0), prior_of(model, language=1), strict=True
    ):
        assert torch.equal(first, without)
        assert torch.equal(second, without)

    table.weight[1] = normal(16)
    for without, first, second in zip(
        prior_of(of_one), prior_of(model, language=0), prior_of(model, language=1), strict=True
    ):
        assert torch.equal(first, without)
        assert float((second - without).abs().max()) > 1e-4


def test_many_languages_need_a_name() -> None:
    model = small(n_languages=2)
    with pytest.raises(ParameterError, match="2 languages"):
        model.synthesize(TOKENS[:1], torch.tensor([9]), torch.tensor([0]), noise=torch.zeros)
    with pytest.raises(ParameterError, match="2 languages"):
        train_pass(model)


# ---- what the posterior sees -----------------------------------------------------------------------------------------


def heard(model: Vits2, spec: Tensor) -> Tensor:
    """What reaches the posterior of a spectrogram."""
    assert model.posterior is not None
    caught: list[Tensor] = []
    hook = model.posterior.register_forward_pre_hook(lambda module, arguments: caught.append(arguments[0]))
    with torch.no_grad():
        n = torch.tensor([spec.shape[2]])
        model.convert(spec, n, torch.tensor([0]), torch.tensor([1]), noise=torch.zeros)
    hook.remove()
    return caught[0]


@pytest.mark.parametrize("n_mels", [20, 33, None])
def test_the_posterior_sees_as_many_bands_as_the_configuration_says(n_mels: int | None) -> None:
    model = small(replace(SMALL, posterior_mel=None if n_mels is None else MelConfig(n_mels=n_mels)))
    seen = heard(model, SPEC[:1])
    assert seen.shape == (1, n_mels or SMALL.spectrogram.n_bins, 40)
    assert n_mels is not None or torch.equal(seen, SPEC[:1])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000])
def test_a_tone_is_in_the_same_band_at_any_sample_rate(rate_hz: int) -> None:
    spectrogram = SpectrogramConfig(sample_rate_hz=rate_hz, n_fft=240, hop=64, win=240)
    model = small(replace(SMALL, spectrogram=spectrogram, posterior_mel=MelConfig(n_mels=15, f_max_hz=4_000.0)))
    spec = torch.full((1, spectrogram.n_bins, 3), 1e-4)
    spec[:, 2_000 * 240 // rate_hz] = 1.0
    band = heard(model, spec)[0, :, 1].argmax()
    # Slaney's mels: 15 to 1000 Hz, 25.08 to 2000 Hz and 35.16 to 4000 Hz; a band is 35.16 / 16 of them wide.
    assert int(band) == round(25.08 / (35.16 / 16)) - 1
