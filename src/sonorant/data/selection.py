"""Which utterances of a corpus a run uses, by what a check found of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sonorant.config import config
from sonorant.data.checks.kinds import FAULTS
from sonorant.data.manifest import Utterance
from sonorant.errors import CorpusError

_SHOWN = 10


@config
class Selection:
    """What an utterance must be like to be used."""

    without_faults: tuple[str, ...] = (
        "unreadable",
        "truncated",
        "not_finite",
        "no_speech",
        "unspeakable",
        "duplicate",
        "leakage",
    )
    """Kinds of faults that exclude an utterance."""
    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Measure -> lowest and highest that may be; None for no limit. An utterance without the measure passes."""
    min_duration_s: float = 0.0
    max_duration_s: float | None = None
    speakers: tuple[str, ...] = ()
    """Empty for all."""
    languages: tuple[str, ...] = ()
    """Empty for all."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Kind of fault -> what the weight of an utterance that has it is multiplied by."""

    def __post_init__(self) -> None:
        for name in ("without_faults", "weights"):
            for kind in getattr(self, name):
                if kind not in FAULTS:
                    raise ValueError(f"{name}: there is no fault {kind!r}; expected some of {', '.join(FAULTS)}")
        for kind, factor in self.weights.items():
            if not 0 < factor <= 1:
                raise ValueError(f"weights: {kind} is {factor}, but must lie above 0 and up to 1; see without_faults")
        for measure, (low, high) in self.limits.items():
            if low is None and high is None:
                raise ValueError(f"limits: {measure} has none; leave it out")
            if low is not None and high is not None and not low <= high:
                raise ValueError(f"limits: {measure} is from {low} to {high}, which holds nothing")
        if self.max_duration_s is not None and not self.min_duration_s <= self.max_duration_s:
            raise ValueError(f"min_duration_s is {self.min_duration_s}, above max_duration_s, {self.max_duration_s}")


@dataclass(frozen=True)
class Selected:
    """What is used, and the ids of what is not by reason. Who has several reasons stands under the first."""

    kept: list[Utterance]
    dropped: Mapping[str, list[str]]


def select(utterances: Sequence[Utterance], selection: Selection) -> Selected:
    """The utterances that a selection keeps, in their order, with their weights.

    Give all of a manifest: raises CorpusError for a speaker, a language or a measure that no utterance has.
    """
    _check_names(utterances, selection)
    kept: list[Utterance] = []
    dropped: defaultdict[str, list[str]] = defaultdict(list)
    for utterance in utterances:
        reason = _against(utterance, selection)
        if reason:
            dropped[reason].append(utterance.id)
            continue
        factor = 1.0
        for kind, of_kind in selection.weights.items():
            factor *= of_kind if kind in utterance.faults else 1.0
        kept.append(utterance if factor == 1.0 else replace(utterance, weight=utterance.weight * factor))
    return Selected(kept=kept, dropped=dict(dropped))


def _against(utterance: Utterance, selection: Selection) -> str:
    """The first reason against an utterance, "" for none."""
    if selection.speakers and utterance.speaker not in selection.speakers:
        return "another speaker"
    if selection.languages and utterance.language not in selection.languages:
        return "another language"
    for kind in selection.without_faults:
        if kind in utterance.faults:
            return f"fault {kind}"
    if utterance.duration_s < selection.min_duration_s:
        return f"shorter than {selection.min_duration_s:g} s"
    if selection.max_duration_s is not None and utterance.duration_s > selection.max_duration_s:
        return f"longer than {selection.max_duration_s:g} s"
    for measure, (low, high) in selection.limits.items():
        value = utterance.measures.get(measure)
        if value is not None and low is not None and value < low:
            return f"{measure} below {low:g}"
        if value is not None and high is not None and value > high:
            return f"{measure} above {high:g}"
    return ""


def _check_names(utterances: Sequence[Utterance], selection: Selection) -> None:
    there = {
        "speaker": (selection.speakers, {u.speaker for u in utterances}),
        "language": (selection.languages, {u.language for u in utterances}),
        "measure": (selection.limits, {name for u in utterances for name in u.measures}),
    }
    for what, (asked, known) in there.items():
        for name in asked:
            if name not in known:
                shown = ", ".join(sorted(known)[:_SHOWN]) + ("…" if len(known) > _SHOWN else "")
                hint = "; 'sonorant corpus check' measures" if what == "measure" else ""
                raise CorpusError(f"no utterance has the {what} {name!r}; there are: {shown or 'none'}{hint}")
