"""Starting from weights that are there already: a voice's, or another run's. Everything is matched by name.

What is taken as it is, what is taken in part, and what starts fresh is listed; anything else is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonorant.errors import TrainingError

_DIRECTION = ".parametrizations.weight.original1"
_LENGTH = ".parametrizations.weight.original0"
_SHOWN = 6
"""Parts named in a summary."""


@dataclass(frozen=True)
class Judges:
    """Discriminators that went with a source's weights. model: their configuration, as plain data."""

    model: Mapping[str, Any]
    weights: Mapping[str, Tensor]


@dataclass(frozen=True)
class Source:
    """Weights, and what their rows mean. name: for messages; model: the configuration they fit, as plain data."""

    name: str
    weights: Mapping[str, Tensor]
    symbols: Mapping[str, int]
    speakers: tuple[str, ...]
    languages: tuple[str, ...] = ()
    system: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    judges: Judges | None = None
    """None where they are not known, as of a voice."""

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the weights and their names."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.weights.items()):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def has(self, start: str) -> bool:
        """Whether there is a weight whose name begins so."""
        return any(name.startswith(start) for name in self.weights)


@dataclass(frozen=True)
class RowTable:
    """A weight whose rows have names: an embedding. source, target: name -> row.

    others: what rows without a match begin as; "mean" is that of the source's named rows.
    """

    weight: str
    source: Mapping[str, int]
    target: Mapping[str, int]
    others: Literal["fresh", "mean"] = "fresh"

    @classmethod
    def of_lists(
        cls, weight: str, source: Sequence[str], target: Sequence[str], *, others: Literal["fresh", "mean"] = "fresh"
    ) -> RowTable:
        """Where names stand in the order of their rows."""
        return cls(weight, _by_place(source), _by_place(target), others)


@dataclass(frozen=True)
class Transferred:
    """Names of the target's weights, by what became of them; and of the source's that found no place."""

    taken: tuple[str, ...]
    in_part: tuple[str, ...]
    resized: tuple[str, ...]
    """Of another shape in the source, so begun anew."""
    fresh: tuple[str, ...]
    left_over: tuple[str, ...]
    taught: tuple[str, ...] = ()
    """What the source has not, but an earlier stage of the run has learned."""

    def taught_later(self, learned: Collection[str]) -> Transferred:
        """The same, with what an earlier stage of the run has learned in its own place."""
        return replace(
            self,
            resized=tuple(name for name in self.resized if name not in learned),
            fresh=tuple(name for name in self.fresh if name not in learned),
            taught=tuple(name for name in (*self.resized, *self.fresh) if name in learned),
        )

    def __str__(self) -> str:
        taught = f"{_said(self.taught)} as an earlier stage has taught them; " if self.taught else ""
        return (
            f"{len(self.taken)} weights as they are; {_said(self.in_part)} in part, by the names of their rows; "
            f"{taught}{_said(self.resized)} anew, for they have another size; {_said(self.fresh)} anew, for the source "
            f"has none; {_said(self.left_over)} of the source left over"
        )


