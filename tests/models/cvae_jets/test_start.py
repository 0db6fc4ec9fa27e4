"""Starting a CVAE-JETS from weights that are there: what is taken, what begins anew, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.audio.spectrogram import MelConfig
from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import SonorantError
from sonorant.models import Purpose
from sonorant.models.cvae_jets.config import CvaeJetsConfig
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.cvae_jets.start import start_from
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.harmonic_head import HarmonicHeadConfig
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.text.symbols import SymbolTable
from sonorant.training.transfer import Source, Transferred
from tests.models.cvae_jets.small import HOP, JETS, SMALL
from tests.nn.random_weights import randomized

SYMBOLS = standard_symbols()
N_ROWS = SymbolTable(SYMBOLS).n_rows
LAYERS = "text_encoder.layers."
TRANSFORMER = replace(SMALL, text_encoder=JETS.text_encoder)
RELATED = Vits2Config(
    spectrogram=SMALL.spectrogram,
    posterior_mel=SMALL.mel,
    d_hidden=SMALL.d_hidden,
    d_latent=SMALL.latent.d_latent,
    d_speaker=SMALL.d_speaker,
    text_encoder=JETS.text_encoder,
    posterior=SMALL.latent.posterior,
    flow=SMALL.latent.flow,
    decoder=SMALL.decoder,
)


def tables(speakers: tuple[str, ...] = ("ann", "bob")) -> Tables:
    return Tables(
        symbols=SYMBOLS,
        speakers=speakers,
        frontend=standard_config(["en-us"], blanks=False),
        language_of_speaker=(0,) * len(speakers),
        corpora=(),
        licences=(),
        seconds=1.0,
    )


def source(cfg: Vits2Config | CvaeJetsConfig = RELATED, speakers: tuple[str, ...] = ("bob", "cem")) -> Source:
    torch.manual_seed(3)
    kind = Vits2 if isinstance(cfg, Vits2Config) else CvaeJets
    network = randomized(kind(cfg, N_ROWS, len(speakers)), seed=3)  # type: ignore[arg-type]
    return Source(
        name="old",
        weights=network.state_dict(),
        symbols=SYMBOLS,
        speakers=speakers,
        languages=("en-us",),
        system="vits2" if isinstance(cfg, Vits2Config) else "cvae_jets",
        model=plain(cfg),
    )


def started(
    of: Source, cfg: CvaeJetsConfig = SMALL, speakers: tuple[str, ...] = ("ann", "bob")
) -> tuple[CvaeJets, Transferred, Mapping[str, Tensor]]:
    torch.manual_seed(0)
    network = CvaeJets(cfg, N_ROWS, len(speakers))
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    return network, start_from(of, network, tables(speakers)), fresh


def parts(names: tuple[str, ...]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_of_a_vits2_it_takes_what_is_behind_the_prior() -> None:
    of = source()
    network, outcome, _ = started(of)
    assert parts(outcome.fresh) == {"statistics", "text_encoder", "aligner", "duration", "pitch", "energy", "prior"}
    assert parts(outcome.left_over) == {"text_encoder", "duration"}
    assert {"posterior", "flow", "decoder", "speaker"} <= parts(outcome.taken + outcome.in_part)
    state = network.state_dict()
    assert torch.equal(state["decoder.output.weight"], of.weights["decoder.output.weight"])
    assert torch.equal(network.speaker.weight[1], of.weights["speaker.weight"][0])  # bob


def test_of_a_vits2_with_another_text_encoder_it_takes_the_symbols_and_no_layer() -> None:
    """Some weights of both have the same names and shapes, but another meaning."""
    of = source()
    network, outcome, fresh = started(of)
    state = network.state_dict()
    name = "text_encoder.layers.0.attention.query.weight"
    assert of.weights[name].shape == state[name].shape
    assert all(torch.equal(state[name], value) for name, value in fresh.items() if name.startswith(LAYERS))
    assert not [name for name in outcome.taken + outcome.in_part if name.startswith(LAYERS)]
    symbols, rows = "text_encoder.embedding.weight", list(SYMBOLS.values())
    assert symbols in outcome.taken + outcome.in_part
    assert torch.equal(state[symbols][rows], of.weights[symbols][rows])


def test_another_decoder_than_a_vits2s_begins_anew() -> None:
    decoder = HarmonicHeadConfig(d=16, d_filter=24, n_fft=256, hop=HOP, d_pitch=8)
    network, outcome, fresh = started(source(), replace(SMALL, decoder=decoder))
    assert {"posterior", "flow", "speaker"} <= parts(outcome.taken + outcome.in_part)
    assert "decoder" in parts(outcome.fresh + outcome.resized) & parts(outcome.left_over)
    state = network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in fresh.items() if name.startswith("decoder."))


def test_of_a_vits2_with_such_a_text_encoder_it_takes_that_too() -> None:
    of = source()
    network, outcome, _ = started(of, TRANSFORMER)
    assert "text_encoder" not in parts(outcome.fresh)
    name = "text_encoder.layers.0.attention.query.weight"
    assert torch.equal(network.state_dict()[name], of.weights[name])


@pytest.mark.parametrize("ours", [TRANSFORMER, SMALL], ids=["transformer", "conformer"])
@pytest.mark.parametrize("theirs", [None, 1])
@pytest.mark.parametrize("layer", [None, 1])
def test_a_text_encoder_may_know_speakers_or_not(ours: CvaeJetsConfig, theirs: int | None, layer: int | None) -> None:
    """What a speaker adds to a text encoder that knew of none begins without effect."""
    of = source(replace(RELATED, text_encoder=replace(RELATED.text_encoder, speaker_layer=theirs)))
    cfg = replace(ours, text_encoder=replace(ours.text_encoder, speaker_layer=layer))
    network, outcome, _ = started(of, cfg)
    name = "text_encoder.speaker.weight"
    assert (name in outcome.fresh) == (theirs is None and layer is not None)
    assert (name in outcome.left_over) == (theirs is not None and layer is None)
    if name in outcome.fresh:
        assert not network.state_dict()[name].any()


def test_of_another_of_its_kind_it_takes_all() -> None:
    of = source(SMALL)
    network, outcome, _ = started(of, speakers=("bob", "cem"))
    assert (outcome.fresh, outcome.resized, outcome.left_over) == ((), (), ())
    state = network.state_dict()
    rows = list(SYMBOLS.values())
    for name, value in of.weights.items():
        if name == "text_encoder.embedding.weight":
            assert torch.equal(state[name][rows], value[rows])
        else:
            assert torch.equal(state[name], value), name


def test_a_voice_without_a_posterior_lends_the_rest() -> None:
    torch.manual_seed(3)
    speaking = randomized(CvaeJets(SMALL, N_ROWS, 2), seed=3).for_inference(Purpose.SPEAKING)
    of = replace(source(SMALL), weights=speaking.state_dict())
    _, outcome, _ = started(of, speakers=("bob", "cem"))
    assert parts(outcome.fresh) == {"posterior", "aligner"}


@pytest.mark.parametrize("cfg", [SMALL, RELATED], ids=["its own kind", "a VITS2"])
def test_of_one_speaker_what_a_speaker_adds_begins_without_effect(cfg: Vits2Config | CvaeJetsConfig) -> None:
    of = source(cfg, speakers=("bob",))
    network, outcome, _ = started(of)
    state = network.state_dict()
    conditions = {name for name in state if name.startswith("posterior.") and ".condition." in name}
    assert conditions
    assert {"speaker.weight", *conditions} <= {*outcome.fresh}
    assert all(float(state[name].abs().max()) == 0 for name in conditions if not name.endswith("original1"))


@pytest.mark.parametrize("cfg", [SMALL, RELATED], ids=["its own kind", "a VITS2"])
def test_for_one_speaker_what_speakers_add_is_left_behind(cfg: Vits2Config | CvaeJetsConfig) -> None:
    of = source(cfg)
    network, outcome, _ = started(of, speakers=("bob",))
    assert network.speaker is None
    assert "speaker.weight" in outcome.left_over
    assert torch.equal(network.state_dict()["decoder.output.weight"], of.weights["decoder.output.weight"])


def test_dropout_may_be_another() -> None:
    drier = replace(SMALL, text_encoder=replace(SMALL.text_encoder, dropout=0.3))
    _, outcome, _ = started(source(SMALL), drier, speakers=("bob", "cem"))
    assert outcome.fresh == ()


@pytest.mark.parametrize(
    ("of", "cfg", "message"),
    [
        (replace(source(), system="vits"), SMALL, "old: is a vits, but a CVAE-JETS starts from another, a VITS2"),
        (source(), replace(SMALL, d_hidden=24), r"old: has another model\.d_hidden"),
        (
            source(),
            replace(SMALL, latent=replace(SMALL.latent, d_latent=12)),
            r"old: has another model\.latent\.d_latent: 8 -> 12",
        ),
        (source(), replace(SMALL, mel=MelConfig(n_mels=24)), r"old: has another model\.mel\.n_mels: 20 -> 24"),
        (source(), JETS, r"old: has a latent, but model\.latent is null"),
        (source(SMALL), replace(SMALL, upsampling="gaussian"), r"old: has another model\.upsampling"),
        (
            replace(source(), system="phoneme_encoder"),
            SMALL,
            r"is a phoneme encoder, a transformer, but model\.text_enc",
        ),
    ],
    ids=["system", "size", "latent", "mel", "no latent", "setting", "encoder"],
)
def test_what_does_not_fit_is_refused_by_its_name(of: Source, cfg: CvaeJetsConfig, message: str) -> None:
    with pytest.raises(SonorantError, match=message):
        started(of, cfg)
