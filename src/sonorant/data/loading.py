"""Bringing prepared utterances to a model: exactly their samples; and whatever is planned, loaded in its order."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.data.prepare import Prepared
from sonorant.errors import CorpusError, SonorantError

if TYPE_CHECKING:
    import torch

Plan = TypeVar("Plan")
Loaded = TypeVar("Loaded")


def fitted(utterance: Prepared, samples: Samples, *, hop: int) -> Samples:
    """A recording's samples, as many as the utterance was prepared with: float32 [n_samples].

    Raises CorpusError when it has become longer or shorter since.
    """
    if abs(len(samples) - utterance.n_samples) > hop + 2:
        raise CorpusError(
            f"{utterance.audio} (id {utterance.id}): has {len(samples):,} samples, but had {utterance.n_samples:,} "
            "when it was prepared; put the old recording back, or prepare anew"
        )
    # Resamplers may round the length either way.
    exact = np.zeros(utterance.n_samples, dtype=np.float32)
    n = min(len(samples), utterance.n_samples)
    exact[:n] = samples[:n]
    return exact


def fitted_pitch(utterance: Prepared, pitch_hz: NDArray[np.float32], hop: int) -> torch.Tensor:
    """A recording's pitch, for as many frames as the utterance was prepared with: float32 [T]."""
    import torch  # here, for packing shards needs none

    fitting = torch.zeros(utterance.n_samples // hop)
    n = min(len(pitch_hz), len(fitting))
    fitting[:n] = torch.from_numpy(pitch_hz[:n])
    return fitting


def in_order(plans: Iterator[Plan], load: Callable[[Plan], Loaded], *, workers: int) -> Iterator[Loaded]:
    """What `load` makes of each plan, in their order, made ahead of time by so many processes; by this one, if none.

    Plans are drawn in this process, and those of batches under way go to the workers by pickle. What `load` returns
    must be something that torch's DataLoader can hand over. A SonorantError of a worker is raised here.
    """
    import torch  # here, for packing shards needs none

    if workers:
        atexit.unregister(_end_workers)
        atexit.register(_end_workers)  # before multiprocessing's own, which would wait for them
    loader: Any = torch.utils.data.DataLoader(
        _Loading(load),  # type: ignore[arg-type]
        sampler=_Plans(plans),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # else the loader would draw from, and change, torch's own
        worker_init_fn=_begin if workers else None,
    )
    for loaded in loader:
        if isinstance(loaded, SonorantError):
            raise loaded
        yield loaded


class _Plans(Generic[Plan]):
    def __init__(self, plans: Iterator[Plan]) -> None:
        self._plans = plans

    def __iter__(self) -> Iterator[Plan]:
        return self._plans


class _Loading(Generic[Plan, Loaded]):
    def __init__(self, load: Callable[[Plan], Loaded]) -> None:
        self._load = load

    def __getitem__(self, plan: Plan) -> Loaded | SonorantError:
        try:
            return self._load(plan)
        except SonorantError as error:  # raised by whoever asked: a worker would wrap it into a traceback
            return error


def _end_workers() -> None:
    """At exit: kill the processes that would be ended then, and are deaf to it."""
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch would complain of their death
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()


def _begin(worker: int) -> None:
    """One thread, and deaf to signals sent to the whole group: who asked for batches decides when to stop.

    So nothing but a kill ends one whose iterator somebody still holds; see `_end_workers`.
    """
    import torch

    del worker
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
