"""The one left-to-right scan that every language's rules run under.

All rules of a language are joined, in priority order, into one regular expression; each hit becomes one `Piece`.
Every repetition in a rule is bounded (`{1,40}`, never `*` over a wide class), which keeps the scan linear on any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

Match = re.Match[str]


@dataclass(frozen=True)
class Piece:
    """A stretch of the text and what to say for it."""

    text: str  # exactly as written
    spoken: str  # what to say instead; equals text when rule == ""
    rule: str  # name of the rule that acted, "" for untouched text


@dataclass(frozen=True)
class Rule:
    """What one kind of writing looks like, and how it is said.

    `speak` may return None to decline; then the later rules are tried at the same place.
    """

    name: str
    pattern: str
    speak: Callable[[Match], str | None]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


# Where the rules of a section may begin: one cheap look before trying them all.
# `\w` also holds these; to the rules they are signs.
RAISED = "²³¹⁰⁴-⁹₀-₉¼-¾⅐-⅞"
LETTER = rf"[^\W\d_{RAISED}]"
NOT_IN_WORD = rf"(?![^\W_{RAISED}])"
TOKEN_START = r"(?<!\w)(?=\w)"
NUMBER_START = r"(?=[0-9¼-¾⅐-⅞]|[^\w\s][^\w\s]?[ \u00a0]?[0-9])"
WORD_START = rf"(?<![^\W_])(?={LETTER})"
SIGN_START = rf"(?=[^\w\s,;:!?)\]\"“”]|[_{RAISED}])"


@dataclass(frozen=True)
class Section:
    """Rules that all begin where `start` (a zero-width pattern) allows."""

    start: str
    rules: Sequence[Rule]


class Scanner:
    """Rewrites text by the rules of its sections, first rule first."""

    def __init__(self, sections: Sequence[Section], *, joint: Callable[[Piece, Piece], str] | None = None) -> None:
        """joint: what to say between two pieces written without a space between; a space where it is not given."""
        self._sections = sections
        self._joint = joint or (lambda before, after: " ")

    def __call__(self, text: str) -> list[Piece]:
        """The pieces of `text`, in order; their texts join to exactly `text`."""
        atoms: list[Piece] = []
        done = start = 0
        while hit := self._master.search(text, start):
            atom = self._rewrite(text, hit)
            if atom is None:
                start = hit.start() + 1
                continue
            if hit.start() > done:
                atoms.append(_untouched(text[done : hit.start()]))
            atoms.append(atom)
            done = start = hit.start() + len(atom.text)
        if done < len(text):
            atoms.append(_untouched(text[done:]))
        return _merge_tight(atoms, self._joint) if done else atoms

    @cached_property
    def _rules(self) -> list[Rule]:
        return [
            Rule(rule.name, section.start + f"(?:{rule.pattern})", rule.speak)
            for section in self._sections
            for rule in section.rules
        ]

    @cached_property
    def _master(self) -> re.Pattern[str]:
        # Groups are named by the rule's place, because two rules may share a name.
        numbers = iter(range(len(self._rules)))
        sections = [
            f"{section.start}(?:"
            + "|".join(f"(?P<r{next(numbers)}>{_anonymous(rule.pattern)})" for rule in section.rules)
            for section in self._sections
        ]
        return re.compile("|".join(section + ")" for section in sections))

    def _rewrite(self, text: str, hit: Match) -> Piece | None:
        assert hit.lastgroup is not None
        for rule in self._rules[int(hit.lastgroup[1:]) :]:
            # Matched again alone, because the master has lost the names of the rule's own groups.
            match = rule.regex.match(text, hit.start())
            if match and (spoken := rule.speak(match)) is not None:
                return Piece(match.group(), spoken, rule.name)
        return None


def _anonymous(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def _untouched(text: str) -> Piece:
    return Piece(text, text, "")


class _Unit:
    """A piece being put together."""

    def __init__(self, atom: Piece, joint: Callable[[Piece, Piece], str]) -> None:
        self.atoms = [atom]
        self.rule = atom.rule
        self._joint = joint

    def add(self, atom: Piece) -> None:
        self.atoms.append(atom)
        self.rule = self.rule or atom.rule

    @property
    def end(self) -> str:
        """The last that is said, as far as it is one atom."""
        return self.atoms[-1].spoken

    def piece(self) -> Piece:
        spoken = self.atoms[0].spoken
        for before, after in zip(self.atoms, self.atoms[1:], strict=False):
            spoken += self._joint(before, after) + after.spoken
        return Piece("".join(atom.text for atom in self.atoms), spoken, self.rule)


def _merge_tight(atoms: Sequence[Piece], joint: Callable[[Piece, Piece], str]) -> list[Piece]:
    """Join what is written without a space between but must be said as separate words: "2+2", "x²"."""
    units: list[_Unit] = []
    for atom in atoms:
        last = units[-1] if units else None
        if last is None or not (last.rule or atom.rule) or not _touch(last.end, atom.spoken):
            units.append(_Unit(atom, joint))
        elif not atom.rule:
            size = len(atom.text) - len(_lstrip_word(atom.text))
            last.add(_untouched(atom.text[:size]))
            if size < len(atom.text):
                units.append(_Unit(_untouched(atom.text[size:]), joint))
        elif not last.rule:
            text = last.atoms[0].text
            size = len(_rstrip_word(text))
            units.pop()
            if size:
                units.append(_Unit(_untouched(text[:size]), joint))
            unit = _Unit(_untouched(text[size:]), joint)
            unit.add(atom)
            units.append(unit)
        else:
            last.add(atom)
    return [unit.piece() for unit in units]


def _touch(before: str, after: str) -> bool:
    return before[-1:].isalnum() and after[:1].isalnum()


def _lstrip_word(text: str) -> str:
    return text[next((i for i, char in enumerate(text) if not char.isalnum()), len(text)) :]


def _rstrip_word(text: str) -> str:
    return text[: next((i for i in range(len(text), 0, -1) if not text[i - 1].isalnum()), 0)]
