"""Text to sentences of token ids, every word's way from writing to ids kept. The same code trains and serves."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import regex

from sonorant.config import config
from sonorant.errors import ConfigError, TextError
from sonorant.text import lexicon as lexicons_
from sonorant.text.composed import composed
from sonorant.text.lexicon import Lexicon
from sonorant.text.markup import InlineIpa, Pause, Plain, segments
from sonorant.text.normalize import normalizer_for
from sonorant.text.phonemize import KoreanConfig, PhonemizerConfig, build_phonemizer
from sonorant.text.sentences import sentence_ends
from sonorant.text.symbols import SymbolTable, TokenLayout

# Letters and digits with inner apostrophes and hyphens; combining marks stay with their letter.
_WORD = regex.compile(r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}\u200c\u200d]|['’\-‑](?=[\p{L}\p{N}]))*")
_WORD_OR_MARK = regex.compile(_WORD.pattern + r"|[,;:!?—–]|\.(?=\s)")
_ELLIPSIS = re.compile(r"\.{2,}|…")
# How a mark a voice was not trained with is said through one that it may know.
_MARK_AS = {
    "…": ".",
    "—": ",",
    "–": ",",
    "¡": "",
    "¿": "",
    "。": ".",
    "！": "!",
    "？": "?",
    "，": ",",
    "；": ";",
    "：": ":",
}
_SILENT = frozenset("()[]{}«»‹›“”„‟\"'‘’‚`´*_-‐‑•·\u00ad\u200b\u200c\u200d\u2060\ufe0f\ufeff")
_STRENGTH = "?!.;:,"
_OPENING = frozenset("\"'“‘„«‹([{¿¡*")
_MAX_WORD_CHARS = 1000


@config
class LanguageConfig:
    """One language a voice speaks."""

    code: str
    normalizer: str
    phonemizer: PhonemizerConfig


@config
class FrontendConfig:
    """How a voice's texts became tokens in its training, and so must at synthesis."""

    languages: tuple[LanguageConfig, ...]
    layout: TokenLayout = TokenLayout()
    marks: str = ".,;:!?"
    mark_runs: Literal["strongest", "all"] = "strongest"
    unicode_form: Literal["NFC", "NFD"] = "NFC"
    word_break: str = " "
    max_symbols: int = 400

    def __post_init__(self) -> None:
        if not self.languages:
            raise ValueError("languages is empty: a voice speaks at least one")
        korean = [language.code for language in self.languages if isinstance(language.phonemizer, KoreanConfig)]
        if korean and self.unicode_form != "NFD":
            raise ValueError(f"language {korean[0]!r} has phonemes in jamo, which need unicode_form NFD, not NFC")


@dataclass(frozen=True)
class Word:
    """A word as written, as said, its phonemes, and what decided them.

    rule: the normaliser's rule that rewrote it, "" for none. by: the phonemizer, a lexicon, or "[[ ]]".
    """

    text: str
    spoken: str
    phonemes: str
    rule: str
    by: str


@dataclass(frozen=True)
class Sentence:
    """What a model speaks in one pass.

    symbols: the phonemes, word breaks and marks; word_of_symbol: index into `words`, -1 between words.
    tokens: ids as laid out for the model; symbol_of_token: index into `symbols`, -1 for blanks and marks of the layout.
    pause_s: silence the writer asked for after it, None where none was asked for.
    unknown: what was written or said but has no symbol, and how often.
    """

    text: str
    normalized: str
    words: tuple[Word, ...]
    symbols: tuple[str, ...]
    word_of_symbol: tuple[int, ...]
    tokens: tuple[int, ...]
    symbol_of_token: tuple[int, ...]
    ends_paragraph: bool = False
    pause_s: float | None = None
    unknown: Mapping[str, int] = field(default_factory=dict)


class _Place(NamedTuple):
    """A stretch of a paragraph: offsets into it as written and as normalised."""

    start: int
    end: int
    at: int
    at_end: int


@dataclass(frozen=True)
class _Item:
    """A word, a punctuation mark or a pause of a paragraph."""

    kind: Literal["word", "mark", "pause"]
    text: str
    place: _Place
    spoken: str = ""
    rule: str = ""
    ipa: str | None = None
    by: str = ""
    seconds: float = 0.0


