"""What every system's aligner keeps to: all frames shared out, no chance, and the same as training without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from sonorant.models import Purpose, Synthesizer, aligner_in
from sonorant.models.aligning import Aligner
from sonorant.models.vits.model import Vits
from sonorant.models.vits2.model import Vits2
from sonorant.nn.alignment import monotonic_alignment
from sonorant.nn.latent import StillNoise
from tests.models.batches import N_SYMBOLS
from tests.models.vits2.small import SMALL, small
from tests.nn.random_weights import normal, randomized
from tests.tiny import CONFIG

TOKENS = torch.randint(0, N_SYMBOLS, (3, 9), generator=torch.Generator().manual_seed(2))
TOKEN_LENGTHS = torch.tensor([9, 1, 5])
FRAME_LENGTHS = torch.tensor([40, 6, 33])
SPEC = 3 * normal(3, CONFIG.spectrogram.n_bins, 8).abs().repeat_interleave(5, dim=2)
SPEAKERS = torch.tensor([0, 1, 1])
LANGUAGES = torch.tensor([0, 1, 0])


@dataclass(frozen=True)
class Make:
    """How a system's networks are made: with so many speakers, with the parts of a purpose."""

    system: str
    build: Callable[[int], Any]
    speaking: Callable[[], Synthesizer]


def vits(n_speakers: int) -> Vits:
    torch.manual_seed(0)
    return randomized(Vits(CONFIG, N_SYMBOLS, n_speakers), scale=0.2)


MAKES = [
    Make(
        "vits",
        vits,
        lambda: Vits(CONFIG, N_SYMBOLS, 2, Purpose.SPEAKING),
    ),
    Make(
        "vits2",
        lambda n_speakers: small(n_speakers=n_speakers, n_languages=2),
        lambda: Vits2(SMALL, N_SYMBOLS, 2, 1, Purpose.SPEAKING),
    ),
]
each_system = pytest.mark.parametrize("make", MAKES, ids=lambda make: make.system)


class Still(StillNoise):
    """What a training pass asks for beside."""

    def per_token(self, d: int, n: int) -> Tensor:
        return torch.zeros(3, d, n)

    def uniform(self) -> Tensor:
        return torch.zeros(3)


def aligner_of(make: Make, network: Any) -> Aligner:
    aligner = aligner_in(network, make.system)
    assert aligner is not None
    return aligner


def durations(aligner: Aligner, rows: slice = slice(None)) -> Tensor:
    n_tokens, n_frames = int(TOKEN_LENGTHS[rows].max()), int(FRAME_LENGTHS[rows].max())
    return aligner.durations(
        TOKENS[rows, :n_tokens],
        TOKEN_LENGTHS[rows],
        SPEC[rows, :, :n_frames],
        FRAME_LENGTHS[rows],
        SPEAKERS[rows],
        LANGUAGES[rows],
    )


@each_system
@pytest.mark.parametrize("n_speakers", [1, 2])
def test_all_frames_are_shared_out_among_all_tokens(make: Make, n_speakers: int) -> None:
    found = durations(aligner_of(make, make.build(n_speakers)))
    assert found.dtype == torch.int64
    assert found.sum(1).tolist() == FRAME_LENGTHS.tolist()
    is_real = torch.arange(9) < TOKEN_LENGTHS[:, None]
    assert found[is_real].min() >= 1
    assert not found[~is_real].any()


@each_system
def test_they_are_those_of_training_without_noise(make: Make) -> None:
    network = make.build(2)
    conditions = (SPEAKERS, LANGUAGES) if make.system == "vits2" else (SPEAKERS,)
    out = network(
        TOKENS, TOKEN_LENGTHS, SPEC, FRAME_LENGTHS, *conditions,
        align=monotonic_alignment, noise=Still(3, torch.device("cpu")), segment_frames=4,
    )  # fmt: skip
    expected = out.explained.durations if make.system == "vits2" else out.durations
    assert torch.equal(durations(aligner_of(make, network)), expected)
    assert len(set(expected[0].tolist())) > 1, "a share for each says nothing"


@each_system
def test_an_item_is_aligned_alone_as_in_company(make: Make) -> None:
    aligner = aligner_of(make, make.build(2))
    together = durations(aligner)
    for item in range(3):
        alone = durations(aligner, slice(item, item + 1))
        assert torch.equal(together[item, : alone.shape[1]], alone[0])


@each_system
def test_the_speaker_matters_and_a_voice_aligns_as_its_training(make: Make) -> None:
    network = make.build(2)
    aligner, of_voice = aligner_of(make, network), aligner_of(make, network.for_inference(Purpose.CONVERSION))
    assert torch.equal(durations(aligner), durations(of_voice))
    before = durations(aligner)
    with torch.no_grad():
        network.speaker.weight.add_(10.0 * normal(*network.speaker.weight.shape))
    assert not torch.equal(durations(aligner), before)


@each_system
def test_its_weights_are_those_that_decide(make: Make) -> None:
    network = make.build(2)
    aligner = aligner_of(make, network)
    before = durations(aligner)
    state = network.state_dict()
    others = state.keys() - aligner.weights.keys()
    assert {name.split(".")[0] for name in others} == {"decoder", "duration"}
    with torch.no_grad():
        for name in others:
            state[name].add_(1.0)
    assert torch.equal(durations(aligner), before)
    assert all(torch.equal(state[name], tensor) for name, tensor in aligner.weights.items())


@each_system
def test_a_network_that_only_speaks_has_no_aligner(make: Make) -> None:
    assert aligner_in(make.speaking(), make.system) is None


def test_a_system_without_alignment_search_has_no_aligner() -> None:
    assert aligner_in(MAKES[0].build(1), "wavenet") is None
