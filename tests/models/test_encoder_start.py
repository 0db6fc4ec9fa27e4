"""Starting a voice's training from a phoneme encoder: the text encoder is taken whole, everything else is fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import TrainingError
from sonorant.models.encoder_start import PHONEME_ENCODER, start_from_encoder
from sonorant.models.phoneme_encoder.config import PhonemeEncoderConfig
from sonorant.models.phoneme_encoder.model import PhonemeEncoder
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2
from sonorant.models.vits2.start import start_from
from sonorant.text.standard import standard_config
from sonorant.training.transfer import Source
from tests.models.vits2.small import SMALL
from tests.nn.random_weights import randomized

SYMBOLS = {symbol: row for row, symbol in enumerate("_abcdefgh")}
ENCODER = PhonemeEncoderConfig(
    d_hidden=SMALL.d_hidden, text_encoder=replace(SMALL.text_encoder, speaker_layer=None, dropout=0.3)
)


def tables(*, symbols: dict[str, int] = SYMBOLS, languages: Sequence[str] = ("en-us",)) -> Tables:
    return Tables(
        symbols=symbols,
        speakers=("ann", "bob"),
        frontend=standard_config(languages),
        language_of_speaker=(0, 0),
        corpora=(),
        licences=(),
        seconds=1.0,
    )


def source(cfg: PhonemeEncoderConfig = ENCODER, *, languages: Sequence[str] = ("en-us",)) -> Source:
    reader = randomized(PhonemeEncoder(cfg, n_symbols=len(SYMBOLS), n_sup_phonemes=7, n_languages=len(languages)))
    return Source(
        name="read",
        weights=reader.state_dict(),
        symbols=SYMBOLS,
        speakers=(),
        languages=tuple(languages),
        system=PHONEME_ENCODER,
        model=plain(cfg),
    )


def vits2(of: Tables, cfg: Vits2Config = SMALL) -> Vits2:
    torch.manual_seed(1)
    return Vits2(cfg, max(of.symbols.values()) + 1, len(of.speakers), len(of.frontend.languages))


def test_the_text_encoder_is_the_sources_and_the_rest_is_fresh() -> None:
    of, new, fresh = source(), vits2(tables()), vits2(tables())
    outcome = start_from(of, new, tables())
    state, before = new.state_dict(), fresh.state_dict()
    taken = [name for name in state if name.startswith(("text_encoder.embedding.", "text_encoder.layers."))]
    assert list(outcome.taken) == taken
    assert outcome.in_part == outcome.resized == ()
    for name in taken:
        assert torch.equal(state[name], of.weights[name]), name
        assert not torch.equal(state[name], before[name]), name
    for name in outcome.fresh:
        if not name.startswith("text_encoder.speaker."):
            assert torch.equal(state[name], before[name]), name
    assert sorted([*outcome.taken, *outcome.fresh]) == sorted(state)


def test_what_finds_no_place_is_named() -> None:
    outcome = start_from(source(), vits2(tables()), tables())
    parts = {name.split(".")[0] for name in outcome.left_over}
    assert parts == {"sup_phonemes", "hidden_phoneme", "phoneme_head", "sup_phoneme_head"}
    assert str(outcome).count("\n") == 0


def test_speakers_do_not_change_what_was_learned_until_they_have_learned_themselves() -> None:
    new = vits2(tables())
    start_from(source(), new, tables())
    assert new.text_encoder.speaker is not None
    assert not new.text_encoder.speaker.weight.any()
    assert not new.text_encoder.speaker.bias.any()


def test_symbols_keep_their_rows_by_their_names() -> None:
    symbols = {"z": 0, "h": 3, **{symbol: row + 4 for row, symbol in enumerate("_abcdefg")}}
    of, new = source(), vits2(tables(symbols=symbols))
    outcome = start_from(of, new, tables(symbols=symbols))
    assert outcome.in_part == ("text_encoder.embedding.weight",)
    embedding = new.text_encoder.embedding.weight
    for symbol in SYMBOLS:
        assert torch.equal(embedding[symbols[symbol]], of.weights["text_encoder.embedding.weight"][SYMBOLS[symbol]])


def test_languages_keep_their_rows_by_their_codes() -> None:
    of, target = source(languages=("en-us", "es")), tables(languages=("fr-fr", "es"))
    new = vits2(target)
    outcome = start_from(of, new, target)
    assert new.text_encoder.language is not None
    assert torch.equal(new.text_encoder.language.weight[1], of.weights["text_encoder.language.weight"][1])
    assert not new.text_encoder.language.weight[0].any()
    assert "text_encoder.language.weight" in outcome.in_part


@pytest.mark.parametrize(("ours", "theirs"), [(("en-us", "es"), ("en-us",)), (("en-us",), ("en-us", "es"))])
def test_a_language_table_on_one_side_is_explained(ours: Sequence[str], theirs: Sequence[str]) -> None:
    target = tables(languages=ours)
    outcome = start_from(source(languages=theirs), vits2(target), target)
    assert "text_encoder.language.weight" in (outcome.fresh if len(ours) > 1 else outcome.left_over)


@pytest.mark.parametrize(
    ("cfg", "said"),
    [
        (replace(ENCODER, d_hidden=32), "model.d_hidden: 32 -> 16"),
        (
            replace(ENCODER, text_encoder=replace(ENCODER.text_encoder, n_layers=3)),
            "model.text_encoder.n_layers: 3 -> 2",
        ),
        (
            replace(ENCODER, text_encoder=replace(ENCODER.text_encoder, d_filter=48)),
            "model.text_encoder.d_filter: 48 -> 24",
        ),
        # The same shapes, but other attention.
        (replace(ENCODER, text_encoder=replace(ENCODER.text_encoder, n_heads=4)), "model.text_encoder.n_heads: 4 -> 2"),
    ],
)
def test_other_sizes_are_refused_in_one_line(cfg: PhonemeEncoderConfig, said: str) -> None:
    new = vits2(tables())
    before = {name: tensor.clone() for name, tensor in new.state_dict().items()}
    with pytest.raises(TrainingError, match=f"^read: has another {said}; give the model the source's configuration$"):
        start_from(source(cfg), new, tables())
    assert all(torch.equal(tensor, before[name]) for name, tensor in new.state_dict().items())


def test_a_source_that_lacks_a_layer_is_refused() -> None:
    of = source()
    weights = {name: tensor for name, tensor in of.weights.items() if ".layers.1." not in name}
    with pytest.raises(TrainingError, match=r"^read: lacks text_encoder\.layers\.1\."):
        start_from_encoder(
            replace(of, weights=weights),
            vits2(tables()),
            d_hidden=SMALL.d_hidden,
            text_encoder=SMALL.text_encoder,
            symbols=SYMBOLS,
            languages=(),
        )
