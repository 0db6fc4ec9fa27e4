"""What one recording shows by itself: whether it can be read, where it is silent, how loud, how clipped.

N samples, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.loudness import loudness_lufs
from sonorant.audio.speech_activity import SpeechActivity
from sonorant.data.checks.kinds import Findings, Limits, hash_number
from sonorant.data.manifest import Utterance
from sonorant.errors import AudioError

_FULL_SCALE = 32767 / 32768
# Times are written rounded.
_ROUNDING_S = 1e-3
# One sample at full scale is the peak of a recording that just fits.
_FULL_SCALE_SAMPLES = 2
# So many equal samples at the extreme are a flat top; in a quiet recording they are only coarse steps.
_FLAT_TOP_SAMPLES = 3
_QUIET_PEAK = 0.1


@dataclass(frozen=True)
class Part:
    """The part of a recording that an utterance uses."""

    samples: Samples
    """[N, C]; fewer than n_promised where the recording cannot be decoded to its end."""
    sample_rate_hz: int
    n_promised: int
    """Samples of the part within the length that the file's header gives."""
    past_end_s: float
    """How far the part reaches past that length."""


def read_part(path: Path, utterance: Utterance) -> Part:
    """The samples an utterance uses. Raises AudioError when they cannot be decoded."""
    import soundfile

    try:
        if not path.is_file():
            raise AudioError(f"{path}: there is no such file")
        with soundfile.SoundFile(path) as file:
            start = min(round(utterance.start_s * file.samplerate), file.frames)
            end = file.frames if utterance.end_s is None else round(utterance.end_s * file.samplerate)
            n_promised = max(0, min(end, file.frames) - start)
            if start:
                file.seek(start)
            samples: Samples = file.read(n_promised, dtype="float32", always_2d=True)
            return Part(
                samples=samples,
                sample_rate_hz=int(file.samplerate),
                n_promised=n_promised,
                past_end_s=max(0, end - file.frames) / file.samplerate,
            )
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: cannot be decoded ({error})") from None


def examine_recording(path: Path, utterance: Utterance, limits: Limits) -> tuple[Findings, float]:
    """What the recording of an utterance shows, and how many seconds of it are speech."""
    found = Findings()
    try:
        part = read_part(path, utterance)
    except AudioError as error:
        found.faults["unreadable"] = str(error).removeprefix(f"{path}: ")
        return found, 0.0
    _length(found, path, part, utterance, limits)
    samples, sample_rate_hz = part.samples, part.sample_rate_hz
    if not samples.size:
        return found, 0.0
    found.measures["audio_hash"] = hash_number(sample_rate_hz.to_bytes(4, "big") + samples.astype("<f4").tobytes())
    if n_bad := int(np.count_nonzero(~np.isfinite(samples))):
        found.faults["not_finite"] = f"{n_bad:,} of {samples.size:,} samples are NaN or infinite"
        return found, 0.0
    share = found.measures["clipped_share"] = clipped_share(samples)
    if share > limits.max_clipped_share:
        found.faults["clipping"] = f"{share:.2%} of the samples are clipped"
    mono: Samples = samples.mean(axis=1, dtype=np.float32)
    loudness = loudness_lufs(mono, sample_rate_hz)
    if np.isfinite(loudness):
        found.measures["loudness_lufs"] = round(loudness, 2)
    if loudness < limits.min_loudness_lufs:
        found.faults["loudness"] = f"{loudness:.1f} LUFS is quieter than {limits.min_loudness_lufs:g}"
    return found, _speech(found, mono, sample_rate_hz, limits)


def clipped_share(samples: NDArray[np.float32]) -> float:
    """The share of samples, [N, C], in runs at full scale, or on a flat top at the extreme of their channel."""
    n_clipped = 0
    for channel in range(samples.shape[1]):
        for sign in (1.0, -1.0):
            signal = sign * samples[:, channel]
            clipped = _in_runs(signal >= _FULL_SCALE, at_least=_FULL_SCALE_SAMPLES)
            if (peak := signal.max()) >= _QUIET_PEAK:
                clipped |= _in_runs(signal == peak, at_least=_FLAT_TOP_SAMPLES)
            n_clipped += int(np.count_nonzero(clipped))
    return round(n_clipped / samples.size, 6)


def _in_runs(flags: NDArray[np.bool_], *, at_least: int) -> NDArray[np.bool_]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    kept = np.zeros_like(flags)
    for start, end in edges.reshape(-1, 2):
        kept[start:end] = end - start >= at_least
    return kept


def _length(found: Findings, path: Path, part: Part, utterance: Utterance, limits: Limits) -> None:
    length_s = len(part.samples) / part.sample_rate_hz
    if part.past_end_s > _ROUNDING_S:
        found.faults["truncated"] = f"the recording ends {part.past_end_s:.3f} s before the utterance does"
    elif missing := part.n_promised - len(part.samples):
        found.faults["truncated"] = f"the last {missing:,} of {part.n_promised:,} samples are missing"
    elif not length_s:
        found.faults["truncated"] = "the recording ends before the utterance begins"
    elif utterance.end_s is None and (reason := _cut_short(path)):
        found.faults["truncated"] = reason
    elif abs(length_s - utterance.duration_s) > limits.duration_tolerance_s:
        found.faults["duration"] = f"{length_s:.2f} s long, in the manifest {utterance.duration_s:.2f} s"


def _cut_short(path: Path) -> str:
    """How a WAV file holds less than its header announces, which libsndfile does not mind; "" when it is whole."""
    with path.open("rb") as file:
        announced, held = _wav_bytes(file)
    return f"its header announces {announced:,} bytes of samples, it holds {held:,}" if held < announced else ""


def _wav_bytes(file: BinaryIO) -> tuple[int, int]:
    """The bytes of samples a WAV file announces and holds; (0, 0) for other files and those that announce none."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return 0, 0
    size = file.seek(0, 2)
    at = 12
    while at + 8 <= size:
        file.seek(at)
        chunk = file.read(8)
        length = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            # Programs that write to a pipe do not know the length, and leave it at the largest.
            return (length, size - at - 8) if length < 0x7FFF0000 else (0, 0)
        at += 8 + length + length % 2
    return 0, 0


@cache
def _activity() -> SpeechActivity:
    return SpeechActivity()


def _speech(found: Findings, samples: Samples, sample_rate_hz: int, limits: Limits) -> float:
    spans = _activity()(samples, sample_rate_hz)
    if not spans:
        found.faults["no_speech"] = "no speech is heard"
        return 0.0
    start_s = max(0.0, spans[0].start_s)
    end_s = max(0.0, len(samples) / sample_rate_hz - spans[-1].end_s)
    gaps_s = [after.start_s - before.end_s for before, after in pairwise(spans)]
    found.measures["silence_start_s"] = round(start_s, 3)
    found.measures["silence_end_s"] = round(end_s, 3)
    found.measures["longest_pause_s"] = round(max(gaps_s, default=0.0), 3)
    long = [
        f"{silence_s:.2f} s of silence at the {where}"
        for where, silence_s in (("start", start_s), ("end", end_s))
        if silence_s > limits.max_silence_s
    ]
    if long:
        found.faults["silence"] = " and ".join(long)
    return sum(span.duration_s for span in spans)
