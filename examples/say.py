"""Speak two sentences, print when each word sounds, and save them. Run: python examples/say.py [OUT.wav]"""

from __future__ import annotations

import sys

from sonorant import load_voice


def main() -> None:
    voice = load_voice()
    speech = voice.say("Hello from sonorant. Each word knows its time.", seed=1)
    for word in speech.words:
        print(f"{word.start_s:6.2f} s  {word.text:<10} {word.phonemes}")
    speech.save(sys.argv[1] if len(sys.argv) > 1 else "hello.wav")


if __name__ == "__main__":
    main()
