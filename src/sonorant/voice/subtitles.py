"""Times as files: SubRip (.srt), WebVTT (.vtt), Praat (.TextGrid) and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from sonorant.audio.io import check_target, whole_file
from sonorant.errors import AudioError
from sonorant.voice.speech import TimedSentence, TimedWord, Timeline

_MAX_CUE_CHARS = 84  # two lines of 42
_MAX_CUE_S = 7.0


def check(path: Path) -> None:
    """Raise AudioError when subtitles cannot be written to `path`."""
    check_target(path, frozenset(_WRITERS), kind="a subtitle file")


def write(path: Path, timeline: Timeline, *, duration_s: float) -> None:
    """Write a timeline in the format its suffix names; the file appears whole or not at all. Raises AudioError."""
    check(path)
    text = _WRITERS[path.suffix.lower()](timeline, duration_s)
    with whole_file(path) as part:
        try:
            part.write_text(text, encoding="utf-8")
        except OSError as error:
            raise AudioError(f"{path}: cannot be written ({error.strerror or error})") from None


def _srt(timeline: Timeline, duration_s: float) -> str:
    del duration_s
    blocks = [
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues(timeline), start=1)
    ]
    return "\n".join(blocks)


def _vtt(timeline: Timeline, duration_s: float) -> str:
    del duration_s
    blocks = [
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{_escaped(cue.text)}\n" for cue in cues(timeline)
    ]
    return "WEBVTT\n\n" + "\n".join(blocks)


def _json(timeline: Timeline, duration_s: float) -> str:
    contents = {
        "duration_s": round(duration_s, 4),
        "sentences": [_rounded(asdict(sentence)) for sentence in timeline.sentences],
        "words": [_rounded(asdict(word)) for word in timeline.words],
        "phonemes": [_rounded(asdict(phoneme)) for phoneme in timeline.phonemes],
    }
    return json.dumps(contents, ensure_ascii=False, indent=1) + "\n"


def _textgrid(timeline: Timeline, duration_s: float) -> str:
    tiers = [
        ("sentences", [(s.start_s, s.end_s, s.text) for s in timeline.sentences]),
        ("words", [(w.start_s, w.end_s, w.text) for w in timeline.words]),
        ("phonemes", [(p.start_s, p.end_s, p.symbol) for p in timeline.phonemes]),
    ]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {duration_s:.6f}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, spans) in enumerate(tiers, start=1):
        intervals = list(_without_gaps(spans, duration_s))
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0", f"        xmax = {duration_s:.6f}", f"        intervals: size = {len(intervals)}"]
        for index, (start_s, end_s, text) in enumerate(intervals, start=1):
            quoted = text.replace('"', '""')
            lines += [f"        intervals [{index}]:", f"            xmin = {start_s:.6f}"]
            lines += [f"            xmax = {end_s:.6f}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


_WRITERS: dict[str, Callable[[Timeline, float], str]] = {
    ".srt": _srt,
    ".vtt": _vtt,
    ".textgrid": _textgrid,
    ".json": _json,
}


def cues(timeline: Timeline) -> Iterator[TimedSentence]:
    """Sentences as they fit on a screen: long ones are cut between words."""
    at = 0
    for sentence in timeline.sentences:
        mine: list[TimedWord] = []
        while at < len(timeline.words) and timeline.words[at].start_s < sentence.end_s - 1e-9:
            mine.append(timeline.words[at])
            at += 1
        yield from _cut(sentence, mine)


def _cut(sentence: TimedSentence, words: Sequence[TimedWord]) -> Iterator[TimedSentence]:
    too_long = len(sentence.text) > _MAX_CUE_CHARS or sentence.end_s - sentence.start_s > _MAX_CUE_S
    if not too_long or len(words) < 2:
        yield sentence
        return
    middle = len(sentence.text) / 2
    # Where each word but the first begins in the text; punctuation stays with the word before it.
    offsets: list[int] = []
    at = 0
    for word in words:
        found = sentence.text.find(word.text, at)
        at = found if found >= 0 else at
        offsets.append(at)
        at += len(word.text)

    def badness(index: int) -> float:
        before = sentence.text[: offsets[index]].rstrip()
        return abs(offsets[index] - middle) - (0.3 * middle if before[-1:] in {",", ";", ":", "—", "–"} else 0.0)

    cut = min(range(1, len(words)), key=badness)
    left = TimedSentence(sentence.text[: offsets[cut]].rstrip(), sentence.start_s, words[cut].start_s)
    right = TimedSentence(sentence.text[offsets[cut] :], words[cut].start_s, sentence.end_s)
    if not left.text or not right.text:
        yield sentence
        return
    yield from _cut(left, words[:cut])
    yield from _cut(right, words[cut:])


def _without_gaps(spans: Sequence[tuple[float, float, str]], duration_s: float) -> Iterator[tuple[float, float, str]]:
    """Praat wants a tier filled from 0 to its end: empty intervals where nothing sounds."""
    at = 0.0
    for start_s, end_s, text in spans:
        if start_s > at + 1e-6:
            yield at, start_s, ""
        if end_s > max(start_s, at) + 1e-6:
            yield max(start_s, at), end_s, text
            at = end_s
    if duration_s > at + 1e-6:
        yield at, duration_s, ""


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _rounded(values: dict[str, object]) -> dict[str, object]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}
