"""What a corpus holds twice: the same audio under two ids, and what evaluation shares with training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sonorant.data.manifest import Split, Utterance

# A model sees train, then is chosen by validation, then is judged by test: each must be new to what went before.
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def duplicates(utterances: Sequence[Utterance]) -> dict[str, str]:
    """Reasons by id: all but the first of those with the same audio; all, where their texts differ."""
    reasons: dict[str, str] = {}
    for first, *later in _sharing(utterances, "audio_hash"):
        group = [first, *later]
        if len({_text_hash(u) for u in group}) == 1:
            reasons.update((u.id, f"the same audio as {first.id}") for u in later)
            continue
        for utterance in group:
            other = next(u for u in group if _text_hash(u) != _text_hash(utterance))
            reasons[utterance.id] = f"the same audio as {other.id}, with another text"
    return reasons


def leakage(utterances: Sequence[Utterance]) -> dict[str, str]:
    """Reasons by id: validation that shares audio or spoken text with train; test with train or validation."""
    reasons: dict[str, str] = {}
    for measure, what in (("text_hash", "text"), ("audio_hash", "audio")):
        for group in _sharing(utterances, measure):
            first = min(group, key=lambda u: SPLITS.index(u.split))
            for utterance in group:
                if utterance.split != first.split:
                    reasons[utterance.id] = f"the same {what} as {first.id} in {first.split}"
    return reasons


def _text_hash(utterance: Utterance) -> float | None:
    return utterance.measures.get("text_hash")


def _sharing(utterances: Sequence[Utterance], measure: str) -> Iterator[list[Utterance]]:
    groups: defaultdict[float, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        if measure in utterance.measures:
            groups[utterance.measures[measure]].append(utterance)
    yield from (group for group in groups.values() if len(group) > 1)
