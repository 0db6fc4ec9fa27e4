"""Naming and fitting the weights of a foreign checkpoint of VITS, VITS2 or NaturalSpeech."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.naturalspeech.config import NaturalSpeechConfig
from sonorant.models.naturalspeech.model import NaturalSpeech
from sonorant.models.vits.config import VitsConfig
from sonorant.models.vits.model import Vits
from sonorant.models.vits2.config import Vits2Config
from sonorant.models.vits2.model import Vits2

LENGTH = "parametrizations.weight.original0"
DIRECTION = "parametrizations.weight.original1"
_TRAINING_ONLY = ("posterior.", "duration.posterior.", "duration.flow.first.")
_SHOWN = 4
"""Names listed in an error before the rest are only counted."""


@dataclass(frozen=True)
class ForeignModel:
    """What was read of another program's checkpoint."""

    cfg: VitsConfig | Vits2Config | NaturalSpeechConfig
    n_symbols: int
    n_speakers: int
    state: dict[str, Tensor]
    """In our names; weight norm split or folded, as it was found."""
    unknown: tuple[str, ...] = ()
    """Keys of its configuration, dotted, that were not understood: a fork's, perhaps with a meaning that is lost."""

    @property
    def system(self) -> str:
        """The system it becomes a voice of, as a voice folder names it."""
        match self.cfg:
            case VitsConfig():
                return "vits"
            case Vits2Config():
                return "vits2"
            case NaturalSpeechConfig():
                return "naturalspeech"

    def network(self, purpose: Purpose) -> Vits | Vits2 | NaturalSpeech:
        """A fresh network of its sizes."""
        match self.cfg:
            case VitsConfig():
                return Vits(self.cfg, self.n_symbols, self.n_speakers, purpose)
            case Vits2Config():
                return Vits2(self.cfg, self.n_symbols, self.n_speakers, purpose=purpose)
            case NaturalSpeechConfig():
                return NaturalSpeech(self.cfg, self.n_symbols, self.n_speakers, purpose=purpose)


@dataclass(frozen=True)
class Rule:
    """One module's name, here and there.

    `{}` stands for an index. Where the other side counts differently it is written as a function of ours: `{2n+3}`.
    """

    ours: str
    theirs: str


