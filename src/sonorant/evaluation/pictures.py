"""What a sound looks like: its spectrogram, and its pitch below it, on scales that are the same for all."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from sonorant.audio.io import Samples
from sonorant.audio.pitch import HOP, RATE_HZ, PitchTrack
from sonorant.audio.resample import resample
from sonorant.audio.spectrogram import MelConfig, SpectrogramConfig, mel_filterbank
from sonorant.evaluation.packages import required

_SPECTROGRAM = SpectrogramConfig(sample_rate_hz=22_050, n_fft=1024, hop=256, win=1024)
_MEL = MelConfig(n_mels=96)
_DEPTH_DB = 65.0
# Grey that can be read on white and on black alike; the picture itself has no ground.
_INK = "#808080"
_PITCH_INK = "#e0701b"
_LOW_HZ, _HIGH_HZ = 50.0, 600.0
_TICKS_HZ = (100, 200, 400)


def draw(samples: Samples, sample_rate_hz: int, *, f0_hz: PitchTrack, length_s: float) -> bytes:
    """A PNG of a sound. samples: [N]; f0_hz: [T], every 8 ms, 0 where unvoiced; length_s: of the axis of time."""
    required("matplotlib", need="drawing spectrograms", package="matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 2.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    levels = mel_levels_db(samples, sample_rate_hz)
    duration_s = len(samples) / sample_rate_hz
    above.imshow(
        levels, origin="lower", aspect="auto", interpolation="nearest", cmap="magma",
        extent=(0.0, duration_s, 0.0, float(len(levels))), vmin=-_DEPTH_DB, vmax=0.0,
    )  # fmt: skip
    marks_hz = (1000, 4000, 11_025)
    above.set_yticks([_band_of(hz) for hz in marks_hz], ["1", "4", "11"])
    above.set_ylabel("kHz", color=_INK, fontsize=8)
    pitch = np.where(f0_hz > 0, f0_hz, np.nan)
    below.plot(np.arange(len(pitch)) * (HOP / RATE_HZ), pitch, color=_PITCH_INK, linewidth=1.6)
    below.set_yscale("log")
    below.set(ylim=(_LOW_HZ, _HIGH_HZ), xlim=(0.0, length_s))
    below.set_yticks(_TICKS_HZ, [str(hz) for hz in _TICKS_HZ])
    below.minorticks_off()
    below.set_ylabel("Hz", color=_INK, fontsize=8)
    below.set_xlabel("seconds", color=_INK, fontsize=8)
    below.grid(visible=True, axis="y", color=_INK, alpha=0.3, linewidth=0.5)
    figure.align_ylabels([above, below])
    for axes in (above, below):
        axes.patch.set_alpha(0.0)
        axes.tick_params(colors=_INK, labelsize=8, length=2)
        for name, spine in axes.spines.items():
            spine.set_visible(name in ("left", "bottom"))
            spine.set_color(_INK)
    picture = io.BytesIO()
    # Without the program's version in it, the same sound has the same picture.
    figure.savefig(picture, format="png", dpi=160, transparent=True, metadata={"Software": None})
    return picture.getvalue()


def mel_levels_db(samples: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    """Levels in mel bands below the loudest, in dB: [96, T], every 11.6 ms. samples: [N]."""
    cfg = _SPECTROGRAM
    heard = np.pad(resample(samples, from_hz=sample_rate_hz, to_hz=cfg.sample_rate_hz), (cfg.n_fft // 2, cfg.n_fft))
    frames = np.lib.stride_tricks.sliding_window_view(heard, cfg.n_fft)[:: cfg.hop]
    bands = np.abs(np.fft.rfft(frames * np.hanning(cfg.n_fft), axis=1)) @ mel_filterbank(cfg, _MEL).T
    levels: NDArray[np.float64] = 20 * np.log10(np.maximum(bands.T, 1e-8))
    levels -= levels.max()
    return levels


def _band_of(hz: float) -> float:
    """Where a frequency lies on the axis of bands."""
    filters = mel_filterbank(_SPECTROGRAM, _MEL)
    middles_hz = filters.argmax(axis=1) * _SPECTROGRAM.sample_rate_hz / _SPECTROGRAM.n_fft
    return float(np.interp(hz, middles_hz, np.arange(len(middles_hz)) + 0.5))
