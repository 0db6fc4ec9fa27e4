"""Amounts count every utterance under each of its keys."""

from __future__ import annotations

from sonorant.data.amounts import Amount, amount, amounts
from sonorant.data.manifest import Utterance


def said(id_: str, duration_s: float, *faults: str) -> Utterance:
    return Utterance(
        id=id_,
        audio="a.wav",
        text="x",
        speaker="anna",
        language="en",
        duration_s=duration_s,
        faults=dict.fromkeys(faults, "so"),
    )


def test_amounts_are_by_key_and_several_keys_count_severally() -> None:
    utterances = [said("a", 60.0, "cer"), said("b", 30.0, "cer", "rate"), said("c", 6.0)]
    assert amounts(utterances, lambda u: u.faults) == {"cer": Amount(2, 90.0), "rate": Amount(1, 30.0)}
    assert amount(utterances) == Amount(3, 96.0)
    assert amount([]) == Amount()


def test_cells_are_a_number_and_minutes() -> None:
    assert Amount(12_345, 90_000.0).cells == ("12,345", "1,500.0")
