"""What stands out is found, in a small group as in a large one, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from sonorant.data.checks.kinds import Limits
from sonorant.data.checks.outliers import loudness_outliers, rate_outliers
from sonorant.data.manifest import Utterance

Find = Callable[[Sequence[Utterance], Limits], Mapping[str, str]]


def said(id_: str, *, speaker: str = "anna", language: str = "en", **measures: float) -> Utterance:
    return Utterance(
        id=id_, audio="a.wav", text="x", speaker=speaker, language=language, duration_s=1.0, measures=measures
    )


def usual_loudness(n: int, *, speaker: str = "anna", lufs: float = -20.0, spread: float = 1.0) -> list[Utterance]:
    noise = np.random.default_rng(0).normal(0, spread, n)
    return [said(f"{speaker}{i}", speaker=speaker, loudness_lufs=lufs + float(noise[i])) for i in range(n)]


def usual_rate(n: int, *, speaker: str = "anna", pace_s: float = 0.08) -> list[Utterance]:
    """Texts of all lengths at one pace, each with its drawn-out end."""
    rng = np.random.default_rng(1)
    counts = rng.integers(1, 80, n)
    speech_s = (counts + 3) * pace_s * np.exp(rng.normal(0, 0.1, n))
    return [
        said(f"{speaker}{i}", speaker=speaker, n_phonemes=float(c), seconds_per_phoneme=float(s / c))
        for i, (c, s) in enumerate(zip(counts, speech_s, strict=True))
    ]


@pytest.mark.parametrize("way", ["louder", "quieter"])
def test_an_utterance_far_from_its_speakers_loudness_is_found(way: str) -> None:
    odd = said("odd", loudness_lufs=-20.0 + (12.0 if way == "louder" else -12.0))
    found = loudness_outliers([*usual_loudness(40), odd], Limits())
    assert list(found) == ["odd"]
    assert way in found["odd"]
    assert "anna" in found["odd"]


def test_each_speaker_is_held_against_themselves() -> None:
    quiet = usual_loudness(40, speaker="anna", lufs=-32.0)
    loud = usual_loudness(40, speaker="bert", lufs=-14.0)
    assert loudness_outliers([*quiet, *loud], Limits()) == {}
    assert list(loudness_outliers([*quiet, *loud, said("odd", loudness_lufs=-14.0)], Limits())) == ["odd"]


def test_levelled_recordings_do_not_make_small_differences_large() -> None:
    """All alike but for one that is 3 dB off: many deviations, but hardly to be heard."""
    assert loudness_outliers([*usual_loudness(40, spread=0.0), said("odd", loudness_lufs=-17.0)], Limits()) == {}


@pytest.mark.parametrize(("factor", "way"), [(3.0, "slower"), (1 / 3, "faster")])
@pytest.mark.parametrize("n_phonemes", [2, 10, 60])
def test_speech_far_from_the_usual_pace_is_found(factor: float, way: str, n_phonemes: int) -> None:
    speech_s = (n_phonemes + 3) * 0.08 * factor
    odd = said("odd", n_phonemes=n_phonemes, seconds_per_phoneme=speech_s / n_phonemes)
    found = rate_outliers([*usual_rate(60), odd], Limits())
    assert list(found) == ["odd"]
    assert way in found["odd"]


def test_short_texts_are_not_slow_only_for_being_short() -> None:
    letter = said("letter", n_phonemes=1.0, seconds_per_phoneme=4 * 0.08)
    assert rate_outliers([*usual_rate(60), letter], Limits()) == {}


def test_a_speaker_of_few_utterances_is_held_against_the_language() -> None:
    few = usual_rate(5, speaker="bert", pace_s=0.3)
    others = usual_rate(60)
    assert set(rate_outliers([*others, *few], Limits())) == {utterance.id for utterance in few}
    enough = usual_rate(20, speaker="bert", pace_s=0.3)
    assert rate_outliers([*others, *enough], Limits()) == {}


@pytest.mark.parametrize("find", [loudness_outliers, rate_outliers])
def test_among_few_nothing_stands_out(find: Find) -> None:
    few = [said(str(i), loudness_lufs=-20.0, n_phonemes=10.0, seconds_per_phoneme=0.1) for i in range(10)]
    odd = said("odd", loudness_lufs=-40.0, n_phonemes=10.0, seconds_per_phoneme=9.0)
    assert find([*few, odd], Limits()) == {}
    assert list(find([*few, odd], Limits(min_group=5))) == ["odd"]


@pytest.mark.parametrize("find", [loudness_outliers, rate_outliers])
def test_what_was_not_measured_is_not_judged(find: Find) -> None:
    assert find([said(str(i)) for i in range(30)], Limits()) == {}