def transfer(
    source: Source,
    network: nn.Module,
    *,
    tables: Sequence[RowTable] = (),
    may_be_fresh: Sequence[str] = (),
    may_be_resized: Sequence[str] = (),
    may_be_left: Sequence[str] = (),
) -> Transferred:
    """Fill a network with a source's weights.

    Folded weights are split again into direction and length where the network has weight norm.
    tables: embeddings, whose rows are matched by their names.
    may_be_fresh, may_be_resized, may_be_left: patterns of names that the source need not have, or may have in another
    shape, or may have for nothing.
    Raises TrainingError, naming the first, for any other weight that is missing, left over, or of another shape;
    the network is then as it was.
    """
    state = network.state_dict()
    misfits = dict(_misfits(source.weights, state))
    named_rows = {table.weight: table for table in tables}
    unused = set(source.weights)
    taken: list[str] = []
    in_part: list[str] = []
    resized: list[str] = []
    fresh: list[str] = []
    for name, own in state.items():
        found = _find(source.weights, name)
        if found is None:
            fresh.append(name)
            continue
        origin, tensor = found
        unused.discard(origin)
        if name in named_rows and tensor.shape[1:] == own.shape[1:]:
            table = named_rows[name]
            state[name] = _rows(table, tensor.to(own), own)
            is_whole = dict(table.source) == dict(table.target) and tensor.shape == own.shape
            (taken if is_whole else in_part).append(name)
        elif _folded(name) not in misfits:
            state[name] = tensor.to(own)
            taken.append(name)
        elif _is_among(name, may_be_resized):
            resized.append(name)
        else:
            whole = _folded(name)
            theirs, ours = misfits[whole]
            raise TrainingError(
                f"{source.name}: {whole} has shape {theirs}, but the model's has {ours}; "
                "give the model the source's configuration"
            )
    left_over = sorted(unused)
    _refuse(fresh, may_be_fresh, f"{source.name}: lacks")
    _refuse(left_over, may_be_left, f"{source.name}: has, and the model has not,")
    network.load_state_dict(state)
    return Transferred(tuple(taken), tuple(in_part), tuple(resized), tuple(fresh), tuple(left_over))


def _rows(table: RowTable, source: Tensor, own: Tensor) -> Tensor:
    """The rows of a table, as far as both sides have a name for them."""
    rows = own.clone()
    if table.others == "mean" and table.source:
        unmatched = [row for name, row in table.target.items() if name not in table.source]
        rows[unmatched] = source[list(table.source.values())].mean(dim=0)
    shared = [name for name in table.target if name in table.source]
    rows[[table.target[name] for name in shared]] = source[[table.source[name] for name in shared]]
    return rows


def _folded(name: str) -> str:
    """The weight that a direction or a length is half of; others are their own."""
    for suffix in (_DIRECTION, _LENGTH):
        if name.endswith(suffix):
            return name.removesuffix(suffix) + ".weight"
    return name


def _misfits(
    weights: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> Iterator[tuple[str, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """The whole weights of another shape in the source, with both shapes; a length fits no better than its direction.

    Of a length and a direction the direction comes last.
    """
    for name, own in state.items():
        found = _find(weights, name)
        if found is not None and found[1].shape != own.shape:
            yield _folded(name), (tuple(found[1].shape), tuple(own.shape))


def silence(network: nn.Module, names: Collection[str]) -> None:
    """Set weights to zero, so that what they add begins without effect."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in names:
                parameter.zero_()


def _by_place(names: Sequence[str]) -> Mapping[str, int]:
    return {name: row for row, name in enumerate(names)}


def _find(weights: Mapping[str, Tensor], name: str) -> tuple[str, Tensor] | None:
    """The weight for a name, and under which name it was found."""
    if name in weights:
        return name, weights[name]
    folded = _folded(name)
    if folded not in weights:
        return None
    direction = weights[folded]
    if name.endswith(_LENGTH):
        length = torch.linalg.vector_norm(direction.float(), dim=tuple(range(1, direction.ndim)), keepdim=True)
        return folded, length
    return folded, direction


def _refuse(names: Sequence[str], allowed: Sequence[str], what: str) -> None:
    unexplained = [name for name in names if not _is_among(name, allowed)]
    if unexplained:
        raise TrainingError(
            f"{what} {unexplained[0]} ({len(unexplained)} such); give the model the source's configuration"
        )


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _said(names: Sequence[str]) -> str:
    """How many, and of which parts."""
    parts = list(dict.fromkeys(".".join(name.split(".")[:2]) for name in names))
    shown = ", ".join(parts[:_SHOWN]) + (", …" if len(parts) > _SHOWN else "")
    return f"{len(names)} ({shown})" if names else "0"
