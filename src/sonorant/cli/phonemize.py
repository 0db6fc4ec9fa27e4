"""`sonorant phonemize`: what a text becomes before a voice speaks it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sonorant.text.frontend import Frontend, Sentence


def phonemize(
    text: Annotated[str, typer.Argument(help="The text.")],
    language: Annotated[str, typer.Option("--language", "-l", help="Such as en, en-gb, es, fr, it, ko, ru.")] = "en",
    voice: Annotated[str | None, typer.Option("--voice", "-v", help="Use this voice's symbols and ids.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each word's way and the rule that acted.")] = False,
    lexicon: Annotated[Path | None, typer.Option(help="Pronunciations: lines of word<TAB>ipa.")] = None,
) -> None:
    """Show a text's phonemes; with --explain, text, normalised text, phonemes and ids, and the rule that acted."""
    from sonorant.cli.say import report_unknown
    from sonorant.errors import TextError
    from sonorant.text.paragraphs import paragraphs

    frontend = _frontend(language, voice, lexicon)
    sentences = [sentence for paragraph in paragraphs(text.splitlines()) for sentence in frontend(paragraph)]
    if not any(sentence.tokens for sentence in sentences):
        raise TextError("there is nothing to say: the text holds no word; give some words")
    if not explain:
        report_unknown(sum((Counter(sentence.unknown) for sentence in sentences), Counter()))
    for sentence in sentences:
        typer.echo(_explained(sentence, frontend) if explain else "".join(sentence.symbols))


def _frontend(language: str, voice: str | None, lexicon: Path | None) -> Frontend:
    from sonorant.text.lexicon import Lexicon
    from sonorant.voice import default
    from sonorant.voice.bundle import Bundle
    from sonorant.voice.frontends import frontend_for, standard_frontend

    extra = Lexicon.read(lexicon) if lexicon else None
    if voice is None:
        return standard_frontend(language, lexicon=extra)
    return frontend_for(Bundle.read(default.find(voice), verify=False), language, lexicon=extra)


def _explained(sentence: Sentence, frontend: Frontend) -> str:
    rows = [("text", "said as", "phonemes", "ids", "rule", "by")]
    for index, word in enumerate(sentence.words):
        symbols = [s for s, owner in zip(sentence.symbols, sentence.word_of_symbol, strict=True) if owner == index]
        ids = " ".join(str(frontend.table[symbol]) for symbol in symbols)
        rows.append((word.text, word.spoken, word.phonemes, ids, word.rule or "-", word.by))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"text        {sentence.text}",
        f"normalised  {sentence.normalized}",
        f"phonemes    {''.join(sentence.symbols)}",
        f"ids         {' '.join(map(str, sentence.tokens))}",
    ]
    if sentence.unknown:
        lines.append("no symbol   " + ", ".join(f"{symbol!r} ×{count}" for symbol, count in sentence.unknown.items()))
    if sentence.pause_s:
        lines.append(f"pause       {sentence.pause_s:g} s")
    lines.append("")
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, ""])
