"""A fast waveform decoder: a ConvNeXt over frames, then an inverse STFT (Vocos, Siuzdak 2023, arXiv:2306.00814).

B batch, C channels, T frames, N = T * hop samples, K = n_fft / hop.

Departures from Vocos: the input is a latent, and a speaker embedding may be added after the first convolution; the
phase a head starts from puts each frame's energy in the middle of the window instead of at its edge, where the window
is 0; the envelope of the windows is that of the frames an item has.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_even, check_odd
from sonorant.config import config
from sonorant.nn.conv import same_padding
from sonorant.nn.windows import decode_in_windows

MAX_MAGNITUDE = 1e2
"""Of a bin of the spectrum, as in the program of Vocos's author."""
FIRST_LOG_MAGNITUDE = -2.0
"""About which a fresh head's log-magnitudes lie; it is quiet: peaks are near 0.1."""
WEIGHT_STD = 0.02
"""Of the fresh weights, as in ConvNeXt."""
LEAST_ENVELOPE = 0.2
"""Below the envelope at any sample of a real frame, which is cos(pi / 2K)**4 >= 1/4 from that frame alone."""


@config
class IstftHeadConfig:
    kind: Literal["istft"] = "istft"
    d: int = 512
    """Channels of the backbone."""
    d_filter: int = 1536
    """Width inside a block."""
    n_layers: int = 8
    kernel: int = 7
    """Of the first convolution and of the depthwise ones, in frames."""
    n_fft: int = 1024
    hop: int = 256
    """Samples made of one frame; even, and a whole number of them, at least two, make n_fft."""

    def __post_init__(self) -> None:
        check_at_least(1, self, "d", "d_filter", "n_layers")
        check_odd(self, "kernel")
        check_even(self, "hop")  # so that frames have a middle
        check_overlap(self.n_fft, self.hop)

    @property
    def context_frames(self) -> int:
        """How far, in frames, the samples of one frame look: exactly."""
        # A frame's spectrum reaches n_fft / 2 samples from its middle, so hop * (K - 1) / 2 beyond its own samples.
        overlap = self.n_fft // self.hop // 2
        return (1 + self.n_layers) * (self.kernel // 2) + overlap


def check_overlap(n_fft: int, hop: int) -> None:
    """Raise ValueError where no whole number of hops, at least two, make a spectrum."""
    if n_fft % hop or n_fft < 2 * hop:
        raise ValueError(f"n_fft is {n_fft}, expected a multiple of hop {hop}, at least twice it")


class FrameNetwork(nn.Module):
    """A ConvNeXt from latent frames to features; convolutions run over [B, T, C] memory, fastest on CPUs."""

    def __init__(self, d_latent: int, d: int, d_filter: int, *, kernel: int, n_layers: int, d_cond: int = 0) -> None:
        super().__init__()
        self.input = nn.Conv1d(d_latent, d, kernel, padding=same_padding(kernel))
        self.condition = nn.Linear(d_cond, d) if d_cond else None
        self.input_norm = nn.LayerNorm(d, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(d, d_filter, kernel, first_scale=1 / n_layers) for _ in range(n_layers)
        )
        self.output_norm = nn.LayerNorm(d, eps=1e-6)

    def forward(self, z: Tensor, speaker: Tensor | None, mask: Tensor | None) -> Tensor:
        """z: [B, C, T]; speaker: [B, d_cond, 1] if conditioned; mask: [B, 1, T] or None. Returns [B, T, d]."""
        real = None if mask is None else mask.transpose(1, 2)
        x = self.input(z if mask is None else z * mask).transpose(1, 2)
        if self.condition is not None:
            assert speaker is not None, "a conditioned decoder is given a speaker"
            x = x + self.condition(speaker.transpose(1, 2))
        x = self.input_norm(x)
        for block in self.blocks:
            x = block(x, real)
        with torch.autocast(x.device.type, enabled=False):
            features: Tensor = self.output_norm(x.to(self.output_norm.weight.dtype))
        return features


class IstftHead(FrameNetwork):
    """Predicts magnitude and phase of a spectrum per frame."""

    def __init__(self, cfg: IstftHeadConfig, d_latent: int, d_cond: int = 0) -> None:
        super().__init__(d_latent, cfg.d, cfg.d_filter, kernel=cfg.kernel, n_layers=cfg.n_layers, d_cond=d_cond)
        self.cfg = cfg
        self.output = nn.Linear(cfg.d, cfg.n_fft + 2)
        self.overlap_add = OverlapAdd(cfg.n_fft, cfg.hop)
        self.apply(initialise)
        with torch.no_grad():
            log_magnitude, phase = self.output.bias.chunk(2)
            log_magnitude.fill_(FIRST_LOG_MAGNITUDE)
            phase[1::2] = math.pi  # a shift by half a window: the impulse of all bins lies in the middle

    @property
    def context_frames(self) -> int:
        """How many frames beyond a window its samples look at."""
        return self.cfg.context_frames

    def forward(self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """The waveform of latent frames.

        z: [B, C, T]; speaker: [B, d_cond, 1] if conditioned; mask: [B, 1, T], needed only when items are
        padded. Returns [B, 1, N], float32 under autocast; samples of padded frames are 0, and nothing of the padding
        reaches the others.
        """
        x = super().forward(z, speaker, mask)
        real = None if mask is None else mask.transpose(1, 2)
        with torch.autocast(x.device.type, enabled=False):
            log_magnitude, phase = self.output(x).chunk(2, dim=-1)
            magnitude = log_magnitude.clamp(max=math.log(MAX_MAGNITUDE)).exp()
            spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
            samples: Tensor = self.overlap_add(spectrum, real)
        return samples

    def decode_in_windows(
        self, z: Tensor, speaker: Tensor | None = None, mask: Tensor | None = None, *, window: int = 1024
    ) -> Tensor:
        """What `forward` gives, computed `window` frames at a time with the context each window looks at.

        Memory is bounded. Smaller windows spend more on their context and gain nothing: most of the time goes into
        matrix products, which keep to the cache by themselves.
        """
        return decode_in_windows(
            self, z, speaker, mask, window=window, context_frames=self.context_frames, hop=self.cfg.hop
        )


class ConvNeXtBlock(nn.Module):
    """Mixes frames channel by channel, then channels frame by frame, with a residual (Liu et al. 2022)."""

    def __init__(self, d: int, d_filter: int, kernel: int, *, first_scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(d, d, (1, kernel), padding=(0, same_padding(kernel)), groups=d)
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.widen = nn.Linear(d, d_filter)
        self.narrow = nn.Linear(d_filter, d)
        self.scale = nn.Parameter(torch.full((d,), first_scale))

    def forward(self, x: Tensor, real: Tensor | None) -> Tensor:
        """x: [B, T, C]; real: [B, T, 1], 1 at real frames, or None if all are. Returns [B, T, C]."""
        y = x if real is None else x * real
        # A view as [B, C, 1, T] whose channels come last in memory: half the time of a convolution over [B, C, T].
        y = self.depthwise(y.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        y = self.narrow(F.gelu(self.widen(self.norm(y))))
        return torch.addcmul(x, self.scale, y)


def spectra(samples: Tensor, n_fft: int, hop: int) -> Tensor:
    """The spectra of frames whose middles are those of the hops, with zeros beyond the ends; `OverlapAdd` undoes it.

    samples: [..., N], whole hops. Returns complex [..., T, n_fft / 2 + 1].
    """
    beyond = (n_fft - hop) // 2
    frames = F.pad(samples, (beyond, beyond)).unfold(-1, n_fft, hop)
    found: Tensor = torch.fft.rfft(frames * torch.hann_window(n_fft, device=samples.device), dim=-1)
    return found


class OverlapAdd(nn.Module):
    """The inverse of an STFT whose frame i has its middle in the middle of samples i * hop to (i + 1) * hop."""

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.hop = hop

    def forward(self, spectrum: Tensor, real: Tensor | None = None) -> Tensor:
        """The samples whose windowed frames come closest to the given ones (Griffin and Lim 1984, eq. 6).

        spectrum: complex [B, T, n_fft / 2 + 1]; real: [B, T, 1], 1 at real frames. Returns [B, 1, N], 0 outside them.
        """
        n_fft, n_frames = self.n_fft, spectrum.shape[1]
        # Made anew, for a buffer that no checkpoint holds would be lost where networks are made without memory.
        window = torch.hann_window(n_fft, device=spectrum.device)
        frames = torch.fft.irfft(spectrum, n=n_fft, dim=-1) * window
        if real is None:
            real = window.new_ones(1, n_frames, 1)
        else:
            real = real.to(window.dtype)
            frames = frames * real
        total, envelope = self._sum(frames), self._envelope(real, window)
        inside = real.expand(-1, -1, self.hop).flatten(1)
        beyond = (n_fft - self.hop) // 2
        n = n_frames * self.hop
        gain = inside / envelope[:, beyond : beyond + n].clamp(min=LEAST_ENVELOPE)
        return (total[:, beyond : beyond + n] * gain).unsqueeze(1)

    def _sum(self, frames: Tensor) -> Tensor:
        """[B, T, n_fft] -> [B, (T + K - 1) * hop], frame i from sample i * hop on."""
        n_overlap = frames.shape[2] // self.hop
        total = frames.new_zeros(frames.shape[0], frames.shape[1] + n_overlap - 1, self.hop)
        for k, part in enumerate(frames.split(self.hop, dim=2)):
            total[:, k : k + frames.shape[1]] += part
        return total.flatten(1)

    def _envelope(self, real: Tensor, window: Tensor) -> Tensor:
        """The sum of the squared windows of the real frames. real: [B, T, 1]. Returns [B, (T + K - 1) * hop]."""
        squares = window.square().view(-1, self.hop)
        n_overlap = len(squares)
        around = F.pad(real.squeeze(2), (n_overlap - 1, n_overlap - 1)).unfold(1, n_overlap, 1)
        return (around @ squares.flip(0)).flatten(1)


def initialise(part: nn.Module) -> None:
    """Give a part the weights that ConvNeXt begins with."""
    if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(part.weight, std=WEIGHT_STD)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
