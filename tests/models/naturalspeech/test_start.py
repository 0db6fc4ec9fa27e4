"""Starting a NaturalSpeech from weights that are there: what is taken, what begins anew, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import SonorantError
from sonorant.models import Purpose
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.naturalspeech.start import start_from
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.transformer_flow import HiddenTransformerConfig
from sonorant.text.standard import standard_config, standard_symbols
from sonorant.text.symbols import SymbolTable
from sonorant.training.transfer import Source, Transferred
from tests.models.naturalspeech.small import SMALL
from tests.nn.random_weights import randomized

SYMBOLS = standard_symbols()
N_ROWS = SymbolTable(SYMBOLS).n_rows
RELATED = Vits2Config(
    spectrogram=SMALL.spectrogram,
    posterior_mel=SMALL.posterior_mel,
    d_hidden=SMALL.d_hidden,
    d_latent=SMALL.d_latent,
    d_speaker=SMALL.d_speaker,
    text_encoder=SMALL.text_encoder,
    posterior=SMALL.posterior,
    flow=SMALL.flow,
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


def source(cfg: Vits2Config | NaturalSpeechConfig = RELATED, speakers: tuple[str, ...] = ("bob", "cem")) -> Source:
    torch.manual_seed(3)
    kind = Vits2 if isinstance(cfg, Vits2Config) else NaturalSpeech
    network = randomized(kind(cfg, N_ROWS, len(speakers)), seed=3)  # type: ignore[arg-type]
    return Source(
        name="old",
        weights=network.state_dict(),
        symbols=SYMBOLS,
        speakers=speakers,
        languages=("en-us",),
        system="vits2" if isinstance(cfg, Vits2Config) else "naturalspeech",
        model=plain(cfg),
    )


def started(
    of: Source, cfg: NaturalSpeechConfig = SMALL, speakers: tuple[str, ...] = ("ann", "bob")
) -> tuple[NaturalSpeech, Transferred, Mapping[str, Tensor]]:
    torch.manual_seed(0)
    network = NaturalSpeech(cfg, N_ROWS, len(speakers))
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    return network, start_from(of, network, tables(speakers)), fresh


def parts(names: tuple[str, ...]) -> set[str]:
    return {name.split(".")[0] for name in names}


def same(network: NaturalSpeech, of: Source, names: tuple[str, ...]) -> bool:
    """Whether weights are a source's; of the embedding, the rows that have a symbol."""
    state, rows = network.state_dict(), list(SYMBOLS.values())
    return all(
        torch.equal(state[name][rows], of.weights[name][rows])
        if name == "text_encoder.embedding.weight"
        else torch.equal(state[name], of.weights[name])
        for name in names
    )


def test_of_a_vits2_it_takes_all_but_the_prior_and_the_durations() -> None:
    of = source()
    network, outcome, _ = started(of)
    assert parts(outcome.fresh) == {"duration", "upsampling", "memory"}
    assert parts(outcome.left_over) == {"text_encoder", "duration"}
    assert not outcome.resized
    assert same(network, of, outcome.taken)
    assert torch.equal(network.speaker.weight[1], of.weights["speaker.weight"][0])  # bob
    torch.testing.assert_close(network.speaker.weight[0], of.weights["speaker.weight"].mean(dim=0))


def test_a_decoder_of_another_make_begins_anew() -> None:
    wide = replace(SMALL, decoder=replace(SMALL.decoder, d=32))
    _, outcome, _ = started(source(), wide)
    assert "decoder" in parts((*outcome.fresh, *outcome.resized))
    assert "posterior" not in parts((*outcome.fresh, *outcome.resized))


def test_of_its_own_kind_it_takes_everything_but_the_memory_which_is_made_anew() -> None:
    of = source(SMALL, ("ann", "bob"))
    network, outcome, _ = started(of)
    assert parts(outcome.fresh) == parts(outcome.left_over) == {"memory"}
    assert same(network, of, outcome.taken)


def test_of_a_voice_that_only_speaks_the_posterior_begins_anew() -> None:
    torch.manual_seed(3)
    voice = NaturalSpeech(SMALL, N_ROWS, 2).for_inference(Purpose.SPEAKING)
    of = replace(source(SMALL, ("ann", "bob")), weights=voice.state_dict())
    _, outcome, _ = started(of)
    assert parts(outcome.fresh) == {"posterior", "memory"}


def test_of_one_speaker_what_a_speaker_adds_begins_without_effect() -> None:
    alone = replace(RELATED, text_encoder=replace(RELATED.text_encoder, speaker_layer=None))
    network, _, _ = started(source(alone, ("ann",)))
    conditions = [p for name, p in network.named_parameters() if ".condition." in name and "duration" not in name]
    assert conditions
    torch.testing.assert_close(
        torch.cat([p.flatten() for p in conditions]), torch.zeros(sum(p.numel() for p in conditions))
    )


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (replace(source(), system="wavenet"), "is a 'wavenet' model, but a NaturalSpeech starts from"),
        (
            source(replace(RELATED, text_encoder=TextEncoderConfig(d_filter=32, n_layers=2, speaker_layer=1))),
            "has another model.text_encoder.d_filter",
        ),
        (
            source(replace(RELATED, flow=replace(RELATED.flow, coupling=HiddenTransformerConfig()))),
            "has another model.flow.coupling",
        ),
    ],
    ids=["system", "encoder", "flow"],
)
def test_what_nothing_explains_is_refused_in_one_line_and_changes_nothing(of: Source, message: str) -> None:
    torch.manual_seed(0)
    network = NaturalSpeech(SMALL, N_ROWS, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(SonorantError) as refused:
        start_from(of, network, tables())
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
