"""What the workers that train share: answering requests with timings, and telling the parts of a step apart."""

from __future__ import annotations

import argparse
import bisect
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from typing import Any

from torch.profiler import ProfilerActivity, profile, record_function

PART = "part: "
PARTS = "parts of "
OPTIMIZER, BACKWARD = "Optimizer.step", "autograd::engine::evaluate_function"


def judging() -> Iterator[str]:
    """The parts that one call of the discriminators after another belongs to, in a step."""
    return chain(["discriminators, their own update"], repeat("discriminators, for the generator"))


def sizes(*choices: str) -> argparse.Namespace:
    """What the benchmark asks of a worker. choices: of its `system`."""
    parser = argparse.ArgumentParser()
    if choices:
        parser.add_argument("--system", choices=choices, required=True)
    for name in ("items", "tokens", "frames", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


def memory_mb(what: str = "VmHWM") -> float:
    """The high-water mark of this process's memory (VmRSS: what it is now)."""
    with open("/proc/self/status") as status:
        return int(re.findall(rf"{what}:\s+(\d+) kB", status.read())[0]) / 1024


@dataclass(frozen=True)
class Watched:
    """A function to be told apart from the rest of a step; its calls are `names`, in order."""

    owner: Any
    attribute: str
    names: Iterable[str]


def serve(
    works: Mapping[str, Callable[[], object]],
    watched: Callable[[], Sequence[Watched]],
    *,
    cpu_clock: Callable[[], float] = time.process_time,
    **facts: Any,
) -> None:
    """Tell the facts; then, for each line on standard input, do the work it names and tell what it took.

    works: such as a step. A line "parts of WORK" has it told apart, into what is watched and the rest. cpu_clock: the
    CPU seconds taken so far by all processes that work.
    """
    print(json.dumps({**facts, "built_mb": memory_mb()}), flush=True)
    rested = cpu_clock()
    for line in sys.stdin:
        idle_cpu_s = cpu_clock() - rested
        asked = line.strip()
        if asked.startswith(PARTS):
            work = works[asked.removeprefix(PARTS)]
            answer: dict[str, Any] = {"parts": [asdict(part) for part in _parts_of(work, watched())]}
        else:
            began, began_cpu = time.perf_counter(), cpu_clock()
            works[asked]()
            answer = {
                "took_s": time.perf_counter() - began,
                "cpu_s": cpu_clock() - began_cpu,
                "idle_cpu_s": idle_cpu_s,
                "peak_mb": memory_mb(),
            }
        print(json.dumps(answer), flush=True)
        rested = cpu_clock()


@dataclass(frozen=True)
class Event:
    """Something the profiler saw, in microseconds. sequence: which backward step an operation made or is."""

    name: str
    start: float
    end: float
    sequence: int


@dataclass(frozen=True)
class Part:
    """What a part of the step took, in seconds."""

    name: str
    forward_s: float
    backward_s: float


def parts(events: Iterable[Event]) -> list[Part]:
    """Which parts a step's time went to, from the events of one thread.

    An operation and its backward step have the same sequence number, so each backward step is counted to the part
    whose forward pass made it. Several operations can carry a number: the last of them made the step.
    """
    ordered = sorted(events, key=lambda event: event.start)
    marked = [event for event in ordered if event.name.startswith((PART, OPTIMIZER))]
    starts = [mark.start for mark in marked]
    part_of_sequence: dict[int, str | None] = {}
    for event in ordered:
        if event.sequence >= 0 and not event.name.startswith(BACKWARD) and not _in_backward(event):
            mark = bisect.bisect_right(starts, event.start) - 1
            inside = mark >= 0 and event.start < marked[mark].end
            part_of_sequence[event.sequence] = marked[mark].name if inside else None
    forward: dict[str, float] = defaultdict(float)
    backward: dict[str, float] = defaultdict(float)
    for mark in marked:
        forward[mark.name] += (mark.end - mark.start) / 1e6
    for event in ordered:
        name = part_of_sequence.get(event.sequence)
        if event.name.startswith(BACKWARD) and name is not None:
            backward[name] += (event.end - event.start) / 1e6
    names = {name: name.removeprefix(PART) if name.startswith(PART) else "AdamW" for name in forward}
    return [Part(names[name], forward[name], backward[name]) for name in forward]


def _in_backward(event: Event) -> bool:
    """Whether the event is the inside of a backward step, which carries its number too."""
    return re.search(r"Backward\d*$", event.name) is not None


def _parts_of(step: Callable[[], object], watched: Sequence[Watched]) -> list[Part]:
    with ExitStack() as stack:
        for one in watched:
            stack.enter_context(_marked(one))
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            began = time.perf_counter()
            step()
            took_s = time.perf_counter() - began
    events = [
        Event(event.name, event.time_range.start, event.time_range.end, event.sequence_nr) for event in seen.events()
    ]
    found = parts(events)
    known_s = sum(part.forward_s + part.backward_s for part in found)
    return [*found, Part("the rest", took_s - known_s, 0.0)]


@contextmanager
def _marked(watched: Watched) -> Iterator[None]:
    function = getattr(watched.owner, watched.attribute)
    names = iter(watched.names)

    def marked(*arguments: Any, **named: Any) -> Any:
        with record_function(PART + next(names)):
            return function(*arguments, **named)

    is_own = watched.attribute in vars(watched.owner)
    setattr(watched.owner, watched.attribute, marked)
    try:
        yield
    finally:
        if is_own:
            setattr(watched.owner, watched.attribute, function)
        else:
            delattr(watched.owner, watched.attribute)
