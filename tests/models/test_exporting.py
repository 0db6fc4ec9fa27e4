"""What a run has made, on its way into a voice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sonorant.data.prepare import Tables
from sonorant.errors import ParameterError
from sonorant.models.exporting import without_speakers
from sonorant.models.trained import Trained
from sonorant.text.standard import standard_config

SPEAKERS = ("ann", "bob", "cem", "dot")


def trained() -> Trained:
    weights: dict[str, Tensor] = {
        "speaker.weight": torch.arange(8.0).reshape(4, 2),
        "statistics.pitch_mean": torch.arange(4.0),
        "decoder.weight": torch.arange(4.0),
    }
    tables = Tables(
        symbols={"a": 1},
        speakers=SPEAKERS,
        frontend=standard_config(["en-us", "it"]),
        language_of_speaker=(0, 1, 1, 0),
        corpora=("asterisk", "synthetic speech by cem"),
        licences=("CC0",),
        seconds=1.0,
    )
    return Trained(
        system="some",
        model={},
        sample_rate_hz=16_000,
        tables=tables,
        n_symbols=2,
        steps={"train": 1},
        weights=weights,
        for_voice=lambda converts: {**weights, "posterior.weight": torch.zeros(4)} if converts else weights,
        by_speaker=("speaker.weight", "statistics.pitch_mean"),
    )


def test_speakers_left_out_take_their_rows_with_them() -> None:
    left = without_speakers(trained(), ["cem"])
    assert left.tables.speakers == ("ann", "bob", "dot")
    assert left.tables.language_of_speaker == (0, 1, 0)
    assert left.tables.corpora == ("asterisk", "synthetic speech by cem"), "what it learned from stays on its card"
    for weights in (left.weights, left.for_voice(True), left.for_voice(False)):
        assert weights["speaker.weight"].tolist() == [[0, 1], [2, 3], [6, 7]]
        assert weights["statistics.pitch_mean"].tolist() == [0, 1, 3]
        assert weights["decoder.weight"].tolist() == [0, 1, 2, 3], "as long as there are speakers, but not theirs"
    assert left.for_voice(True).keys() - left.for_voice(False).keys() == {"posterior.weight"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["eve"], "there is no speaker 'eve' to leave out, only ann, bob, cem, dot"),
        (["ann", "bob", "cem"], "1 of 4 speakers would be left, but a model of several keeps 2 at least"),
    ],
)
def test_speakers_that_cannot_be_left_out_are_said(names: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        without_speakers(trained(), names)
