"""What a runtime is told of a VITS2 that converts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.errors import ParameterError
from sonorant.models import Purpose
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.convert import converter_in
from sonorant.models.vits2.model import Vits2
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.nn.posterior import PosteriorConfig
from sonorant.nn.transformer_flow import ATTENDED_FRAMES, PlainCouplingConfig
from sonorant.nn.wavenet import WaveNetConfig
from tests.models.batches import N_SYMBOLS
from tests.models.vits2.small import HOP, SMALL, set_gates
from tests.nn.random_weights import normal, randomized

# Mels are in single precision whatever the weights are in; exact reach shows in double.
PLAIN = replace(SMALL, posterior_mel=None, flow=replace(SMALL.flow, coupling=PlainCouplingConfig()))


def network_of(cfg: Vits2Config, dtype: torch.dtype = torch.float64) -> Vits2:
    torch.manual_seed(0)
    network = randomized(Vits2(cfg, N_SYMBOLS, 2, 1, Purpose.CONVERSION).to(dtype), scale=0.1)
    set_gates(network, 1.0)
    return network


def converted(network: Vits2, spec: Tensor, noise: Tensor, *, first_frame: int = 0) -> Tensor:
    """[n_bins, T] and [d_latent, T] -> [N], from the first speaker to the second."""
    converter = converter_in(network)
    assert converter is not None
    with torch.no_grad():
        return converter.convert(
            spec[None],
            torch.tensor([spec.shape[1]]),
            torch.tensor([0]),
            torch.tensor([1]),
            noise=lambda shape: noise[None],
            first_frame=first_frame,
        )[0]


def in_pieces(network: Vits2, spec: Tensor, noise: Tensor, *, window: int, context: int) -> Tensor:
    """The same, `window` frames at a time with as much context on each side."""
    n_frames, pieces = spec.shape[1], []
    for start in range(0, n_frames, window):
        end = min(start + window, n_frames)
        left, right = max(0, start - context), min(end + context, n_frames)
        piece = converted(network, spec[:, left:right], noise[:, left:right], first_frame=left)
        pieces.append(piece[(start - left) * HOP : (end - left) * HOP])
    return torch.cat(pieces)


def context_of(network: Vits2) -> int:
    converter = converter_in(network)
    assert converter is not None
    return converter.context_frames


def recording(n_frames: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    spec = normal(SMALL.spectrogram.n_bins, n_frames, dtype=dtype).abs()
    return spec, normal(SMALL.d_latent, n_frames, seed=1, dtype=dtype)


@pytest.mark.parametrize(
    "cfg",
    [
        PLAIN,
        replace(PLAIN, posterior=PosteriorConfig(wavenet=WaveNetConfig(n_layers=3, kernel=3, dilation_rate=2))),
        replace(
            PLAIN, flow=replace(PLAIN.flow, n_couplings=3, wavenet=WaveNetConfig(n_layers=2, kernel=3, dilation_rate=3))
        ),
    ],
)
def test_without_attention_the_samples_of_a_frame_look_as_far_as_the_convolutions(cfg: Vits2Config) -> None:
    network = network_of(cfg)
    reach = context_of(network)
    n_frames, frame = 2 * reach + 5, reach + 2
    spec, noise = recording(n_frames)

    def samples_of_the_frame(changed: int | None) -> Tensor:
        heard = spec.clone()
        if changed is not None:
            heard[:, changed] *= 10.0
        return converted(network, heard, noise)[frame * HOP : (frame + 1) * HOP]

    before = samples_of_the_frame(None)
    for side in (-1, 1):
        assert torch.equal(samples_of_the_frame(frame + side * (reach + 1)), before)
    assert any(not torch.equal(samples_of_the_frame(frame + side * reach), before) for side in (-1, 1))


@pytest.mark.parametrize(
    ("cfg", "dtype", "tolerance"),
    [(PLAIN, torch.float64, 1e-12), (replace(PLAIN, posterior_mel=SMALL.posterior_mel), torch.float32, 1e-5)],
    ids=["linear", "mel"],
)
def test_without_attention_pieces_are_the_whole(cfg: Vits2Config, dtype: torch.dtype, tolerance: float) -> None:
    network = network_of(cfg, dtype)
    context = context_of(network)
    spec, noise = recording(3 * context, dtype)
    whole = converted(network, spec, noise)
    assert float((in_pieces(network, spec, noise, window=context, context=0) - whole).abs().max()) > 1e-3
    pieces = in_pieces(network, spec, noise, window=context, context=context)
    torch.testing.assert_close(pieces, whole, atol=tolerance, rtol=0)


def test_of_a_decoder_with_a_source_too_where_the_voice_rests() -> None:
    decoder = HarmonicHeadConfig(d=16, d_filter=24, n_layers=2, n_fft=256, hop=HOP, d_pitch=8)
    cfg = replace(PLAIN, decoder=decoder)
    network = network_of(cfg)
    context = context_of(network)
    spec, noise = recording(3 * context)
    whole = converted(network, spec, noise)
    pieces = in_pieces(network, spec, noise, window=context, context=context)
    torch.testing.assert_close(pieces, whole, atol=1e-6, rtol=0)


def test_with_attention_pieces_are_close_to_the_whole() -> None:
    """With these weights they are apart by 0.24 % of the deviation, -52 dB, and by twice that without the margin."""
    network = network_of(SMALL, torch.float32)
    context = context_of(network)
    spec, noise = recording(400, torch.float32)
    whole = converted(network, spec, noise)

    def error(context: int) -> float:
        pieces = in_pieces(network, spec, noise, window=150, context=context)
        return float((pieces - whole).square().mean().sqrt() / whole.std())

    assert error(400) == 0
    assert 0 < error(context) < 0.005
    assert error(context - ATTENDED_FRAMES) > 1.5 * error(context)


def test_what_cannot_convert_has_no_converter_and_says_why() -> None:
    spec, lengths, speaker = torch.ones(1, SMALL.spectrogram.n_bins, 5), torch.tensor([5]), torch.tensor([0])
    for n_speakers, purpose, why in ((2, Purpose.SPEAKING, "no posterior"), (1, Purpose.CONVERSION, "one speaker")):
        for kept in (False, True):
            network = Vits2(replace(SMALL, keeps_single_speaker=kept), N_SYMBOLS, n_speakers, 1, purpose)
            assert converter_in(network) is None
            with pytest.raises(ParameterError, match=why):
                network.convert(spec, lengths, speaker, speaker, noise=torch.zeros)


def test_a_converter_says_what_it_is_to_be_given() -> None:
    converter = converter_in(Vits2(SMALL, N_SYMBOLS, 2, 1, Purpose.CONVERSION))
    assert converter is not None
    assert converter.spectrogram == SMALL.spectrogram
    assert converter.context_frames > ATTENDED_FRAMES
