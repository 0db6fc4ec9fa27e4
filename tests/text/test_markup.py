"""Marks a writer may put into the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.errors import TextError
from sonorant.text.markup import InlineIpa, Pause, Plain, segments


def test_marks_are_cut_out_of_the_text() -> None:
    assert list(segments("Hi [[həˈloʊ]] you[pause:0.5s]bye")) == [
        Plain("Hi "),
        InlineIpa("[[həˈloʊ]]", "həˈloʊ"),
        Plain(" you"),
        Pause("[pause:0.5s]", 0.5),
        Plain("bye"),
    ]


@pytest.mark.parametrize(
    ("written", "seconds"), [("[pause:2s]", 2.0), ("[pause: 300ms]", 0.3), ("[PAUSE:1.25]", 1.25), ("[pause:0s]", 0.0)]
)
def test_pauses_have_units(written: str, seconds: float) -> None:
    assert list(segments(written)) == [Pause(written, pytest.approx(seconds))]


@pytest.mark.parametrize(
    "text", ["[[", "a [[b", "[[ ]]", "[pause: ]", "[pause:]", "[pause:-1s]", "[pause:nan]", "[pause:61s]"]
)
def test_broken_marks_are_refused(text: str) -> None:
    with pytest.raises(TextError):
        list(segments(text))


def test_other_brackets_are_text() -> None:
    assert list(segments("see [1], [sic], [pauses]")) == [Plain("see [1], [sic], [pauses]")]


@given(st.text(alphabet=st.characters(exclude_characters="[]")))
def test_text_without_brackets_is_left_alone(text: str) -> None:
    assert "".join(part.text for part in segments(text)) == text
