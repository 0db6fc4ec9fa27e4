"""The other side of `benchmarks/say.py`: piper-tts on the same voice, in an environment of its own."""

from __future__ import annotations

import json
import re
import sys
import time
import wave


def _peak_mb() -> float:
    """The high-water mark of this process's memory."""
    with open("/proc/self/status") as status:
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read())[0]) / 1024


def main() -> None:
    started = time.perf_counter()
    import onnxruntime
    from piper import PiperVoice

    n_threads = int(sys.argv[2])
    make = onnxruntime.InferenceSession

    def with_threads(*arguments: object, **options: object) -> onnxruntime.InferenceSession:
        settings = options.get("sess_options") or onnxruntime.SessionOptions()
        settings.intra_op_num_threads = n_threads
        options["sess_options"] = settings
        return make(*arguments, **options)

    if n_threads:
        onnxruntime.InferenceSession = with_threads
    voice = PiperVoice.load(sys.argv[1])
    print(json.dumps({"load_s": time.perf_counter() - started}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        pcm = b""
        started = time.perf_counter()
        first_s = None
        n_samples = 0
        for chunk in voice.synthesize(request["text"]):
            first_s = first_s if first_s is not None else time.perf_counter() - started
            n_samples += len(chunk.audio_int16_bytes) // 2
            pcm += chunk.audio_int16_bytes if "save" in request else b""
        took_s = time.perf_counter() - started
        if "save" in request:
            with wave.open(request["save"], "wb") as file:
                file.setparams((1, 2, voice.config.sample_rate, 0, "NONE", ""))
                file.writeframes(pcm)
        answer = {
            "took_s": took_s,
            "first_s": first_s,
            "audio_s": n_samples / voice.config.sample_rate,
            "peak_mb": _peak_mb(),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
