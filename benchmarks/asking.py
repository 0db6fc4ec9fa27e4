"""Programs that are asked for work and tell what it took, each in a process of its own; and cells of a table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Sequence
from typing import Any


class Worker:
    """A program that builds a model once and then takes a step when asked to."""

    def __init__(self, command: list[str]) -> None:
        # Threads that wait for work sleep: else those of one program would take from the other's time.
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.facts = self._answer()

    def ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # other lines are a library's
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise SystemExit(f"{' '.join(map(str, self._process.args))} stopped: run it by hand to see why")


def spread(values: Sequence[float], unit: str) -> str:
    """The best of times, and the median."""
    return f"{min(values):.2f} ({statistics.median(values):.2f}) {unit}"


def times_as_fast(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How often our time fits into theirs: best into best, and median into median."""
    return f"{min(theirs) / min(ours):.2f} ({statistics.median(theirs) / statistics.median(ours):.2f})"
