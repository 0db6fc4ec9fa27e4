"""The page: the table, and every voice beside the recording to listen to. It needs nothing but its own folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sonorant.audio.io import AudioWriter
from sonorant.audio.pitch import PitchTracker
from sonorant.evaluation import table
from sonorant.evaluation.figures import Figure
from sonorant.evaluation.pictures import draw
from sonorant.evaluation.quality import levelled
from sonorant.evaluation.rows import Row
from sonorant.evaluation.takes import Sound, Take

SOUNDS = "sounds"
"""The folder of the sounds and their pictures, beside the page."""

_HEARD_CHARS = 200
_AIMS = {"lower": "lower is better", "higher": "higher is better", "one": "1 is the recordings' own"}


def write_page(path: Path, rows: Sequence[Row], *, notes: Sequence[str], asked: Mapping[str, Any]) -> None:
    """Write the page, and beside it the sounds that were kept, with their pictures."""
    (path.parent / SOUNDS).mkdir()
    body = "\n".join(
        [
            "<header><h1>Voices, measured</h1>",
            f"<p>{escape(_summary(rows, asked))}</p></header>",
            "<main>",
            _section("figures", "Figures", [_table(rows), _key(rows), _list(notes)]),
            *_listening(path.parent, rows),
            "</main>",
        ]
    )
    path.write_text(_FRAME.format(style=_STYLE, body=body), encoding="utf-8")


def _summary(rows: Sequence[Row], asked: Mapping[str, Any]) -> str:
    voices = list(dict.fromkeys(row.voice for row in rows))
    facts = [f"{', '.join(voices)}"]
    for name, said in (("texts", "new texts from {}"), ("against", "recordings from {}"), ("asr", "heard by {}")):
        if value := asked.get(name):
            facts.append(said.format(", ".join(value) if isinstance(value, (list, tuple)) else value))
    return "; ".join([*facts, f"seed {asked.get('seed', 0)}"]) + "."


def _section(id_: str, title: str, parts: Iterable[str]) -> str:
    inside = "\n".join(parts)
    return f'<section aria-labelledby="{id_}"><h2 id="{id_}">{escape(title)}</h2>\n{inside}\n</section>'


def _table(rows: Sequence[Row]) -> str:
    figures = table.figures_in(rows, "heard", "compared")
    with_nearest = any(row.nearest for row in rows)
    headings = [f'<th scope="col">{escape(name)}</th>' for name in table.LABELS]
    for figure in figures:
        unit = f"<small>{escape(figure.unit)}</small>" if figure.unit else ""
        headings.append(f'<th scope="col" class="number">{escape(figure.title)} {unit}</th>')
    if with_nearest:
        headings.append('<th scope="col">nearest</th>')
    lines = []
    group: object = None
    for row in rows:
        begins, group = group not in (None, _group(row)), _group(row)
        name, *labels = table.labels(row)
        cells = [f'<th scope="row">{escape(name)}</th>', *(f"<td>{escape(label)}</td>" for label in labels)]
        cells += [_figure_cell(row, figure) for figure in figures]
        if with_nearest:
            cells.append(f"<td>{escape(table.nearest_cell(row))}</td>")
        kind = " ".join(["person"] * (row.part.voice is None) + ["begins"] * begins)
        lines.append(f'<tr class="{kind}">{"".join(cells)}</tr>')
    return (
        '<div class="wide" role="region" aria-labelledby="figures" tabindex="0"><table>\n'
        f"<thead><tr>{''.join(headings)}</tr></thead>\n<tbody>\n{chr(10).join(lines)}\n</tbody></table></div>"
    )


def _figure_cell(row: Row, figure: Figure) -> str:
    if figure.name not in row.figures:
        return '<td class="number none">–</td>'
    value, bounds = figure.shown(row.figures[figure.name])
    return f'<td class="number"><b>{value}</b> <small>{bounds}</small></td>'


def _key(rows: Sequence[Row]) -> str:
    items = [
        f"<dt>{escape(figure.title)}</dt><dd>{escape(figure.meaning)}; {_AIMS[figure.aim]}</dd>"
        for figure in table.figures_in(rows, "heard", "compared")
    ]
    if any(row.nearest for row in rows):
        items.append(
            "<dt>nearest</dt><dd>who of those recorded is most alike, and how; for recordings, of the others</dd>"
        )
    return f"<details open><summary>What the figures are</summary><dl>{''.join(items)}</dl></details>"


def _list(notes: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"


def _group(row: Row) -> tuple[str, str, str]:
    """What stands side by side."""
    return row.part.language.partition("-")[0], row.part.beside or row.part.speaker, row.texts


def _listening(folder: Path, rows: Sequence[Row]) -> Iterator[str]:
    pitch = PitchTracker()
    for number, group in enumerate(dict.fromkeys(map(_group, rows)), 1):
        _, speaker, texts = group
        alike = [row for row in rows if _group(row) == group]
        language = alike[0].part.language
        title = f"{speaker} ({language}): {'texts that were recorded' if texts == 'recorded' else 'new texts'}"
        kept = dict.fromkeys(take.id for row in alike for take in row.takes if take.sound is not None)
        articles = []
        for at, id_ in enumerate(kept, 1):
            takes = [(row, take) for row in alike for take in row.takes if take.id == id_ and take.sound]
            name = f"{number:02d}-{at:03d}"
            articles.append(_article(folder, takes, name=name, language=language, pitch=pitch))
        if articles:
            yield _section(f"listen-{number}", title, articles)


def _article(folder: Path, takes: Sequence[tuple[Row, Take]], *, name: str, language: str, pitch: PitchTracker) -> str:
    """One text, said by all who said it."""
    length_s = max(take.duration_s for _, take in takes)
    cards = []
    for at, (row, take) in enumerate(takes, 1):
        assert take.sound is not None
        file = f"{name}-{at}"
        # All as loud as each other, or the louder one seems the better.
        samples, rate_hz = levelled(take.sound.samples, take.sound.sample_rate_hz), take.sound.sample_rate_hz
        with AudioWriter(folder / SOUNDS / f"{file}.flac", rate_hz) as writer:
            writer.write(samples)
        picture = draw(samples, rate_hz, f0_hz=pitch(samples, rate_hz), length_s=length_s)
        (folder / SOUNDS / f"{file}.png").write_bytes(picture)
        cards.append(_card(row, take, take.sound, file))
    first = takes[0][1]
    return (
        f'<article><h3><span lang="{escape(language)}">{escape(first.text)}</span> <small>{escape(first.id)}</small>'
        "</h3>"
        f'\n<div class="cards">{"".join(cards)}</div></article>'
    )


def _card(row: Row, take: Take, sound: Sound, file: str) -> str:
    who = f"recording of {row.part.speaker}" if row.part.voice is None else f"{row.voice}, {row.part.speaker}"
    heard = ""
    if take.heard is not None:
        language = escape(row.part.language)
        heard = f'<p class="heard"><span>heard</span> <q lang="{language}">{escape(_short(take.heard))}</q></p>'
    facts = " · ".join(_facts(take))
    return (
        f'<figure class="{"person" if row.part.voice is None else "voice"}">'
        f"<figcaption><b>{escape(who)}</b> <small>{sound.duration_s:.2f} s, {sound.sample_rate_hz / 1000:g} kHz</small>"
        "</figcaption>"
        f'<audio controls preload="none" src="{SOUNDS}/{file}.flac" aria-label="{escape(who)}: {escape(take.text)}">'
        "</audio>"
        f'<img src="{SOUNDS}/{file}.png" width="800" height="416" loading="lazy" '
        f'alt="Spectrogram and pitch of {escape(who)}">'
        f'{heard}<p class="facts">{escape(facts)}</p></figure>'
    )


def _short(heard: str) -> str:
    """The beginning of a text: in babble, a recogniser may hear one word a hundred times. The report has it all."""
    return heard if len(heard) <= _HEARD_CHARS else heard[:_HEARD_CHARS].rstrip() + "…"


def _facts(take: Take) -> Iterator[str]:
    """The figures of one take."""
    if take.errors:
        yield f"CER {100 * take.errors.character_error_rate:.0f} %"
    if take.quality:
        yield f"DNSMOS {take.quality.overall:.2f}"
    if take.comparison:
        compared = take.comparison
        yield f"MCD {compared.distortion_db:.1f} dB"
        if compared.pitch.n_voiced:
            yield f"F0 {compared.pitch.rmse_cents:.0f} cents"
        yield f"pace {compared.duration.ratio:.2f}"
    yield from take.faults


_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --card: #f6f6f4; --ink: #1c1c1a; --soft: #5d5d58; --rule: #d9d9d4;
  --person: #2c6e63; }
@media (prefers-color-scheme: dark) { :root { --ground: #161615; --card: #20201e; --ink: #ecece6; --soft: #a8a8a0;
  --rule: #3a3a36; --person: #6cc0b1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 100rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .8rem; }
h3 { font-size: 1rem; margin: 1.8rem 0 .6rem; font-weight: 600; }
header p, small, .facts, .heard span, dd, ul { color: var(--soft); }
header p { margin: 0; overflow-wrap: anywhere; }
small { font-weight: 400; font-size: .75rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
th, td { padding: .4rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
thead th { vertical-align: bottom; font-weight: 600; border-bottom-width: 2px; }
.number { text-align: right; }
.number small { display: block; }
.none { color: var(--soft); }
tr.begins > * { border-top: 2px solid var(--rule); }
tr.person th, figure.person b { color: var(--person); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; font-size: .9rem; }
dt { font-weight: 600; }
dd { margin: 0; }
details, ul { margin: 1rem 0; font-size: .9rem; }
ul { padding-left: 1.2rem; }
summary { cursor: pointer; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem; max-width: 44rem; background: var(--card);
  border-radius: .4rem; border-top: 3px solid var(--rule); }
figure.person { border-top-color: var(--person); }
figcaption { display: flex; justify-content: space-between; gap: 1rem; margin-bottom: .5rem; }
audio { display: block; width: 100%; height: 2.4rem; }
img { display: block; width: 100%; height: auto; margin: .6rem 0 .3rem; }
.heard, .facts { margin: .2rem 0 0; font-size: .85rem; }
:focus-visible { outline: 2px solid var(--person); outline-offset: 2px; }
"""

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Voices, measured</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
