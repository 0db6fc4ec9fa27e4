"""How much speech there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from sonorant.data.manifest import Utterance

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Amount:
    """A number of utterances and how long they last together."""

    n_utterances: int = 0
    duration_s: float = 0.0

    @property
    def cells(self) -> tuple[str, str]:
        """The number and the minutes, for a table."""
        return f"{self.n_utterances:,}", f"{self.duration_s / 60:,.1f}"


def amount(utterances: Iterable[Utterance]) -> Amount:
    """How much some utterances are."""
    durations_s = [utterance.duration_s for utterance in utterances]
    return Amount(n_utterances=len(durations_s), duration_s=sum(durations_s))


def amounts(utterances: Iterable[Utterance], keys: Callable[[Utterance], Iterable[K]]) -> dict[K, Amount]:
    """How much there is of each key, in the order in which the keys come; an utterance counts for all of its keys."""
    groups: defaultdict[K, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        for key in keys(utterance):
            groups[key].append(utterance)
    return {key: amount(group) for key, group in groups.items()}
