"""TextGrids that Praat reads: tiers without gaps, and a name for every id."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.textgrid import Interval, textgrid, textgrid_names
from tests.data.praat import read_textgrid


@given(st.lists(st.tuples(st.text("ab\" é'\\", max_size=4), st.integers(0, 50), st.integers(1, 50)), max_size=8))
def test_it_reads_back_and_covers_the_recording_without_gaps(steps: list[tuple[str, int, int]]) -> None:
    spoken, at = [], 0
    for text, gap, length in steps:
        spoken.append(Interval(text or "x", (at + gap) / 100, (at + gap + length) / 100))
        at += gap + length
    duration_s = (at + 10) / 100
    tiers = read_textgrid(textgrid({"words": iter(spoken), 'pho"nes': []}, duration_s=duration_s))
    assert list(tiers) == ["words", 'pho"nes']
    for tier in tiers.values():
        assert [tier[0].start_s, tier[-1].end_s] == [0, duration_s]
        for one, following in pairwise(tier):
            assert one.end_s == following.start_s
        assert all(interval.start_s < interval.end_s for interval in tier)
    assert [interval for interval in tiers["words"] if interval.text] == spoken


def test_names_are_safe_and_say_the_id() -> None:
    ids = ["en-us/one", "../up", ".hidden", "a b.c", "50%", "ж", 'q"\0', "u1"]
    assert textgrid_names(ids) == [
        f"{name}.TextGrid"
        for name in ("en-us%2Fone", "%2E.%2Fup", "%2Ehidden", "a%20b.c", "50%25", "%D0%B6", "q%22%00", "u1")
    ]


@given(st.lists(st.text("aAbB/%2F.~é", min_size=1, max_size=300), unique=True, max_size=20))
def test_no_two_ids_share_a_name_even_where_case_does_not_count(ids: list[str]) -> None:
    names = textgrid_names(ids)
    assert len({name.lower() for name in names}) == len(ids)
    assert max((len(name) for name in names), default=0) < 255
    assert not any("/" in name or name.startswith(".") for name in names)


@pytest.mark.parametrize(("seconds", "said"), [(1.0, "1"), (0.25, "0.25"), (10.0, "10"), (0.0116099, "0.01161")])
def test_times_are_said_shortly(seconds: float, said: str) -> None:
    assert f"xmax = {said}\n" in textgrid({}, duration_s=seconds)
