"""A selection keeps what it was asked to keep, and accounts for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from sonorant.config import parse
from sonorant.data.manifest import Utterance
from sonorant.data.selection import Selection, select
from sonorant.errors import ConfigError, CorpusError


def said(
    id_: str,
    *faults: str,
    duration_s: float = 5.0,
    speaker: str = "anna",
    language: str = "en",
    weight: float = 1.0,
    **measures: float,
) -> Utterance:
    return Utterance(
        id=id_,
        audio="a.wav",
        text="x",
        speaker=speaker,
        language=language,
        duration_s=duration_s,
        weight=weight,
        measures=measures,
        faults=dict.fromkeys(faults, "so"),
    )


def test_without_faults_everything_is_kept() -> None:
    utterances = [said("a"), said("b", duration_s=0.1), said("c", speaker="bert")]
    selected = select(utterances, Selection())
    assert selected.kept == utterances
    assert selected.dropped == {}


def test_faults_exclude_only_where_named() -> None:
    utterances = [said("a", "truncated"), said("b", "silence"), said("c", "silence", "cer"), said("d")]
    assert [u.id for u in select(utterances, Selection()).kept] == ["b", "c", "d"]
    assert [u.id for u in select(utterances, Selection(without_faults=())).kept] == ["a", "b", "c", "d"]
    selected = select(utterances, Selection(without_faults=("cer", "silence")))
    assert [u.id for u in selected.kept] == ["a", "d"]
    assert selected.dropped == {"fault silence": ["b"], "fault cer": ["c"]}


def test_every_reason_is_told_with_its_ids() -> None:
    utterances = [
        said("short", duration_s=0.5),
        said("long", duration_s=20.0),
        said("brief", duration_s=0.6),
        said("bert", speaker="bert"),
        said("french", language="fr"),
        said("low", loudness_lufs=-50.0),
        said("high", loudness_lufs=-5.0),
        said("fine", loudness_lufs=-20.0),
        said("unmeasured"),
    ]
    selection = Selection(
        limits={"loudness_lufs": (-40.0, -10.0)},
        min_duration_s=1.0,
        max_duration_s=15.0,
        speakers=("anna",),
        languages=("en",),
    )
    selected = select(utterances, selection)
    assert [u.id for u in selected.kept] == ["fine", "unmeasured"]
    assert selected.dropped == {
        "shorter than 1 s": ["short", "brief"],
        "longer than 15 s": ["long"],
        "another speaker": ["bert"],
        "another language": ["french"],
        "loudness_lufs below -40": ["low"],
        "loudness_lufs above -10": ["high"],
    }


def test_limits_are_kept_by_what_lies_on_them() -> None:
    utterances = [said("a", cer=0.1), said("b", cer=0.2)]
    assert len(select(utterances, Selection(limits={"cer": (0.1, 0.2)})).kept) == 2
    assert len(select(utterances, Selection(limits={"cer": (None, 0.15)})).kept) == 1


def test_faults_lower_weights_together() -> None:
    utterances = [said("a", "cer", "rate", weight=2.0), said("b", "rate"), said("c")]
    kept = select(utterances, Selection(weights={"cer": 0.25, "rate": 0.5})).kept
    assert [u.weight for u in kept] == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(speakers=("anne",)), "no utterance has the speaker 'anne'; there are: anna"),
        (Selection(languages=("de",)), "no utterance has the language 'de'; there are: en"),
        (Selection(limits={"cer": (None, 0.2)}), "no utterance has the measure 'cer'; there are: none; .*corpus check"),
    ],
)
def test_names_that_nothing_has_are_errors(selection: Selection, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        select([said("a")], selection)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"without_faults": ["clipped"]}, "there is no fault 'clipped'; expected some of unreadable"),
        ({"weights": {"noise": 0.5}}, "there is no fault 'noise'"),
        ({"weights": {"cer": 0.0}}, "without_faults"),
        ({"weights": {"cer": 2.0}}, "above 0 and up to 1"),
        ({"limits": {"cer": [0.3, 0.1]}}, "holds nothing"),
        ({"limits": {"cer": [None, None]}}, "leave it out"),
        ({"limits": {"cer": [0.3]}}, "limits"),
        ({"min_duration_s": 3, "max_duration_s": 2}, "min_duration_s is 3"),
        ({"max_cer": 0.3}, "max_cer"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(Selection, data, source="run.yaml")


def test_a_selection_reads_from_a_file_form() -> None:
    selection = parse(Selection, {"limits": {"cer": [None, 0.2]}, "weights": {"rate": 0.5}}, source="run.yaml")
    assert selection.limits == {"cer": (None, 0.2)}
