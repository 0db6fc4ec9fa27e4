"""What stands out among the others: utterances far louder, quieter, slower or faster than their speaker usually is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

import numpy as np

from sonorant.data.checks.kinds import Limits
from sonorant.data.manifest import Utterance

# The median distance from the median of a normal distribution, as a standard deviation.
_TO_STANDARD_DEVIATION = 1.4826
# Whatever is said, its last sounds are drawn out: a text takes the time of about so many phonemes more than it has.
# With three, the rate of single letters and of long sentences is one in the English and Russian Asterisk prompts.
_FINAL_LENGTHENING = 3.0


def loudness_outliers(utterances: Sequence[Utterance], limits: Limits) -> dict[str, str]:
    """Reasons by id: loudness far from the median of the speaker."""
    loudness = {u.id: u.measures["loudness_lufs"] for u in utterances if "loudness_lufs" in u.measures}
    reasons: dict[str, str] = {}
    for group in _groups(utterances, loudness, lambda u: u.speaker):
        if len(group) < limits.min_group:
            continue
        far = _far([loudness[u.id] for u in group], z=limits.max_loudness_z, apart=limits.min_loudness_apart_db)
        for at, apart in far.items():
            way = "louder" if apart > 0 else "quieter"
            reasons[group[at].id] = (
                f"{loudness[group[at].id]:.1f} LUFS is {abs(apart):.1f} dB {way} than {group[at].speaker} usually is"
            )
    return reasons


def rate_outliers(utterances: Sequence[Utterance], limits: Limits) -> dict[str, str]:
    """Reasons by id: speech far slower or faster than the speaker's in that language.

    Speakers of few utterances are held against all who speak the language.
    """
    pace = {u.id: _pace(u) for u in utterances if u.measures.get("seconds_per_phoneme", 0.0) > 0}
    reasons: dict[str, str] = {}
    few: set[str] = set()
    for group in _groups(utterances, pace, lambda u: (u.speaker, u.language)):
        if len(group) < limits.min_group:
            few.update(u.id for u in group)
            continue
        reasons.update(_rate_reasons(group, pace, limits, whose="usual"))
    for group in _groups(utterances, pace, lambda u: u.language):
        if len(group) >= limits.min_group:
            found = _rate_reasons(group, pace, limits, whose="usual in the language")
            reasons.update((id_, reason) for id_, reason in found if id_ in few)
    return reasons


def _pace(utterance: Utterance) -> float:
    """The logarithm of seconds per phoneme, comparable between short and long texts."""
    n_phonemes = utterance.measures["n_phonemes"]
    speech_s = utterance.measures["seconds_per_phoneme"] * n_phonemes
    return math.log(speech_s / (n_phonemes + _FINAL_LENGTHENING))


def _rate_reasons(
    group: Sequence[Utterance], pace: Mapping[str, float], limits: Limits, *, whose: str
) -> Iterator[tuple[str, str]]:
    far = _far([pace[u.id] for u in group], z=limits.max_rate_z, apart=math.log(limits.min_rate_apart))
    for at, apart in far.items():
        measures = group[at].measures
        way = "slower" if apart > 0 else "faster"
        yield (
            group[at].id,
            f"{measures['seconds_per_phoneme']:.3f} s for each of {measures['n_phonemes']:.0f} phonemes: "
            f"{math.exp(abs(apart)):.1f} times {way} than is {whose}",
        )


def _groups(
    utterances: Sequence[Utterance], measured: Mapping[str, float], key: Callable[[Utterance], Hashable]
) -> list[list[Utterance]]:
    groups: defaultdict[Hashable, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        if utterance.id in measured:
            groups[key(utterance)].append(utterance)
    return list(groups.values())


def _far(values: Sequence[float], *, z: float, apart: float) -> dict[int, float]:
    """Which values lie too far from their median, by robust z and by distance; and the signed distance."""
    distances = np.array(values) - np.median(values)
    spread = _TO_STANDARD_DEVIATION * np.median(np.abs(distances))
    far = (np.abs(distances) > z * spread) & (np.abs(distances) > apart)
    return {int(at): float(distances[at]) for at in np.flatnonzero(far)}
