"""Flows with a transformer in them (VITS2, Kong et al. 2023, arXiv:2307.16430: 2.3 and figure 1b).

The paper says of the block only that it is small and has a residual connection; where it stands, and how large it is,
others had to guess. The kinds below are those of github.com/p0p4k/vits2_pytorch (MIT), under whose names they are known
(`pre_conv2` and so on), each computing what that program's does when it runs.
A fresh coupling of any kind moves nothing: `transformer_flow` begins as VITS's flow begins, but for `mono_post`,
which doubles.

B batch, C channels of the latent, T frames.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from sonorant.bounds import check_at_least
from sonorant.config import config
from sonorant.nn.conv import weight_normed
from sonorant.nn.flow import Coupling, Flip, Flow, ResidualCoupling, zero_conv
from sonorant.nn.transformer import Transformer, TransformerConfig, TransformerLayer, transformer_layer
from sonorant.nn.wavenet import WaveNetConfig

ATTENDED_FRAMES = 64
"""What a piece of speech is given around it for a flow's attention, which looks at all it is given: no exact number."""


@config
class PlainCouplingConfig:
    """The coupling of VITS: no transformer."""

    kind: Literal["plain"] = "plain"

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it."""
        return [ResidualCoupling(wavenet, d, d_hidden, d_cond), Flip()]


@config
class HiddenTransformerConfig(TransformerConfig):
    """A transformer between a coupling's input convolution and its WaveNet (`pre_conv2`)."""

    kind: Literal["hidden"] = "hidden"
    n_layers: int = 1
    n_heads: int = 2
    kernel: int = 5
    window: int | None = 4

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it."""
        return [HiddenTransformerCoupling(self, wavenet, d, d_hidden, d_cond), Flip()]


@config
class InputTransformerConfig(TransformerConfig):
    """A transformer before a coupling's input convolution (`pre_conv`)."""

    kind: Literal["input"] = "input"
    n_layers: int = 2
    n_heads: int = 2
    kernel: int = 3
    dropout: float = 0.1

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it."""
        return [InputTransformerCoupling(self, wavenet, d, d_hidden, d_cond), Flip()]


@config
class CausalTransformerConfig(TransformerConfig):
    """A causal transformer in place of the WaveNet (`fft`). The sizes are those that run, not those that were meant."""

    kind: Literal["fft"] = "fft"
    n_layers: int = 1
    n_heads: int = 4
    kernel: int = 5
    d_filter: int | None = 768

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it; there is no WaveNet in it."""
        return [CausalTransformerCoupling(self, d, d_hidden, d_cond), Flip()]


@config
class MonoInterConfig(TransformerConfig):
    """After each coupling of VITS another, which is a transformer alone (`mono_layer_inter_residual`)."""

    kind: Literal["mono_inter"] = "mono_inter"
    n_layers: int = 2
    n_heads: int = 2
    kernel: int = 3
    dropout: float = 0.1

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it."""
        return [ResidualCoupling(wavenet, d, d_hidden, d_cond), Flip(), TransformerCoupling(self, d)]


@config
class MonoPostConfig(TransformerConfig):
    """The same with the residual connection around the whole coupling, which doubles (`mono_layer_post_residual`)."""

    kind: Literal["mono_post"] = "mono_post"
    n_layers: int = 2
    n_heads: int = 2
    kernel: int = 3
    dropout: float = 0.1

    def steps(self, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int) -> list[nn.Module]:
        """One coupling and what follows it."""
        return [ResidualCoupling(wavenet, d, d_hidden, d_cond), Flip(), DoublingCoupling(self, d)]


CouplingConfig = (
    HiddenTransformerConfig
    | PlainCouplingConfig
    | InputTransformerConfig
    | CausalTransformerConfig
    | MonoInterConfig
    | MonoPostConfig
)


@config
class TransformerFlowConfig:
    n_couplings: int = 4
    wavenet: WaveNetConfig = WaveNetConfig(n_layers=4)
    coupling: CouplingConfig = HiddenTransformerConfig()

    def __post_init__(self) -> None:
        check_at_least(1, self, "n_couplings")

    def check_widths(self, *, d_latent: int, d_hidden: int) -> None:
        """Raise ValueError where the couplings' attention does not divide what it looks at in a model of such widths.

        d_latent: the flow's channels; d_hidden: those within its couplings.
        """
        match self.coupling:
            case PlainCouplingConfig():
                return
            case HiddenTransformerConfig() | CausalTransformerConfig():
                seen, width = "d_hidden", d_hidden
            case _:
                seen, width = "half of d_latent", d_latent // 2
        if width % self.coupling.n_heads:
            raise ValueError(
                f"flow.coupling.n_heads is {self.coupling.n_heads}: it must divide {seen}, which is {width}"
            )


def transformer_flow(cfg: TransformerFlowConfig, d: int, d_hidden: int, d_cond: int = 0) -> Flow:
    """The flow of VITS2: couplings of one kind, each followed by a flip."""
    steps: list[nn.Module] = []
    for _ in range(cfg.n_couplings):
        steps += cfg.coupling.steps(cfg.wavenet, d, d_hidden, d_cond)
    return Flow(steps)


class HiddenTransformerCoupling(ResidualCoupling):
    """A coupling of VITS that looks at all frames before its WaveNet looks at the near ones.

    A gate for each channel, not in the paper, starts at zero: with VITS's weights it computes what VITS does.
    """

    def __init__(
        self, transformer: TransformerConfig, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int = 0
    ) -> None:
        super().__init__(wavenet, d, d_hidden, d_cond)
        self.transformer = Transformer(transformer, d_hidden)
        self.gate = nn.Parameter(torch.zeros(d_hidden, 1))

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C/2, T]."""
        h = self.input(fixed) * mask
        h = h + self.gate * self.transformer(h, mask)
        shift: Tensor = self.output(self.wavenet(h, mask, speaker)) * mask
        return shift


