"""Workers that load batches: deaf to signals, yet never in the way of an end."""

from __future__ import annotations

import subprocess
import sys

import pytest

HELD = """
import itertools, sys
from sonorant.data.loading import in_order

held = in_order(iter(itertools.count()), abs, workers=2)
print(next(held), next(held))
if sys.argv[1:]:
    raise ValueError("as a mistake of ours would")
"""


@pytest.mark.parametrize("mistake", [[], ["raise"]], ids=["an end", "a mistake"])
def test_a_program_ends_though_somebody_still_holds_its_batches(mistake: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELD, *mistake], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["0", "1"]
    assert done.returncode == len(mistake)
    assert "killed by signal" not in done.stderr
    assert done.stderr.strip().splitlines()[-1:] == ["ValueError: as a mistake of ours would"] * len(mistake)
