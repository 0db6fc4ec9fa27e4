"""Speed of monotonic alignment search beside PyPI's monotonic-alignment-search, which coqui-tts uses.

    make bench        # makes .bench with the peer in it, then runs this among others

Both return the same dense path for the same log-likelihoods, in one process, taking turns; that they are equal is
checked at every size. The last column is what training uses, durations alone. A ratio above 1 means sonorant is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def milliseconds(took_ms: list[float]) -> str:
    return f"{min(took_ms):.2f} ({statistics.median(took_ms):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", default=str(HERE.parent / ".bench" / "bin" / "python"))
    parser.add_argument("--seconds", type=float, default=4, help="for each size; on a busy machine more")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    command = [options.peer_python, str(HERE / "workers" / "with_both_alignments.py")]
    command += ["--seconds", str(options.seconds), "--threads", str(options.threads)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    print(
        f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.seconds:g} s for each size"
    )
    print("Milliseconds, best and (median)\n")
    print(
        "| items, tokens, frames | monotonic-alignment-search | sonorant | ratio of best (medians) | durations only |"
    )
    print("|---|---|---|---|---|")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            answer = json.loads(line)
            size = ", ".join(map(str, answer["size"]))
            if not answer["is_equal"]:
                raise SystemExit(f"{size}: the two paths differ")
            peer, path, durations = (answer["took_ms"][name] for name in ("peer", "path", "durations"))
            ratio = f"{min(peer) / min(path):.1f} ({statistics.median(peer) / statistics.median(path):.1f})"
            print(
                f"| {size} | {milliseconds(peer)} | {milliseconds(path)} | {ratio} | {milliseconds(durations)} |",
                flush=True,
            )
    if worker.returncode:
        raise SystemExit(f"{' '.join(command)} stopped with {worker.returncode}")


if __name__ == "__main__":
    main()