class InputTransformerCoupling(ResidualCoupling):
    """A coupling of VITS whose function sees, of the fixed half, its sum with a transformer's view of it."""

    def __init__(
        self, transformer: TransformerConfig, wavenet: WaveNetConfig, d: int, d_hidden: int, d_cond: int = 0
    ) -> None:
        super().__init__(wavenet, d, d_hidden, d_cond)
        self.transformer = Transformer(transformer, d // 2)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C/2, T]."""
        return super().shift(fixed + self.transformer(fixed, mask), mask, speaker)


class TransformerCoupling(Coupling):
    """A coupling whose function is a transformer with a residual connection; it knows no speaker."""

    def __init__(self, transformer: TransformerConfig, d: int) -> None:
        super().__init__(d)
        self.transformer = Transformer(transformer, d // 2)
        self.output = zero_conv(d // 2, d // 2)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]. Returns [B, C/2, T]."""
        shift: Tensor = self.output(fixed + self.transformer(fixed, mask)) * mask
        return shift


class DoublingCoupling(Coupling):
    """The sum of its input and of a coupling of it: twice the input, one half of it also shifted.

    The one step that does not preserve volume. It has to be told to the likelihood: see `log_det_per_frame`.
    """

    def __init__(self, transformer: TransformerConfig, d: int) -> None:
        super().__init__(d)
        self.log_det_per_frame = d * math.log(2)
        self.transformer = Transformer(transformer, d // 2)
        self.output = zero_conv(d // 2, d // 2)

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]. Returns [B, C, T]."""
        return x + super().forward(x, mask, speaker)

    def reverse(self, y: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Undo `forward`."""
        fixed, moved = y.chunk(2, dim=1)
        fixed = fixed / 2
        return torch.cat([fixed, (moved - self.shift(fixed, mask, speaker)) / 2 * mask], dim=1)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]. Returns [B, C/2, T]."""
        shift: Tensor = self.output(self.transformer(fixed, mask)) * mask
        return shift


class CausalTransformerCoupling(Coupling):
    """A coupling whose function is a causal transformer with a residual connection."""

    def __init__(self, transformer: TransformerConfig, d: int, d_hidden: int, d_cond: int = 0) -> None:
        super().__init__(d)
        self.input = nn.Conv1d(d // 2, d_hidden, 1)
        self.transformer = CausalTransformer(transformer, d_hidden, d_cond)
        self.output = zero_conv(d_hidden, d // 2)

    def shift(self, fixed: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        """fixed: [B, C/2, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C/2, T]."""
        h = self.input(fixed) * mask
        shift: Tensor = self.output(h + self.transformer(h, mask, speaker)) * mask
        return shift


class CausalTransformer(nn.Module):
    """Transformer layers in which a frame knows itself and those before it; each is conditioned on the speaker.

    Padding stands at the end, so no real frame can see it.
    """

    def __init__(self, cfg: TransformerConfig, d: int, d_cond: int = 0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_causal_layer(cfg, d) for _ in range(cfg.n_layers))
        # One convolution for the input of every layer, but a part of the speaker's for each.
        self.condition_input = nn.Conv1d(d, 2 * d, 1) if d_cond else None
        self.condition = weight_normed(nn.Conv1d(d_cond, 2 * d * cfg.n_layers, 1)) if d_cond else None

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """x: [B, C, T]; mask: [B, 1, T]; speaker: [B, d_cond, 1] if conditioned. Returns [B, C, T], 0 at padding."""
        positions = torch.arange(x.shape[2], device=x.device)
        past = (positions[:, None] >= positions).unsqueeze(0).to(x.dtype)
        n = len(self.layers)
        conditions = [None] * n if self.condition is None else self.condition(speaker).chunk(n, dim=1)
        x = x * mask
        for layer, condition in zip(self.layers, conditions, strict=True):
            if self.condition_input is not None:
                a, b = (self.condition_input(x) + condition).chunk(2, dim=1)
                x = torch.tanh(a) * torch.sigmoid(b)
            x = layer(x, mask, past)
        return x * mask


def _causal_layer(cfg: TransformerConfig, d: int) -> TransformerLayer:
    layer = transformer_layer(cfg, d)
    layer.feed_forward.padding = (cfg.kernel - 1, 0)
    # Keys start as queries, so that at first a frame looks at those like itself.
    layer.attention.key.load_state_dict(layer.attention.query.state_dict())
    return layer
