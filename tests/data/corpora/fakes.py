"""Small corpora in the exact layouts of the real ones: a few good rows each, and some that are broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000


def sound(path: Path, duration_s: float = 1.0, *, rate_hz: int = RATE_HZ) -> Path:
    """A recording of a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(round(duration_s * rate_hz)) * 0.1), rate_hz)
    return path


def write(path: Path, *lines: str) -> Path:
    """A text file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def ljspeech(root: Path) -> None:
    write(
        root / "metadata.csv",
        "LJ001-0001|Printing, in 1440,|Printing, in fourteen forty,",
        'LJ001-0002|"in being|in being "comparatively" modern.',
        "LJ001-0003|no recording|no recording",
        "LJ001-0004|no text said|",
        "LJ001-0005|two columns",
        "LJ001-0006|no sound|no sound",
    )
    for number in (1, 2, 4, 5):
        sound(root / "wavs" / f"LJ001-000{number}.wav", rate_hz=22050)
    (root / "wavs" / "LJ001-0006.wav").write_bytes(b"RIFFnothing")


def kss(root: Path) -> None:
    write(
        root / "transcript.v.1.4.txt",
        "1/1_0000.wav|그는 3시에 왔다.|그는 세시에 왔다.|그는 세시에 왔다.|3.5|He came at three.",
        "2/2_0000.wav|좋아요.|좋아요.|좋아요.|1.0|Good.",
        "1/1_0001.wav|없어요.|없어요.|없어요.|1.0|It is missing.",
        "1/1_0002.wav| | | |1.0|",
        "1/1_0003.wav|둘",
    )
    write(root / "transcript.v.1.3.txt", "1/1_0000.wav|old|old|old|3.5|old")
    for name in ("1/1_0000", "2/2_0000", "1/1_0002", "1/1_0003"):
        sound(root / f"{name}.wav", rate_hz=44100)


def jsut(root: Path) -> None:
    write(
        root / "basic5000" / "transcript_utf8.txt",
        "BASIC5000_0001:水をマレーシアから買わなくてはならないのです。",
        "BASIC5000_0002:時刻は12:30です。",
        "BASIC5000_0003:ありません。",
        "BASIC5000_0004:",
        "BASIC5000_0005",
    )
    write(root / "repeat500" / "transcript_utf8.txt", "REPEAT500_set1_001:また、東寺のように。")
    for name in ("0001", "0002", "0004", "0005"):
        sound(root / "basic5000" / "wav" / f"BASIC5000_{name}.wav", rate_hz=48000)
    sound(root / "repeat500" / "wav" / "REPEAT500_set1_001.wav", rate_hz=48000)


def aishell3(root: Path) -> None:
    write(
        root / "train" / "content.txt",
        "SSB00050001.wav\t广 guang3 州 zhou1 女 nv3 大 da4",
        "SSB00050002.wav\t花儿 huar1 开 kai1",
        "SSB00050003.wav\t没 mei2 有 you3",
        "SSB00050004.wav\tguang3 zhou1",
        "SSB00050005.wav",
        "SSB00050006.wav\t",
    )
    write(root / "test" / "content.txt", "SSB06230001.wav\t你 ni3 好 hao3")
    for number in (1, 2, 4, 5, 6):
        sound(root / "train" / "wav" / "SSB0005" / f"SSB0005000{number}.wav", rate_hz=44100)
    sound(root / "test" / "wav" / "SSB0623" / "SSB06230001.wav", rate_hz=44100)


def vctk(root: Path) -> None:
    write(
        root / "speaker-info.txt",
        "ID  AGE  GENDER  ACCENTS  REGION COMMENTS ",
        "p225  23  F    English    Southern  England",
        "p294  33  F    American  San Francisco",
        "p252  22  M    Scottish  Edinburgh",
        "p315  18  M    American  New England (text unavailable)",
        "s5    24  F    British",
    )
    for name in ("p225_001", "p294_002", "p252_003", "s5_001"):
        speaker = name.partition("_")[0]
        write(root / "txt" / speaker / f"{name}.txt", f"Please call {speaker}. ")
        for microphone in (1, 2):
            folder = root / "wav48_silence_trimmed" / speaker
            folder.mkdir(parents=True, exist_ok=True)
            sound(folder / f"{name}_mic{microphone}.flac", rate_hz=48000)
    sound(root / "wav48_silence_trimmed" / "p315" / "p315_001_mic1.flac", rate_hz=48000)
    write(root / "txt" / "p362" / "p362_009.txt", "No recording.")
    write(root / "txt" / "p225" / "p225_002.txt", " ")
    sound(root / "wav48_silence_trimmed" / "p225" / "p225_002_mic1.flac", rate_hz=48000)
    (root / "txt" / "p225" / "p225_003.txt").write_bytes(b"caf\xe9")
    sound(root / "wav48_silence_trimmed" / "p225" / "p225_003_mic1.flac", rate_hz=48000)


def libritts(root: Path) -> None:
    for subset, speaker in (("train-clean-100", "103"), ("dev-clean", "84"), ("test-other", "367")):
        stem = root / subset / speaker / "1241" / f"{speaker}_1241_000000_000001"
        sound(stem.with_suffix(".wav"), rate_hz=24000)
        write(stem.with_suffix(".normalized.txt"), "Mister Smith came at ten.")
        write(stem.with_suffix(".original.txt"), "Mr. Smith came at 10.")
    stem = root / "train-clean-100" / "103" / "1241" / "103_1241_000000_000002"
    sound(stem.with_suffix(".wav"), rate_hz=24000)
    write(stem.with_suffix(".original.txt"), "Only as printed.")
    stem = root / "train-clean-100" / "103" / "1241" / "103_1241_000000_000003"
    sound(stem.with_suffix(".wav"), 0.1, rate_hz=24000)
    write(stem.with_suffix(".normalized.txt"), "Oh.")
    write(root / "speakers.tsv", "READER\tGENDER\tSUBSET\tNAME")


def common_voice(root: Path) -> None:
    head = "\t".join(
        "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale "
        "segment".split()
    )

    def row(client: str, number: int, sentence: str) -> str:
        return f"{client}\tcommon_voice_en_{number}.mp3\t0\t{sentence}\t\t2\t0\t\t\t\t\ten\t"

    write(root / "train.tsv", head, row("a" * 128, 1, "The first sentence."))
    write(root / "test.tsv", head, row("b" * 128, 2, 'He said "no" twice.'))
    write(
        root / "validated.tsv",
        head,
        row("a" * 128, 1, "The first sentence."),
        row("b" * 128, 2, 'He said "no" twice.'),
        row("b" * 128, 3, "By the speaker of the tests."),
        row("c" * 128, 4, "Not there."),
        row("c" * 128, 5, ""),
        "c\tcommon_voice_en_6.mp3\tcut off",
        row("", 7, "By nobody."),
    )
    for number in (1, 2, 3, 5, 6, 7):
        sound(root / "clips" / f"common_voice_en_{number}.mp3", rate_hz=48000)


def folder(root: Path) -> None:
    write(
        root / "metadata.csv",
        "a.wav|anna|en-us|The first.",
        "b|bert|ko|둘.",
        "sub/c|anna|en-us|In a folder.",
        "missing|anna|en-us|Not there.",
        "a|anna|en-us|The first again.",
        "a|anna|Three columns.",
        "d||en-us|By nobody.",
        "|anna|en-us|Of nothing.",
        "e|anna|en-us|...",
    )
    for name in ("a.wav", "wavs/b.wav", "sub/c.flac", "d.wav", "e.wav"):
        sound(root / name)


FAKES: dict[str, Callable[[Path], None]] = {
    "aishell3": aishell3,
    "common_voice": common_voice,
    "folder": folder,
    "jsut": jsut,
    "kss": kss,
    "libritts": libritts,
    "ljspeech": ljspeech,
    "vctk": vctk,
}
