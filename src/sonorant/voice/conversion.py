"""Speech given to another speaker piece by piece: the samples that converting the whole would give.

A sample depends on finitely many frames, and so the recording is converted in windows of frames, each with the context
its samples look at. Frame t of a spectrogram begins `padding` samples before sample t * hop and ends as many after
sample (t + 1) * hop. T frames, C channels of the latent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from sonorant.audio.io import Samples
from sonorant.audio.spectrogram import linear_spectrogram
from sonorant.errors import AudioError
from sonorant.models import Converter
from sonorant.voice.runtime import Noise

WINDOW_FRAMES = 2048
"""Larger windows spend less on their context, smaller ones take less memory."""


def converted(
    blocks: Iterable[Samples],
    converter: Converter,
    *,
    source: int,
    target: int,
    noise: Noise,
    noise_scale: float,
    device: torch.device,
    window: int = WINDOW_FRAMES,
) -> Iterator[Samples]:
    """The recording by another speaker, `window` frames at a time; see `Runtime.convert`."""
    cfg, context = converter.spectrogram, converter.context_frames
    hop, padding = cfg.hop, (cfg.n_fft - cfg.hop) // 2
    margin = -(-padding // hop)  # frames this near the end of what is looked at see its reflection
    recording = _Recording(blocks)
    frame_noise = _FrameNoise(noise, noise_scale)
    start = 0
    while True:
        recording.read_until((start + window + context + margin) * hop)
        n_frames = recording.n_read // hop
        if n_frames == 0 or recording.n_read <= padding:
            fewest = max(hop, padding + 1)
            raise AudioError(
                f"the recording is {recording.n_read / cfg.sample_rate_hz:.3f} s long, too short to convert; "
                f"give one of at least {fewest / cfg.sample_rate_hz:.3f} s"
            )
        end = min(start + window, n_frames)
        if end <= start:
            return
        left, right = max(0, start - context), min(end + context, n_frames)
        first = max(0, left - margin)
        with torch.inference_mode():
            samples = torch.from_numpy(recording.between(first * hop, (right + margin) * hop)).to(device)
            spec = linear_spectrogram(samples.unsqueeze(0), cfg)[:, :, left - first : right - first]
            speech = converter.convert(
                spec,
                torch.tensor([right - left], device=device),
                torch.tensor([source], device=device),
                torch.tensor([target], device=device),
                noise=frame_noise.of(left, right, device),
                first_frame=left,
            )
            piece = speech[0, (start - left) * hop : (end - left) * hop].float().cpu().numpy()
        yield piece.astype(np.float32, copy=False)
        start = end
        recording.forget(max(0, start - context - margin) * hop)


class _Recording:
    """What is still needed of a stream of samples. Places are counted from its start."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._held: Samples = np.zeros(0, np.float32)
        self._first = 0

    @property
    def n_read(self) -> int:
        """Samples seen so far: all there are, once `read_until` has asked for more."""
        return self._first + len(self._held)

    def read_until(self, n: int) -> None:
        """Read until n samples have been seen, or all."""
        pieces, n_read = [self._held], self.n_read
        while n_read < n and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            n_read += len(block)
        if len(pieces) > 1:
            self._held = np.concatenate(pieces)

    def between(self, start: int, end: int) -> Samples:
        """Samples from start to end, or to the last one seen."""
        return self._held[start - self._first : end - self._first]

    def forget(self, before: int) -> None:
        """Let go of the samples before a place."""
        self._held = self._held[before - self._first :]
        self._first = before


class _FrameNoise:
    """The noise of a recording's frames: each has its own, in whichever windows it is."""

    def __init__(self, draw: Noise, scale: float) -> None:
        self._draw = draw
        self._scale = scale
        self._held: Samples | None = None  # [T, C]
        self._first = 0

    def of(self, left: int, right: int, device: torch.device) -> Callable[[tuple[int, ...]], Tensor]:
        """The noise of a window's frames, which begins and ends no earlier than the last one asked for."""

        def noise(shape: tuple[int, ...]) -> Tensor:
            n_items, d, n_frames = shape
            assert (n_items, n_frames) == (1, right - left)
            held = np.zeros((0, d), np.float32) if self._held is None else self._held[left - self._first :]
            self._held = np.concatenate([held, self._draw((n_frames - len(held), d))])
            self._first = left
            return torch.from_numpy(self._held.T).to(device).unsqueeze(0) * self._scale

        return noise