class Layout:
    """The names of one kind of checkpoint, both ways."""

    def __init__(self, rules: Iterable[Rule], leaves: Mapping[str, str], *, of: str = "VITS") -> None:
        """leaves: our names of weights within a module, and theirs, where they differ. of: the model, in errors."""
        self._of = of
        self._rules = [(_pattern(rule.ours), rule.ours, _pattern(rule.theirs), rule.theirs) for rule in rules]
        self._leaves = dict(leaves)
        self._leaves_back = {theirs: ours for ours, theirs in leaves.items()}

    def theirs(self, name: str) -> str | None:
        """Their name for one of ours; None if there is none."""
        for ours_pattern, ours, _, theirs in self._rules:
            if (match := ours_pattern.fullmatch(name)) and (indices := _indices(match, ours)) is not None:
                return _fill(theirs, indices) + self._leaf(match, self._leaves)
        return None

    def ours(self, name: str) -> str | None:
        """Our name for one of theirs; None if there is none."""
        for _, ours, theirs_pattern, theirs in self._rules:
            if (match := theirs_pattern.fullmatch(name)) and (indices := _indices(match, theirs)) is not None:
                return _fill(ours, indices) + self._leaf(match, self._leaves_back)
        return None

    @staticmethod
    def _leaf(match: re.Match[str], leaves: Mapping[str, str]) -> str:
        leaf = match["leaf"]
        return "" if leaf is None else "." + leaves.get(leaf, leaf)

    def state_to_ours(self, state: Mapping[str, Tensor], *, source: str) -> dict[str, Tensor]:
        """The state under our names. Raises ImportingError naming what has no name here."""
        renamed = {name: self.ours(name) for name in state}
        if strange := [name for name, ours in renamed.items() if ours is None]:
            raise ImportingError(
                f"{source}: {_listed(strange)} have no place in a {self._of} model; is it another model?"
            )
        return {ours: state[name] for name, ours in renamed.items() if ours is not None}

    def state_to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The state under their names. Raises ImportingError naming what has no name there."""
        renamed = {name: self.theirs(name) for name in state}
        if strange := [name for name, theirs in renamed.items() if theirs is None]:
            raise ImportingError(f"{_listed(strange)} cannot be written in this layout")
        return {theirs: state[name] for name, theirs in renamed.items() if theirs is not None}


def fit(state: Mapping[str, Tensor], like: Mapping[str, Tensor], *, source: str) -> dict[str, Tensor]:
    """The state with exactly the names, weight norm and shapes of `like`, which is a model's own state.

    Weight norm is split or folded as `like` has it. What only training uses may be left over; all else must match.
    Raises ImportingError naming what is missing, left over, or of another shape.
    """
    fitted: dict[str, Tensor] = {}
    missing, used = [], set()
    for name in like:
        if name in state:
            fitted[name] = state[name]
            used.add(name)
        elif (value := _from_other_weight_norm(state, name, used)) is not None:
            fitted[name] = value
        else:
            missing.append(name)
    if missing:
        raise ImportingError(f"{source}: lacks {_listed(missing)}")
    if left := [name for name in state if name not in used and not name.startswith(_TRAINING_ONLY)]:
        raise ImportingError(f"{source}: has {_listed(left)}, which this model does not")
    for name, value in fitted.items():
        if value.shape != like[name].shape:
            raise ImportingError(
                f"{source}: {name} has shape {list(value.shape)}, but the model needs {list(like[name].shape)}"
            )
    return {name: value.to(like[name].dtype) for name, value in fitted.items()}


def build(model: ForeignModel, purpose: Purpose, *, source: str) -> Vits | Vits2 | NaturalSpeech:
    """The network of a foreign model, with its weights. Raises ImportingError when they do not fit it."""
    network = model.network(purpose)
    network.load_state_dict(fit(model.state, network.state_dict(), source=source))
    return network


def _from_other_weight_norm(state: Mapping[str, Tensor], name: str, used: set[str]) -> Tensor | None:
    """The value of a weight found in the other form of weight norm; None if it is in neither."""
    stem, _, leaf = name.rpartition(".parametrizations.weight.")
    if leaf and (folded := state.get(f"{stem}.weight")) is not None:
        used.add(f"{stem}.weight")
        # A folded weight is its own direction; its length is the norm over all dimensions but the first.
        return folded if name.endswith(DIRECTION) else folded.flatten(1).norm(dim=1).view(-1, *[1] * (folded.ndim - 1))
    stem = name.removesuffix(".weight")
    length, direction = state.get(f"{stem}.{LENGTH}"), state.get(f"{stem}.{DIRECTION}")
    if stem != name and length is not None and direction is not None:
        used.update((f"{stem}.{LENGTH}", f"{stem}.{DIRECTION}"))
        return torch._weight_norm(direction, length, 0)
    return None


_INDEX = re.compile(r"\{(?:(\d+)n\+(\d+))?\}")


def _pattern(template: str) -> re.Pattern[str]:
    path = r"(\d+)".join(re.escape(part) for part in _INDEX.split(template)[::3])
    return re.compile(path + r"(?:\.(?P<leaf>weight|bias|weight_g|weight_v|parametrizations\.weight\.original[01]))?")


def _indices(match: re.Match[str], template: str) -> list[int] | None:
    """Our indices, from those in a name of either side; None if the name's index is none of the template's."""
    indices = []
    for slot, text in zip(_INDEX.finditer(template), match.groups(), strict=False):
        step, start = int(slot[1] or 1), int(slot[2] or 0)
        n, rest = divmod(int(text) - start, step)
        if n < 0 or rest:
            return None
        indices.append(n)
    return indices


def _fill(template: str, indices: list[int]) -> str:
    left = iter(indices)
    return _INDEX.sub(lambda slot: str(int(slot[1] or 1) * next(left) + int(slot[2] or 0)), template)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more} ({len(names)} in all)" if more else shown


def rules(prefix: tuple[str, str], *names: tuple[str, str]) -> list[Rule]:
    """Rules for modules inside a module: pairs of our name and theirs, below a pair of prefixes."""
    return [Rule(f"{prefix[0]}.{ours}", f"{prefix[1]}.{theirs}") for ours, theirs in names]
