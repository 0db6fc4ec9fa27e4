"""Which utterances a model learns from, is chosen by, and is judged by: reproducibly, and with nothing in common."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sonorant.data.manifest import Split, Utterance
from sonorant.errors import CorpusError, ParameterError, TextError
from sonorant.text.comparison import base_language, spoken_form

# An utterance belongs to the stratum of its speaker and language.
_Stratum = tuple[str, str]


@dataclass(frozen=True)
class Portion:
    """How much goes into a split: a number of utterances, or a share of all."""

    n_utterances: int | None = None
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> Portion:
        """A number, as "200", or a share, as "0.02" or "2%". Raises ParameterError for anything else."""
        if re.fullmatch(r"[0-9]{1,12}", text):
            return cls(n_utterances=int(text))
        number = re.fullmatch(r"([0-9]{0,3}\.?[0-9]{1,9})(%?)", text)
        share = float(number[1]) / (100 if number[2] else 1) if number else math.nan
        if not 0 <= share < 1:
            raise ParameterError(f"{text!r} is no portion: expected a number of utterances, or a share as 0.02 or 2%")
        return cls(share=share)

    def of(self, n_utterances: int) -> int:
        """The number of utterances it is of so many."""
        return self.n_utterances if self.n_utterances is not None else round((self.share or 0.0) * n_utterances)


def split(
    utterances: Sequence[Utterance], *, validation: Portion, test: Portion, seed: int = 0, again: bool = False
) -> list[Utterance]:
    """The utterances with new splits, in the order they came in.

    Each speaker's share of a split is as near as can be to their share of the corpus, and each keeps something in
    train. What is said alike, by whomever, and what a check found to be the same audio stays together in one split.
    What a check found at fault stays in train, where a selection decides about it. Who goes where depends on the seed
    and on what the utterances are, not on their order. A split may come out smaller than asked where what must stay
    together does not fit.

    Raises CorpusError when a split would be empty or leave nothing to train on; and, unless `again`, when there are
    splits already.
    """
    there = Counter(u.split for u in utterances if u.split != "train")
    if there and not again:
        shown = ", ".join(f"{n:,} in {name}" for name, n in sorted(there.items()))
        raise CorpusError(f"the manifest has splits already ({shown}); --again makes new ones")
    n_wanted: dict[Split, int] = {"test": test.of(len(utterances)), "validation": validation.of(len(utterances))}
    if sum(n_wanted.values()) >= len(utterances):
        asked = " and ".join(f"{n:,} for {name}" for name, n in n_wanted.items())
        raise CorpusError(f"{asked} leave nothing to train on of {len(utterances):,} utterances; ask for less")
    free = [group for group in _inseparable(utterances) if not any(u.faults.keys() - {"leakage"} for u in group)]
    free.sort(key=lambda group: min(_shuffled(seed, u.id) for u in group))
    # Of every stratum, one stays in train.
    spare = Counter(map(_stratum, utterances)) - Counter(set(map(_stratum, utterances)))
    split_of: dict[str, Split] = {}
    for name, n in n_wanted.items():
        chosen = _choose(free, n, quotas=_quotas(utterances, n, seed=seed), spare=spare)
        if n and not chosen:
            raise CorpusError(
                f"no utterance is free for {name}: each has a fault, is its speaker's only one, "
                f"or shares its text or audio with too many others for a split of {n:,}"
            )
        split_of.update((u.id, name) for group in chosen for u in group)
        free = [group for group in free if group[0].id not in split_of]
    return [_moved(utterance, split_of.get(utterance.id, "train")) for utterance in utterances]


def _stratum(utterance: Utterance) -> _Stratum:
    return utterance.speaker, utterance.language


def _moved(utterance: Utterance, to: Split) -> Utterance:
    """An utterance in a split; the splits share nothing now."""
    faults = {kind: reason for kind, reason in utterance.faults.items() if kind != "leakage"}
    return replace(utterance, split=to, faults=faults)


def _shuffled(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\t{name}".encode()).digest()


def _inseparable(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Groups that share spoken text or audio, over any number of steps."""
    parent = {utterance.id: utterance.id for utterance in utterances}

    def root(id_: str) -> str:
        while parent[id_] != id_:
            parent[id_] = id_ = parent[parent[id_]]
        return id_

    first: dict[tuple[str | float, ...], str] = {}
    for utterance in utterances:
        for key in _keys(utterance):
            parent[root(utterance.id)] = root(first.setdefault(key, utterance.id))
    groups: defaultdict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        groups[root(utterance.id)].append(utterance)
    return list(groups.values())


def _keys(utterance: Utterance) -> Iterator[tuple[str | float, ...]]:
    """What two utterances may not share across splits."""
    try:
        said = spoken_form(utterance.text, utterance.language)
    except TextError:
        said = ""
    yield "text", base_language(utterance.language), said or utterance.text
    if "audio_hash" in utterance.measures:
        yield "audio", utterance.measures["audio_hash"]


def _quotas(utterances: Sequence[Utterance], n_wanted: int, *, seed: int) -> Counter[_Stratum]:
    """How many each stratum gives to a split: its share of the corpus, by largest remainder."""
    sizes = Counter(map(_stratum, utterances))
    exact = {stratum: n_wanted * size / len(utterances) for stratum, size in sizes.items()}
    quotas = Counter({stratum: math.floor(share) for stratum, share in exact.items()})
    by_remainder = sorted(sizes, key=lambda s: (quotas[s] - exact[s], _shuffled(seed, "\t".join(s))))
    quotas.update(by_remainder[: n_wanted - quotas.total()])
    return quotas


def _choose(
    groups: Sequence[list[Utterance]], n_wanted: int, *, quotas: Counter[_Stratum], spare: Counter[_Stratum]
) -> list[list[Utterance]]:
    """The first groups that fit, at most n_wanted utterances; what they take is taken from `spare`.

    First within each stratum's quota; what is then missing comes from wherever it can.
    """
    chosen: dict[str, list[Utterance]] = {}
    left = Counter(quotas)
    for within_quota in (True, False):
        for group in groups:
            if not n_wanted:
                break
            need = Counter(map(_stratum, group))
            fits = need <= left if within_quota else need.total() <= n_wanted
            if fits and need <= spare and group[0].id not in chosen:
                chosen[group[0].id] = group
                n_wanted -= need.total()
                left.subtract(need)
                spare.subtract(need)
    return list(chosen.values())
