"""A run heard by judges it does not know: what the tiny Whisper and a speaker encoder make of its checkpoints.

    python benchmarks/hear.py runs/asterisk corpora/asterisk/manifest.jsonl --speaker allison-en --every 1000

Takes the held-out utterances of one English-speaking speaker, at most 20. Every checkpoint becomes a voice that says
their texts (or, with --texts, the first 20 lines of a file), and that reconstructs their recordings through its
posterior, where it has several speakers. Character
error rates (CER) are edits per character over all of them; likeness is the cosine between the mean speaker embedding
(Resemblyzer's) of what was said and that of the speaker's recordings; --than names another voice to compare with. Rows
are added to heard.jsonl (heard_NAME.jsonl with --texts NAME.txt) in the run's folder; what stands there is not heard
again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sonorant import load_voice  # noqa: E402
from sonorant.audio.io import read  # noqa: E402
from sonorant.cli.voices import export_run  # noqa: E402
from sonorant.data.manifest import Utterance, audio_path, read_manifest  # noqa: E402
from sonorant.training.checkpoint import steps  # noqa: E402
from tests.pipelines.listening import character_error_rate, speaker_likeness, transcribe  # noqa: E402

Sounds = list[tuple[Any, int]]
N_UTTERANCES = 20


def held_out(manifest: Path, speaker: str) -> list[Utterance]:
    """Utterances of a speaker that no training saw, the longest ones: words of one syllable say little of a voice."""
    found = [u for u in read_manifest(manifest) if u.speaker == speaker and u.split != "train"]
    return sorted(found, key=lambda utterance: -utterance.duration_s)[:N_UTTERANCES]


def recognised(sounds: Sounds) -> list[str]:
    return [" ".join(segment.text for segment in transcribe(samples, rate_hz)) for samples, rate_hz in sounds]


def hear(
    voice_folder: Path | str,
    speaker: str,
    texts: Sequence[str],
    prompts: Sequence[str],
    recorded: Sounds,
    other: Sounds,
) -> dict[str, float]:
    """The figures of one voice. prompts: the texts of what was recorded."""
    voice = load_voice(voice_folder)
    name = speaker if speaker in voice.speakers else None
    spoken = [voice.say(text, speaker=name, seed=0) for text in texts]
    said = [(speech.samples, speech.sample_rate_hz) for speech in spoken]
    row = {
        "cer_said": character_error_rate(list(texts), recognised(said)),
        "likeness": speaker_likeness(said, recorded),
    }
    if texts == prompts:
        row["length"] = sum(len(s) / r for s, r in said) / sum(len(s) / r for s, r in recorded)
    if other:
        row["likeness_to_other"] = speaker_likeness(said, other)
    if len(voice.speakers) > 1 and voice.runtime.converts:
        again = [voice.convert(s, r, source=speaker, speaker=speaker, noise_scale=0.0) for s, r in recorded]
        row["cer_reconstructed"] = character_error_rate(
            list(prompts), recognised([(speech.samples, speech.sample_rate_hz) for speech in again])
        )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--speaker", default="allison-en")
    parser.add_argument("--than", help="another voice, whose likeness is measured too")
    parser.add_argument("--every", type=int, default=1000, help="steps")
    parser.add_argument("--texts", type=Path, help="what is to be said, a sentence a line")
    options = parser.parse_args()

    utterances = held_out(options.manifest, options.speaker)
    prompts = [utterance.text for utterance in utterances]
    texts = options.texts.read_text(encoding="utf-8").splitlines()[:N_UTTERANCES] if options.texts else prompts
    recorded = [read(audio_path(options.manifest, u), start_s=u.start_s, end_s=u.end_s) for u in utterances]
    other: Sounds = []
    if options.than:
        peer = load_voice(options.than)
        speeches = [peer.say(text, seed=1) for text in texts]
        other = [(speech.samples, speech.sample_rate_hz) for speech in speeches]
    log = options.run / ("heard.jsonl" if options.texts is None else f"heard_{options.texts.stem}.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    if not rows:
        rows = [{"step": "recorded", "cer_said": character_error_rate(prompts, recognised(recorded))}]
        half = len(recorded) // 2
        rows[0]["likeness"] = speaker_likeness(recorded[:half], recorded[half:])
        if other:
            rows[0]["likeness_to_other"] = speaker_likeness(recorded, other)
            rows.append({"step": options.than, **hear(options.than, options.speaker, texts, prompts, recorded, other)})
        log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    known = {row["step"] for row in rows}
    for step in steps(options.run / "train" / "checkpoints"):
        if step % options.every or step in known:
            continue
        with tempfile.TemporaryDirectory() as folder:
            export_run(options.run, str(Path(folder) / "voice"), step=step)
            row = {"step": step, **hear(Path(folder) / "voice", options.speaker, texts, prompts, recorded, other)}
        rows.append(row)
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in rows:
        cells = (row.get(name, "") for name in columns)
        print("| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()
