"""Alignments on disk and on other grids: nothing is lost between seconds and frames, and damage is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.alignments import (
    ABOUT,
    ALIGNMENTS,
    SKIPPED,
    TEXTGRIDS,
    About,
    Alignment,
    Halfway,
    Skipped,
    alignment_of,
    frames_of,
    frames_of_tokens,
    read_alignments,
    write_alignments,
)
from sonorant.data.reading import SymbolSpan
from sonorant.errors import CorpusError
from sonorant.text.symbols import SymbolTable, TokenLayout

TABLE = SymbolTable({"_": 0, "^": 1, "$": 2, " ": 3, "a": 4, "b": 5, "c": 6, ".": 7})
BARE = TokenLayout()
ENDS = TokenLayout(begin="_", end="_")
BLANKS = TokenLayout(blank="_", blank_at_ends=True)
PIPER = TokenLayout(begin="^", end="$", blank="_")
LAYOUTS = [BARE, ENDS, BLANKS, PIPER]
SYMBOLS = ("a", "b", " ", "c", ".")
WORDS = (SymbolSpan(text="ab", start=0, end=2), SymbolSpan(text="c", start=3, end=4))
RATE_HZ, HOP = 22_050, 256

durations = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def laid_out(symbols: tuple[str, ...], layout: TokenLayout) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return layout.arrange([TABLE[symbol] for symbol in symbols], TABLE)


def aligned(layout: TokenLayout = ENDS, *, id_: str = "u0", each: int = 3, hop: int = HOP) -> Alignment:
    """Each token of the layout lasts so many frames."""
    tokens, symbol_of_token = laid_out(SYMBOLS, layout)
    return alignment_of(
        id_,
        [each] * len(tokens),
        symbols=SYMBOLS,
        words=WORDS,
        symbol_of_token=symbol_of_token,
        frame_s=hop / RATE_HZ,
    )


def about(**changes: Any) -> About:
    settings = {"aligner": "a", "fingerprint": "f", "manifest_sha256": "m", "sample_rate_hz": RATE_HZ, "hop": HOP}
    return About(**{**settings, **changes})


def written(folder: Path, *rows: Alignment, textgrids: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    write_alignments(folder, about(), rows, [Skipped(id="u9", reason="why")], textgrids=textgrids)
    return folder


@given(durations, st.sampled_from([(16_000, 256), (22_050, 256), (44_100, 512), (8_000, 80), (48_000, 240)]))
def test_on_its_own_grid_an_alignment_gives_its_durations_back(lasting: list[int], grid: tuple[int, int]) -> None:
    rate, hop = grid
    row = alignment_of(
        "u", lasting, symbols=["a"] * len(lasting), words=(), symbol_of_token=range(len(lasting)), frame_s=hop / rate
    )
    frames = frames_of(row, sample_rate_hz=rate, hop=hop, n_frames=sum(lasting))
    assert frames.dtype == np.int64
    assert frames.tolist() == lasting
    assert row.duration_s == pytest.approx(sum(lasting) * hop / rate, abs=1e-6)


@given(durations, st.integers(20, 1200), st.sampled_from([8_000, 16_000, 44_100]), st.integers(-2, 2))
def test_on_any_grid_the_frames_add_up_and_no_end_moves_far(lasting: list[int], hop: int, rate: int, more: int) -> None:
    row = alignment_of(
        "u", lasting, symbols=["a"] * len(lasting), words=(), symbol_of_token=range(len(lasting)), frame_s=0.016
    )
    n_frames = int(row.duration_s * rate / hop) + more
    if n_frames < 0 or abs(n_frames * hop / rate - row.duration_s) > 0.1:
        return
    frames = frames_of(row, sample_rate_hz=rate, hop=hop, n_frames=n_frames)
    assert frames.sum() == n_frames
    assert frames.min() >= 0
    moved = np.cumsum(frames)[:-1] * hop / rate - np.array(row.ends_s[:-1])
    beyond = np.array(row.ends_s[:-1]) > n_frames * hop / rate
    assert np.abs(moved[~beyond]).max(initial=0.0) <= 0.5001 * hop / rate


def test_a_recording_of_another_length_is_refused() -> None:
    row = aligned()
    n_frames = round(row.duration_s * RATE_HZ / HOP)
    with pytest.raises(CorpusError, match=r"u0: was aligned to 0\.244 s, but its 42 frames last 0\.488 s"):
        frames_of(row, sample_rate_hz=RATE_HZ, hop=HOP, n_frames=2 * n_frames)


def test_a_blank_belongs_to_the_symbol_before_it_and_the_first_to_the_first() -> None:
    tokens, symbol_of_token = laid_out(("a", "b"), BLANKS)
    assert len(tokens) == 5
    row = alignment_of("u", [1, 2, 3, 4, 5], symbols="ab", words=(), symbol_of_token=symbol_of_token, frame_s=0.01)
    assert row.ends_s == (0.06, 0.15)
    assert row.spoken_s == (0.01, 0.10)
    assert [(each.start_s, each.end_s) for each in row.phones()] == [(0.01, 0.06), (0.06, 0.10)]


def test_the_times_of_words_leave_out_the_silence_around_them() -> None:
    row = aligned(ENDS, each=2, hop=2205)  # tenths of a second
    assert [(word.text, word.start_s, word.end_s) for word in row.timed_words()] == [("ab", 0.2, 0.6), ("c", 0.8, 1.0)]
    last = Alignment(
        id="u",
        symbols=("a",),
        ends_s=(1.0,),
        spoken_s=(0.25, 0.5),
        words=(SymbolSpan(text="a", start=0, end=1),),
    )
    assert [tuple(word) for word in last.timed_words()] == [("a", 0.25, 0.5)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("by", LAYOUTS)
def test_other_layouts_of_the_same_symbols_share_the_frames(layout: TokenLayout, by: TokenLayout) -> None:
    row = aligned(by)
    tokens, symbol_of_token = laid_out(SYMBOLS, layout)
    grid = {"sample_rate_hz": 16_000, "hop": 200, "n_frames": int(row.duration_s * 16_000 / 200)}
    frames = frames_of_tokens(row, tokens, table=TABLE, layout=layout, **grid)
    assert frames.shape == (len(tokens),)
    assert frames.sum() == grid["n_frames"]
    of_symbols = frames_of(row, **grid)
    places = [place for place, symbol in enumerate(symbol_of_token) if symbol >= 0]
    assert frames[places[1:-1]].tolist() == of_symbols[1:-1].tolist()
    assert frames[: places[0] + 1].sum() == of_symbols[0]
    assert frames[places[-1] :].sum() == of_symbols[-1]
    inner = [place for place in range(1, len(tokens) - 1) if symbol_of_token[place] < 0]
    assert not frames[inner].any(), "the layout's tokens between others last no time"
    has_silence, takes_silence = by != BARE, layout != BARE
    assert (frames[0] < of_symbols[0]) == takes_silence
    assert (places[0] > 0 and frames[0] > 0) == (has_silence and takes_silence)
    assert (places[-1] < len(tokens) - 1 and frames[-1] > 0) == (has_silence and takes_silence)


@pytest.mark.parametrize("layout", [ENDS, BLANKS, PIPER])
def test_the_silence_at_the_ends_is_as_it_was_aligned(layout: TokenLayout) -> None:
    """Of one's own layout the ends come back, and what was inside is the symbols'."""
    row = aligned(layout, each=3)
    tokens, symbol_of_token = laid_out(SYMBOLS, layout)
    n_before = symbol_of_token.index(0)
    n_after = len(tokens) - 1 - symbol_of_token.index(len(SYMBOLS) - 1)
    frames = frames_of_tokens(
        row, tokens, table=TABLE, layout=layout, sample_rate_hz=RATE_HZ, hop=HOP, n_frames=3 * len(tokens)
    )
    assert frames[0] == 3 * n_before
    assert frames[-1] == 3 * n_after


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (
            ("a", "b", " ", "b", "."),
            r"u0: reads otherwise than its aligner: symbol 3 is 'b', but 'c' there; align with",
        ),
        (("a", "b", " ", "c"), r"symbol 4 is at its end, but '\.'"),
        (("a", "b", " ", "c", ".", "a"), r"symbol 5 is 'a', but at its end there"),
    ],
)
def test_other_symbols_are_refused_by_the_first_that_differs(symbols: tuple[str, ...], message: str) -> None:
    row = aligned()
    tokens, _ = laid_out(symbols, BLANKS)
    with pytest.raises(CorpusError, match=message):
        frames_of_tokens(row, tokens, table=TABLE, layout=BLANKS, sample_rate_hz=RATE_HZ, hop=HOP, n_frames=21)


def test_a_symbol_that_the_reader_has_not_is_a_difference() -> None:
    table = SymbolTable({name: row for name, row in TABLE.ids.items() if name != "c"} | {"d": 6})
    tokens, _ = laid_out(SYMBOLS, BARE)
    with pytest.raises(CorpusError, match="symbol 3 is 'd', but 'c' there"):
        frames_of_tokens(aligned(), tokens, table=table, layout=BARE, sample_rate_hz=RATE_HZ, hop=HOP, n_frames=21)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    rows = [aligned(id_="u0"), aligned(BLANKS, id_='ж/"\u2028', each=1)]
    folder = written(tmp_path / "a", *rows)
    found = read_alignments(folder, durations_s={row.id: row.duration_s for row in rows} | {"u9": 1.0})
    assert list(found.of.values()) == rows
    assert found.about == about()
    assert json.loads((folder / SKIPPED).read_text(encoding="utf-8")) == {"id": "u9", "reason": "why"}
    assert not (folder / TEXTGRIDS).exists()


def test_what_is_done_halfway_outlives_a_stop_but_not_another_aligner(tmp_path: Path) -> None:
    path, rows = tmp_path / "halfway.jsonl", [aligned(id_="u0"), aligned(id_="\u00fc\u2028")]
    identities = {"u0": "a", "\u00fc\u2028": "b", "u2": "c"}
    first = Halfway(path, about(), identities)
    for row in rows:
        first.add(row)
    assert list(Halfway(path, about(), identities).rows.values()) == rows
    with path.open("ab") as file:
        file.write('{"id": "cut o\u00fc'.encode()[:-1])  # in mid-character, too
    again = Halfway(path, about(), identities)
    again.add(aligned(id_="u2"))
    assert list(Halfway(path, about(), identities).rows) == ["u0", "\u00fc\u2028", "u2"]
    other = Halfway(path, about(fingerprint="1" * 64), identities)
    assert not other.rows
    assert len(Halfway(path, about(), identities).rows) == 3, "nothing is lost by a look"
    other.add(rows[0])
    assert not Halfway(path, about(), identities).rows, "the other one's file has replaced it"
    again.forget()
    assert not path.exists()
    damaged = Halfway(path, about(), identities)
    damaged.add(rows[0])
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    with pytest.raises(CorpusError, match=r"halfway.jsonl line 3: is no alignment; delete the file, to align anew"):
        Halfway(path, about(), identities)


def test_what_is_done_halfway_outlives_another_manifest_but_not_another_recording(tmp_path: Path) -> None:
    path = tmp_path / "halfway.jsonl"
    first = Halfway(path, about(manifest_sha256="0" * 64, split="train"), {"u0": "a", "u1": "b", "u2": "c"})
    for id_ in ("u0", "u1", "u2"):
        first.add(aligned(id_=id_))
    again = Halfway(path, about(manifest_sha256="1" * 64), {"u0": "a", "u1": "changed", "u3": "d"})
    assert list(again.rows) == ["u0"]


def _row(**changes: object) -> Callable[[list[str]], list[str]]:
    """The second line says something else."""
    return lambda lines: [lines[0], json.dumps({**json.loads(lines[1]), **changes}), *lines[2:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_row(ends_s=[0.1, 0.1, 0.2, 0.3, 0.4]), "symbol 1, 'b', ends at 0.1 s, but begins at 0.1 s"),
        (_row(ends_s=[0.1, 0.2, 0.15, 0.3, 0.4]), "symbol 2, ' ', ends at 0.15 s, but begins at 0.2 s"),
        (_row(ends_s=[-0.1, 0.1, 0.2, 0.3, 0.4]), "symbol 0, 'a', ends at -0.1 s"),
        (_row(ends_s=[0.1, 0.2]), "has 5 symbols and 2 ends"),
        (_row(symbols=[], ends_s=[]), "has 0 symbols"),
        (_row(ends_s=[0.1, 0.2, 0.3, 0.4, 9.0], spoken_s=[0.05, 8.0]), "(id u1): its symbols last 9.000 s, but its"),
        (_row(spoken_s=[0.2, 0.24]), "spoken_s is 0.2 to 0.24"),
        (_row(words=[{"text": "ab", "start": 0, "end": 9}]), "the word 'ab' has symbols 0 to 9"),
        (_row(id="nobody"), "(id nobody): the corpus has no such utterance"),
        (_row(id="u0"), "(id u0): the id stands there twice"),
        (_row(frames=[1]), "frames: Unexpected"),
        (lambda lines: [lines[0], "{", *lines[2:]], "Invalid JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: Callable[[list[str]], list[str]], message: str) -> None:
    folder = written(tmp_path / "a", aligned(id_="u0"), aligned(id_="u1"))
    path = folder / ALIGNMENTS
    path.write_text("\n".join(change(path.read_text(encoding="utf-8").split("\n"))), encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_alignments(folder, durations_s=dict.fromkeys(("u0", "u1"), aligned().duration_s))
    assert str(caught.value).startswith(f"{path} line 2")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_recording_may_be_a_frame_of_the_aligners_longer_and_no_more(tmp_path: Path, sign: int) -> None:
    folder = written(tmp_path / "a", aligned())
    exact_s, frame_s = aligned().duration_s, HOP / RATE_HZ
    assert "u0" in read_alignments(folder, durations_s={"u0": exact_s + sign * frame_s}).of
    with pytest.raises(CorpusError, match="its symbols last"):
        read_alignments(folder, durations_s={"u0": exact_s + sign * 2 * frame_s})


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        (ABOUT, None, "alignments.json: cannot be read"),
        (ABOUT, b"[", "is not valid JSON"),
        (ABOUT, b"{}", "aligner"),
        (ABOUT, b'{"format": 2}', "aligner"),
        (ALIGNMENTS, None, "alignments.jsonl: cannot be read"),
        (ALIGNMENTS, b"\xff\n", "is not UTF-8 at byte 0"),
    ],
)
def test_a_damaged_folder_is_said(tmp_path: Path, name: str, contents: bytes | None, message: str) -> None:
    folder = written(tmp_path / "a", aligned())
    (folder / name).unlink()
    if contents is not None:
        (folder / name).write_bytes(contents)
    with pytest.raises(CorpusError, match=message):
        read_alignments(folder, durations_s={"u0": aligned().duration_s})


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"format is 2, but this sonorant reads 1: upgrade sonorant, or align anew"):
        about(format=2)
