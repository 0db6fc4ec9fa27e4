"""Splits are fair to every speaker, share nothing, and come out the same again."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonorant.data.manifest import Utterance
from sonorant.data.split import Portion, split
from sonorant.errors import CorpusError, ParameterError


def said(id_: str, text: str, *, speaker: str = "anna", language: str = "en", audio: float | None = None) -> Utterance:
    return Utterance(
        id=id_,
        audio=f"{id_}.wav",
        text=text,
        speaker=speaker,
        language=language,
        duration_s=1.0,
        measures={} if audio is None else {"audio_hash": audio},
    )


def corpus(**n_of_speaker: int) -> list[Utterance]:
    return [
        said(f"{speaker}-{i}", f"text {speaker} {i}", speaker=speaker)
        for speaker, n in n_of_speaker.items()
        for i in range(n)
    ]


def portion(text: str) -> Portion:
    return Portion.parse(text)


@pytest.mark.parametrize(
    ("text", "n"), [("0", 0), ("7", 7), ("0.1", 20), (".05", 10), ("2%", 4), ("2.5%", 5), ("0%", 0), ("0.0", 0)]
)
def test_a_portion_is_a_number_or_a_share(text: str, n: int) -> None:
    assert portion(text).of(200) == n


@pytest.mark.parametrize("text", ["", "-1", "1.5", "100%", "1.0", "nan", "inf", "1e3", "many", "0,1", " 3", "٣", "5%%"])
def test_other_portions_are_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="no portion"):
        portion(text)


def test_every_speaker_gives_in_proportion() -> None:
    utterances = split(corpus(anna=100, bert=50, cleo=10), validation=portion("16"), test=portion("10%"))
    for name in ("validation", "test"):
        assert Counter(u.speaker for u in utterances if u.split == name) == {"anna": 10, "bert": 5, "cleo": 1}


def test_languages_of_one_speaker_give_in_proportion() -> None:
    both = [said(f"{language}{i}", f"{i}", language=language) for language in ("en", "fr") for i in range(50)]
    utterances = split(both, validation=portion("10"), test=portion("0"))
    assert Counter(u.language for u in utterances if u.split == "validation") == {"en": 5, "fr": 5}


@given(
    texts=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y", "z"]), st.integers(0, 12))),
    n_validation=st.integers(0, 6),
    n_test=st.integers(0, 6),
    seed=st.integers(0, 3),
)
def test_nothing_is_shared_and_nobody_is_lost(
    texts: list[tuple[str, str, int]], n_validation: int, n_test: int, seed: int
) -> None:
    utterances = [
        said(str(i), text, speaker=speaker, audio=float(audio)) for i, (text, speaker, audio) in enumerate(texts)
    ]
    try:
        found = split(
            utterances, validation=Portion(n_utterances=n_validation), test=Portion(n_utterances=n_test), seed=seed
        )
    except CorpusError:
        return
    assert [replace(u, split="train") for u in found] == utterances
    for key in (lambda u: u.text, lambda u: u.measures["audio_hash"]):
        splits = {(key(u), u.split) for u in found}
        assert len(splits) == len({key(u) for u in found})
    assert {u.speaker for u in found if u.split == "train"} == {u.speaker for u in found}
    assert sum(u.split == "validation" for u in found) <= n_validation
    assert sum(u.split == "test" for u in found) <= n_test


def test_texts_said_alike_stay_together_however_they_are_written() -> None:
    pairs = [
        said(f"{i}-{way}", text, speaker=way) for i in range(2, 40) for way, text in (("a", f"{i}."), ("b", f"{i}!"))
    ]
    words = [said("3-c", "Three", speaker="a"), said("3-d", "three", speaker="b", language="en-gb")]
    found = split([*pairs, *words], validation=portion("20"), test=portion("20"), seed=3)
    split_of = {u.id: u.split for u in found}
    assert all(split_of[f"{i}-a"] == split_of[f"{i}-b"] for i in range(2, 40))
    assert len({split_of[id_] for id_ in ("3-a", "3-b", "3-c", "3-d")}) == 1
    assert Counter(split_of.values()) == {"train": 38, "validation": 20, "test": 20}


def test_the_order_of_the_manifest_does_not_matter() -> None:
    utterances = corpus(anna=40, bert=31, cleo=17) + [
        said(f"s{i}", f"shared {i % 5}", speaker="anna") for i in range(9)
    ]
    found = split(utterances, validation=portion("9"), test=portion("7"), seed=1)
    shuffled = list(utterances)
    random.Random(0).shuffle(shuffled)
    again = split(shuffled, validation=portion("9"), test=portion("7"), seed=1)
    assert {u.id: u.split for u in found} == {u.id: u.split for u in again}
    assert [u.id for u in again] == [u.id for u in shuffled]


def test_another_seed_is_another_choice() -> None:
    chosen = [
        {
            u.id
            for u in split(corpus(anna=100), validation=portion("10"), test=portion("0"), seed=seed)
            if u.split != "train"
        }
        for seed in (0, 0, 1)
    ]
    assert chosen[0] == chosen[1] != chosen[2]


def test_what_is_at_fault_stays_in_train() -> None:
    utterances = [replace(u, faults={"silence": "long"}) if i % 2 else u for i, u in enumerate(corpus(anna=40))]
    found = split(utterances, validation=portion("15"), test=portion("0"))
    assert Counter((u.split, bool(u.faults)) for u in found) == {
        ("validation", False): 15,
        ("train", False): 5,
        ("train", True): 20,
    }


def test_splits_are_only_made_anew_when_asked() -> None:
    utterances = split(corpus(anna=100), validation=portion("10"), test=portion("5"))
    with pytest.raises(CorpusError, match="5 in test, 10 in validation"):
        split(utterances, validation=portion("3"), test=portion("0"))
    again = split(utterances, validation=portion("3"), test=portion("0"), again=True)
    assert Counter(u.split for u in again) == {"train": 97, "validation": 3}


def test_a_leak_is_mended_by_splitting_again() -> None:
    leaky = [
        replace(u, split="test", faults={"leakage": "the same text"}) if i < 2 else u
        for i, u in enumerate(corpus(anna=20))
    ]
    again = split(leaky, validation=portion("2"), test=portion("2"), again=True)
    assert not any(u.faults for u in again)


@pytest.mark.parametrize(("validation", "test"), [("10", "0"), ("5", "5"), ("99", "1"), ("0.5", "0.5")])
def test_something_must_be_left_to_train_on(validation: str, test: str) -> None:
    with pytest.raises(CorpusError, match="nothing to train on of 10"):
        split(corpus(anna=10), validation=portion(validation), test=portion(test))


def test_a_split_nobody_is_free_for_is_an_error() -> None:
    alike = [said(str(i), "one text") for i in range(20)]
    with pytest.raises(CorpusError, match="no utterance is free for validation"):
        split(alike, validation=portion("2"), test=portion("0"))
