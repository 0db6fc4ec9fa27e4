"""One side of `benchmarks/say.py`: answers requests on standard input with timings, in a process of its own."""

from __future__ import annotations

import json
import re
import sys
import time


def _peak_mb() -> float:
    """The high-water mark of this process's memory."""
    with open("/proc/self/status") as status:
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read())[0]) / 1024


def main() -> None:
    started = time.perf_counter()
    import torch

    from sonorant import load_voice

    torch.set_num_threads(int(sys.argv[2]))
    voice = load_voice(sys.argv[1])
    print(json.dumps({"load_s": time.perf_counter() - started}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.perf_counter()
        first_s = None
        n_samples = 0
        for piece in voice.stream(request["text"], seed=0, sentence_pause_s=0, paragraph_pause_s=0):
            first_s = first_s if first_s is not None else time.perf_counter() - started
            n_samples += len(piece.samples)
        took_s = time.perf_counter() - started
        if "save" in request:
            voice.say(request["text"]).save(request["save"])
        answer = {
            "took_s": took_s,
            "first_s": first_s,
            "audio_s": n_samples / voice.sample_rate_hz,
            "peak_mb": _peak_mb(),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
