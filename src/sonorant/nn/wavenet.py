"""The gated, non-causal WaveNet stack of the posterior encoder and of the flow.

B batch, C channels, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonorant.bounds import check_at_least, check_odd, check_share
from sonorant.config import config
from sonorant.nn.conv import same_padding, weight_normed


@config
class WaveNetConfig:
    n_layers: int
    kernel: int = 5
    dilation_rate: int = 1
    """Layer i has dilation dilation_rate**i."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_layers", "dilation_rate")
        check_odd(self, "kernel")
        check_share(self, "dropout")

    @property
    def context_frames(self) -> int:
        """How far, in frames, it looks to each side."""
        return self.kernel // 2 * sum(int(self.dilation_rate**i) for i in range(self.n_layers))


class WaveNet(nn.Module):
    """Gated residual convolutions whose skip outputs are summed (VITS, 2.5.1; van den Oord et al. 2016)."""

    def __init__(self, cfg: WaveNetConfig, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__()
        self.d_hidden = d_hidden
        self.gates = nn.ModuleList()
        self.outputs = nn.ModuleList()
        for i in range(cfg.n_layers):
            dilation = cfg.dilation_rate**i
            padding = same_padding(cfg.kernel, dilation)
            is_last = i == cfg.n_layers - 1
            gate = nn.Conv1d(d_hidden, 2 * d_hidden, cfg.kernel, dilation=dilation, padding=padding)
            # The last layer feeds no other: it has a skip output only.
            output = nn.Conv1d(d_hidden, d_hidden if is_last else 2 * d_hidden, 1)
            self.gates.append(weight_normed(gate))
            self.outputs.append(weight_normed(output))
        self.condition = weight_normed(nn.Conv1d(d_cond, 2 * d_hidden * cfg.n_layers, 1)) if d_cond else None
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C, T]."""
        d = self.d_hidden
        conditions = [None] * len(self.gates) if self.condition is None else self.condition(speaker).split(2 * d, dim=1)
        skips = torch.zeros_like(x)
        for gate, output, condition in zip(self.gates, self.outputs, conditions, strict=True):
            content, openness = (gate(x) if condition is None else gate(x) + condition).split(d, dim=1)
            skip = output(self.dropout(torch.tanh(content) * torch.sigmoid(openness)))
            if skip.shape[1] > d:
                residual, skip = skip.split(d, dim=1)
                x = (x + residual) * mask
            skips = skips + skip
        return skips * mask
