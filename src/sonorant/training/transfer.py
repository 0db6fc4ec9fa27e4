"""Starting from weights that are there already: a voice's, or another run's. Everything is matched by name.

What is taken as it is, what is taken in part, and what starts fresh is listed; anything else is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from sonorant.errors import TrainingError

_DIRECTION = ".parametrizations.weight.original1"
_LENGTH = ".parametrizations.weight.original0"


@dataclass(frozen=True)
class Source:
    """Weights, and what their rows mean. name: for messages."""

    name: str
    weights: Mapping[str, Tensor]
    symbols: Mapping[str, int]
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class RowTable:
    """A weight whose rows have names: an embedding. source, target: name -> row."""

    weight: str
    source: Mapping[str, int]
    target: Mapping[str, int]


@dataclass(frozen=True)
class Transferred:
    """Names of the target's weights, by what became of them; and of the source's that found no place."""

    taken: tuple[str, ...]
    in_part: tuple[str, ...]
    fresh: tuple[str, ...]
    left_over: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{len(self.taken)} weights taken, {len(self.in_part)} in part ({', '.join(self.in_part) or 'none'}), "
            f"{len(self.fresh)} fresh, {len(self.left_over)} left over"
        )


def transfer(
    source: Source,
    network: nn.Module,
    *,
    tables: Sequence[RowTable] = (),
    may_be_fresh: Sequence[str] = (),
    may_be_left: Sequence[str] = (),
) -> Transferred:
    """Fill a network with a source's weights.

    Folded weights are split again into direction and length where the network has weight norm.
    tables: embeddings, whose rows are matched by their names; rows without a match keep their fresh values.
    may_be_fresh, may_be_left: patterns of names that the source need not have, or may have for nothing.
    Raises TrainingError, naming the first, for any other weight that is missing, left over, or of another shape.
    """
    state = network.state_dict()
    named_rows = {table.weight: table for table in tables}
    unused = set(source.weights)
    taken: list[str] = []
    in_part: list[str] = []
    fresh: list[str] = []
    for name, own in state.items():
        found = _find(source.weights, name)
        if found is None:
            fresh.append(name)
            continue
        origin, tensor = found
        unused.discard(origin)
        if name in named_rows:
            table = named_rows[name]
            shared = [row for row in table.target if row in table.source]
            if tensor.shape[1:] != own.shape[1:]:
                raise _misfit(source, name, tensor, own)
            own = own.clone()
            own[[table.target[row] for row in shared]] = tensor[[table.source[row] for row in shared]].to(own)
            state[name] = own
            is_whole = dict(table.source) == dict(table.target) and tensor.shape == own.shape
            (taken if is_whole else in_part).append(name)
        elif tensor.shape == own.shape:
            state[name] = tensor.to(own)
            taken.append(name)
        else:
            raise _misfit(source, name, tensor, own)
    left_over = sorted(unused)
    _refuse(fresh, may_be_fresh, f"{source.name}: lacks")
    _refuse(left_over, may_be_left, f"{source.name}: has, and the model has not,")
    network.load_state_dict(state)
    return Transferred(tuple(taken), tuple(in_part), tuple(fresh), tuple(left_over))


def _find(weights: Mapping[str, Tensor], name: str) -> tuple[str, Tensor] | None:
    """The weight for a name, and under which name it was found."""
    if name in weights:
        return name, weights[name]
    for suffix in (_DIRECTION, _LENGTH):
        folded = name.removesuffix(suffix) + ".weight"
        if name.endswith(suffix) and folded in weights:
            direction = weights[folded]
            if suffix == _DIRECTION:
                return folded, direction
            length = torch.linalg.vector_norm(direction.float(), dim=tuple(range(1, direction.ndim)), keepdim=True)
            return folded, length
    return None


def _misfit(source: Source, name: str, found: Tensor, expected: Tensor) -> TrainingError:
    return TrainingError(
        f"{source.name}: {name} has shape {tuple(found.shape)}, but the model's has {tuple(expected.shape)}; "
        "give the model the source's configuration"
    )


def _refuse(names: Sequence[str], allowed: Sequence[str], what: str) -> None:
    unexplained = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in allowed)]
    if unexplained:
        raise TrainingError(
            f"{what} {unexplained[0]} ({len(unexplained)} such); give the model the source's configuration"
        )