class Frontend:
    """Text of one language to sentences, for one voice."""

    def __init__(
        self, cfg: FrontendConfig, language: LanguageConfig, table: SymbolTable, *, lexicons: Sequence[Lexicon] = ()
    ) -> None:
        """lexicons: the first that knows a word decides."""
        cfg.layout.check(table)
        if cfg.word_break and cfg.word_break not in table:
            raise ConfigError(f"the word break {cfg.word_break!r} is not in the symbol table")
        self.cfg = cfg
        self.language = language
        self.table = table
        self.lexicons = tuple(lexicons)
        self._normalize = normalizer_for(language.normalizer)
        self._phonemize = build_phonemizer(language.phonemizer)
        self._marks = frozenset(mark for mark in cfg.marks if mark in table)

    def __call__(self, paragraph: str) -> Iterator[Sentence]:
        """The sentences of one paragraph. Raises TextError for broken markup."""
        written = composed(paragraph)
        items, normalized, unknown = self._read(written)
        held: Sentence | None = None  # one sentence behind, to know the paragraph's last
        for group in _by_sentence(items, sentence_ends(normalized, self.language.code)):
            for sentence in self._speak(group, written, normalized):
                if held is not None:
                    yield held
                held = replace(sentence, unknown=dict(Counter(sentence.unknown) + unknown)) if unknown else sentence
                unknown = Counter()
        if held is not None:
            yield replace(held, ends_paragraph=True)
        elif unknown:
            yield self._finish([], written, written, unknown=unknown)

    # ---- text to items ---------------------------------------------------------------------------------------------

    def _read(self, written: str) -> tuple[list[_Item], str, Counter[str]]:
        items: list[_Item] = []
        said: list[str] = []
        unknown: Counter[str] = Counter()
        start = at = 0
        for segment in segments(written):
            match segment:
                case Pause(text, seconds):
                    place = _Place(start, start + len(text), at, at)
                    items.append(_Item("pause", text, place, seconds=seconds))
                    start += len(text)
                case InlineIpa(text, ipa):
                    # Stands in the normalised text as a word without points, so that sentences are found around it.
                    stand_in = re.sub(r"[.!?\s]", "", ipa) or "x"
                    place = _Place(start, start + len(text), at, at + len(stand_in))
                    items.append(_Item("word", text, place, ipa, ipa=ipa, by="[[ ]]"))
                    said.append(stand_in)
                    start, at = place.end, place.at_end
                case Plain(text):
                    for piece in self._normalize(text):
                        if piece.rule and not _WORD.search(piece.spoken):
                            # Decoration, or what is said by a mark alone.
                            items += self._marks_in(piece.spoken, Counter(), start=start, at=at)
                        elif piece.rule:
                            items.append(self._rewritten(piece.text, piece.spoken, piece.rule, start=start, at=at))
                        else:
                            items += self._raw(piece.text, unknown, start=start, at=at)
                        said.append(piece.spoken)
                        start, at = start + len(piece.text), at + len(piece.spoken)
        return items, "".join(said), unknown

    def _rewritten(self, text: str, spoken: str, rule: str, *, start: int, at: int) -> _Item:
        place = _Place(start, start + len(text), at, at + len(spoken))
        for lexicon in self.lexicons:
            ipa = lexicon.get(text)
            if ipa is not None:
                return _Item("word", text, place, text, ipa=ipa, by=lexicon.name)
        return _Item("word", text, place, spoken, rule=rule)

    def _raw(self, text: str, unknown: Counter[str], *, start: int, at: int) -> list[_Item]:
        items: list[_Item] = []
        done = 0
        for hit in lexicons_.find(text, self.lexicons):
            items += self._scan(text[done : hit.start], unknown, start=start + done, at=at + done)
            found = text[hit.start : hit.end]
            place = _place(hit.start, hit.end, start=start, at=at)
            items.append(_Item("word", found, place, found, ipa=hit.ipa, by=hit.lexicon))
            done = hit.end
        return items + self._scan(text[done:], unknown, start=start + done, at=at + done)

    def _scan(self, text: str, unknown: Counter[str], *, start: int, at: int) -> list[_Item]:
        items: list[_Item] = []
        done = 0
        for word in _WORD.finditer(text):
            items += self._marks_in(text[done : word.start()], unknown, start=start + done, at=at + done)
            if len(word.group()) > _MAX_WORD_CHARS:
                raise TextError(
                    f"the word {word.group()[:24]!r}… is {len(word.group()):,} characters long: "
                    f"a word may have at most {_MAX_WORD_CHARS:,}; break it up"
                )
            said = word.group().replace("’", "'").replace("‑", "-")
            items.append(_Item("word", word.group(), _place(*word.span(), start=start, at=at), said))
            done = word.end()
        return items + self._marks_in(text[done:], unknown, start=start + done, at=at + done)

    def _marks_in(self, text: str, unknown: Counter[str], *, start: int, at: int) -> list[_Item]:
        items: list[_Item] = []
        # Three points are one mark; keep offsets by padding with what is skipped below.
        text = _ELLIPSIS.sub(lambda dots: "…" + "\u200b" * (len(dots.group()) - 1), text)
        for offset, char in enumerate(text):
            if char.isspace():
                continue
            mark = self._mark_for(char)
            if mark:
                items.append(_Item("mark", char, _place(offset, offset + 1, start=start, at=at), mark))
            elif char not in _MARK_AS and char not in _SILENT and char not in _STRENGTH:
                unknown[char] += 1
        return items

    # ---- items to sentences ----------------------------------------------------------------------------------------

    def _speak(self, items: Sequence[_Item], written: str, normalized: str) -> Iterator[Sentence]:
        """Sentences of one group of items: cut at pauses, and where one would be longer than a model should read."""
        held: list[_Item] = []
        for item in items:
            if item.kind == "pause":
                *parts, last = self._bounded(held, written, normalized)
                yield from (*parts, replace(last, pause_s=item.seconds))
                held = []
            else:
                held.append(item)
        if any(item.kind == "word" for item in held):
            yield from self._bounded(held, written, normalized)

    def _bounded(self, items: list[_Item], written: str, normalized: str) -> Iterator[Sentence]:
        sentence = self._finish(items, written, normalized)
        words = [index for index, item in enumerate(items) if item.kind == "word"]
        if len(sentence.symbols) <= self.cfg.max_symbols or len(words) < 2:
            yield sentence
            return
        # Cut at the mark nearest the middle, else between the two middle words.
        middle = items[words[len(words) // 2]].place.at
        marks = [i for i, item in enumerate(items[:-1]) if item.kind == "mark" and words[0] < i < words[-1]]
        near = [i for i in marks if abs(items[i].place.at - middle) < 0.3 * (items[-1].place.at - items[0].place.at)]
        cut = min(near, key=lambda i: abs(items[i].place.at - middle)) + 1 if near else words[len(words) // 2]
        yield from self._bounded(items[:cut], written, normalized)
        yield from self._bounded(items[cut:], written, normalized)

    def _finish(
        self, items: Sequence[_Item], written: str, normalized: str, *, unknown: Counter[str] | None = None
    ) -> Sentence:
        unknown = Counter(unknown or ())
        words: list[Word] = []
        symbols: list[str] = []
        word_of_symbol: list[int] = []

        def add(text: str, word: int) -> None:
            for symbol in self.table.split(unicodedata.normalize(self.cfg.unicode_form, text)):
                if symbol in self.table:
                    symbols.append(symbol)
                    word_of_symbol.append(word)
                elif not symbol.isspace():
                    unknown[symbol] += 1

        for clause, mark in _clauses(items):
            for item, parts in self._pronounced(clause):
                phonemes = ""
                for part in parts:
                    if not part.joined:
                        phonemes += " " if phonemes else ""
                        if symbols and symbols[-1] != self.cfg.word_break:
                            add(self.cfg.word_break, -1)
                    phonemes += part.ipa
                    add(part.ipa.replace(" ", self.cfg.word_break), len(words))
                if not phonemes:
                    unknown[item.text] += 1
                words.append(Word(item.text, item.spoken, phonemes, item.rule, item.by or self._phonemize.name))
            if mark and symbols:
                for char in mark if self.cfg.mark_runs == "all" else min(mark, key=_strength):
                    add(char, -1)
        while symbols and symbols[-1] == self.cfg.word_break:
            symbols.pop()
            word_of_symbol.pop()
        layout = self.cfg.layout.arrange([self.table[symbol] for symbol in symbols], self.table)
        spoken = any(index >= 0 for index in word_of_symbol)
        return Sentence(
            text=_with_silent_marks(written, items[0].place.start, items[-1].place.end) if items else "",
            normalized=_with_silent_marks(normalized, items[0].place.at, items[-1].place.at_end) if items else "",
            words=tuple(words),
            symbols=tuple(symbols),
            word_of_symbol=tuple(word_of_symbol),
            tokens=layout.ids if spoken else (),
            symbol_of_token=layout.symbol_of_token if spoken else (),
            unknown=dict(unknown),
        )

    def _pronounced(self, clause: Sequence[_Item]) -> Iterator[tuple[_Item, list[_Part]]]:
        """Each word of a clause with its phonemes; words between given pronunciations are said in one context."""
        run: list[_Item] = []
        for item in clause:
            if item.ipa is None:
                run.append(item)
                continue
            yield from self._in_context(run)
            run = []
            yield item, [_Part(item.ipa, joined=False)]
        yield from self._in_context(run)

    def _in_context(self, run: Sequence[_Item]) -> Iterator[tuple[_Item, list[_Part]]]:
        spoken = [_words_and_inner_marks(item.spoken) for item in run]
        said = iter(self._phonemize([token for tokens in spoken for token in tokens if _WORD.match(token)]))
        for item, tokens in zip(run, spoken, strict=True):
            parts: list[_Part] = []
            for token in tokens:
                if not _WORD.match(token):
                    mark = self._mark_for(token)
                    parts += [_Part(mark, joined=True)] if mark else []
                elif (word := next(said)).ipa:
                    parts.append(_Part(word.ipa, joined=word.joined))
            yield item, parts

    def _mark_for(self, char: str) -> str | None:
        """The mark by which the voice says a character of punctuation; "" or None where it has none."""
        mark = char if char in self._marks else _MARK_AS.get(char)
        return mark if not mark or mark in self._marks else None


def _place(first: int, last: int, *, start: int, at: int) -> _Place:
    """A stretch of untouched text that begins at `start` in the paragraph as written and at `at` in the normalised."""
    return _Place(start + first, start + last, at + first, at + last)


def _with_silent_marks(text: str, start: int, end: int) -> str:
    """A stretch of text with the quotes, brackets and points that touch it, which are no items of their own."""
    while start > 0 and text[start - 1] in _OPENING:
        start -= 1
    while end < len(text) and not text[end].isspace() and not text[end].isalnum() and text[end] not in "[([{":
        end += 1
    return text[start:end]


def _words_and_inner_marks(spoken: str) -> list[str]:
    """The words of what is said, and the marks between them; those at the end belong to the clause."""
    tokens = [token.group() for token in _WORD_OR_MARK.finditer(spoken)]
    while tokens and not _WORD.match(tokens[-1]):
        tokens.pop()
    return tokens


@dataclass(frozen=True)
class _Part:
    ipa: str
    joined: bool


def _strength(mark: str) -> int:
    return _STRENGTH.index(mark) if mark in _STRENGTH else len(_STRENGTH)


def _clauses(items: Sequence[_Item]) -> Iterator[tuple[list[_Item], str]]:
    """Runs of words, each with the marks that follow it."""
    words: list[_Item] = []
    marks = ""
    for item in items:
        if item.kind == "mark":
            marks += item.spoken
        else:
            if marks:
                yield words, marks
                words, marks = [], ""
            words.append(item)
            inner = _trailing_marks(item)
            marks += inner
    if words or marks:
        yield words, marks


def _trailing_marks(item: _Item) -> str:
    """The point an abbreviation keeps at the end of a sentence: "etc." is said "et cetera."."""
    return item.spoken[-1] if item.rule and item.spoken[-1:] in {".", ",", "!", "?"} else ""


def _by_sentence(items: Sequence[_Item], ends: Iterator[int]) -> Iterator[list[_Item]]:
    held: list[_Item] = []
    end = next(ends, 0)
    for item in items:
        while item.place.at >= end and (following := next(ends, None)) is not None:
            if held:
                yield held
            held, end = [], following
        held.append(item)
    if held:
        yield held
